"""The edge: whatever comes in is an event, or an InvalidRecord of one short line. Nothing else ever leaves the codec."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.codec import ERROR_LENGTH_MAX, INPUT_MODELS, VALUE_BYTES_MAX, decode, read_json
from schemas.errors import Fault, InvalidRecord
from schemas.events import AfterSaleRequest, Event, ShopCapConfig, StrategyConfig
from tests.builders import (
    buyer_list_value,
    control_value,
    logistics_value,
    request_value,
    result_value,
    shop_cap_value,
    strategy_value,
)

Json = dict[str, Any]

GOOD: dict[str, list[Json]] = {
    "after-sale-request": [request_value()],
    "strategy-config": [
        strategy_value(execution_windows=[{"start": "22:00", "end": "06:00", "weekdays": [1]}]),
        shop_cap_value(),
    ],
    "order-logistics": [logistics_value()],
    "refund-result": [result_value()],
    "buyer-list": [buyer_list_value()],
    "control": [control_value()],
}
topics = st.sampled_from(list(INPUT_MODELS))
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([2**63, -(2**63) - 1, "x" * 129, "24:00", "*", "2026-11-23T10:00:00"])
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner), max_leaves=12
)


def read_or_refused(topic: str, raw: bytes | None) -> Event | None:
    """The event; None where it was refused, in one line of bounded length."""
    try:
        return decode(topic, raw)
    except InvalidRecord as refused:
        error = str(refused)
        assert error
        assert len(error) <= ERROR_LENGTH_MAX
        assert error.splitlines() == [error]
        error.encode()
        return None


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path in a JSON value, the empty one included."""
    if isinstance(value, dict):
        return [path, *(found for key, inner in value.items() for found in places(inner, (*path, key)))]
    if isinstance(value, list):
        return [path, *(found for at, inner in enumerate(value) for found in places(inner, (*path, at)))]
    return [path]


def changed(value: Any, path: tuple[str | int, ...], to: object) -> Any:
    if not path:
        return to
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], to)
    return copy


@pytest.mark.parametrize("topic", INPUT_MODELS)
def test_a_good_record_is_an_event_of_its_topic(topic: str) -> None:
    for value in GOOD[topic]:
        assert isinstance(decode(topic, json.dumps(value).encode()), INPUT_MODELS[topic] | ShopCapConfig)


def test_a_strategy_config_for_the_star_is_a_shop_cap() -> None:
    assert type(decode("strategy-config", json.dumps(shop_cap_value()).encode())) is ShopCapConfig
    assert type(decode("strategy-config", json.dumps(strategy_value()).encode())) is StrategyConfig


@given(topics, st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_politely(topic: str, raw: bytes) -> None:
    read_or_refused(topic, raw)


@given(topics, anything)
def test_arbitrary_json_is_refused_politely(topic: str, value: object) -> None:
    read_or_refused(topic, json.dumps(value).encode())


@settings(max_examples=300)
@given(st.data())
def test_a_good_record_with_one_thing_changed_is_read_or_refused_politely(data: st.DataObject) -> None:
    topic = data.draw(topics)
    value = data.draw(st.sampled_from(GOOD[topic]))
    path = data.draw(st.sampled_from(places(value)))
    read_or_refused(topic, json.dumps(changed(value, path, data.draw(anything))).encode())


@given(st.data())
def test_a_good_record_that_was_cut_off_is_refused(data: st.DataObject) -> None:
    topic = data.draw(topics)
    raw = json.dumps(data.draw(st.sampled_from(GOOD[topic]))).encode()
    assert read_or_refused(topic, raw[: data.draw(st.integers(0, len(raw) - 1))]) is None


@given(st.sampled_from(["amount_fen", "request_version", "schema_version"]), scalars)
def test_a_number_is_an_integer_or_the_record_is_invalid(field: str, value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        return
    event = read_or_refused("after-sale-request", json.dumps(request_value(**{field: value})).encode())
    if event is not None:
        assert type(value) is int
        assert event.model_dump(mode="json")[field] == value


@given(st.dictionaries(st.text(max_size=9).map("x_{}".format), anything, max_size=3))
def test_fields_that_upstream_added_change_nothing(added: Json) -> None:
    wanted = AfterSaleRequest.model_validate(request_value())
    finite = json.loads(json.dumps(added).replace("NaN", "0").replace("-Infinity", "0").replace("Infinity", "0"))
    assert read_or_refused("after-sale-request", json.dumps(finite | request_value()).encode()) == wanted


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (None, "no value"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"3", "a JSON object is needed, not int"),
        (b'"text"', "a JSON object is needed, not str"),
        (b" " * (VALUE_BYTES_MAX + 1), f"value of {VALUE_BYTES_MAX + 1} bytes, at most {VALUE_BYTES_MAX}"),
    ],
)
def test_what_is_no_json_object_is_refused_with_the_reason(raw: bytes | None, error: str) -> None:
    with pytest.raises(InvalidRecord, match=error):
        read_json(raw)


def test_a_value_of_exactly_the_most_bytes_is_read() -> None:
    assert read_json(b"{}" + b" " * (VALUE_BYTES_MAX - 2)) == {}


def test_three_errors_are_told_and_the_others_counted() -> None:
    with pytest.raises(InvalidRecord) as caught:
        decode("refund-result", b'{"schema_version": 1}')
    assert str(caught.value) == (
        "decision_id: Field required; shop_id: Field required; status: Field required; and 2 more"
    )


def test_an_error_of_the_whole_record_is_told_as_such() -> None:
    value = control_value()
    del value["shop_id"]
    with pytest.raises(InvalidRecord, match=r"^record: Value error, scope shop needs a shop_id$"):
        decode("control", json.dumps(value).encode())


def test_a_long_error_is_cut_and_kept_in_one_line() -> None:
    assert codec._one_line("x" * 10_000) == "x" * ERROR_LENGTH_MAX
    assert codec._one_line(" a\n  b\tc ") == "a b c"


def request_with(**change: Any) -> bytes:
    return json.dumps(request_value(**change)).encode()


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (None, Fault.NO_VALUE),
        (b"x" * (VALUE_BYTES_MAX + 1), Fault.TOO_LARGE),
        (b"{", Fault.NOT_JSON),
        (b"[]", Fault.NOT_JSON),
        (request_with(schema_version=2), Fault.SCHEMA_VERSION),
        (b'{"schema_version": 1}', Fault.MISSING),
        (request_with(amount_fen=1.5), Fault.WRONG_TYPE),
        (request_with(status="maybe"), Fault.WRONG_VALUE),
        (request_with(applied_at="today"), Fault.WRONG_VALUE),
    ],
)
def test_what_is_wrong_is_one_of_few_faults(raw: bytes | None, fault: Fault) -> None:
    with pytest.raises(InvalidRecord) as refused:
        decode("after-sale-request", raw)
    assert refused.value.fault is fault
