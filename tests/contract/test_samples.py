"""Every sample under schemas/samples through the codec: what the contract allows is read, what it refuses is told why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.codec import ERROR_LENGTH_MAX, INPUT_MODELS, decode
from schemas.errors import InvalidRecord
from schemas.export import EVENTS
from tests.builders import item_value, logistics_value, parcel_value, request_value, strategy_value
from tests.contract.samples import OUTPUTS, body_of, samples


def raw_of(bad: dict[str, Any]) -> bytes:
    text: str = bad["raw"] if "raw" in bad else json.dumps(bad["value"], ensure_ascii=False)
    return text.encode()


@pytest.mark.parametrize("topic", INPUT_MODELS)
def test_every_input_has_good_and_bad_samples(topic: str) -> None:
    assert samples("good", topic)
    assert samples("bad", topic)


@pytest.mark.parametrize("path", samples("good", *INPUT_MODELS))
def test_a_good_sample_is_read(path: Path) -> None:
    event = decode(path.parts[-3], path.read_bytes())
    assert type(event).model_validate_json(event.model_dump_json()) == event


@pytest.mark.parametrize("path", samples("bad", *INPUT_MODELS))
def test_a_bad_sample_is_an_invalid_record_that_says_what_is_wrong(path: Path) -> None:
    bad = body_of(path)
    with pytest.raises(InvalidRecord) as caught:
        decode(path.parts[-3], raw_of(bad))
    error = str(caught.value)
    assert bad["error_contains"] in error
    assert "\n" not in error
    assert len(error) <= ERROR_LENGTH_MAX


@pytest.mark.parametrize("path", samples("bad", *INPUT_MODELS, *OUTPUTS))
def test_a_bad_sample_says_why_in_words(path: Path) -> None:
    bad = body_of(path)
    assert bad["why"]
    assert ("raw" in bad) != ("value" in bad)


@pytest.mark.parametrize("path", samples("good", *OUTPUTS))
def test_a_good_output_sample_fits_its_model_and_is_written_back_the_same(path: Path) -> None:
    model = EVENTS[path.parts[-3]]
    value = body_of(path)
    assert model.model_validate(value).model_dump(mode="json", exclude_none=True) == value


@pytest.mark.parametrize("path", samples("bad", *OUTPUTS))
def test_a_bad_output_sample_does_not_fit_its_model(path: Path) -> None:
    bad = body_of(path)
    with pytest.raises(ValidationError, match=bad["error_contains"].replace(".", r"\.")):
        EVENTS[path.parts[-3]].model_validate(bad["value"])


@pytest.mark.parametrize("path", samples("good", "dead-letter"))
def test_a_dead_letter_carries_the_topic_the_original_and_the_codecs_error(path: Path) -> None:
    letter = body_of(path)
    assert letter.keys() == {"topic", "error", "raw"}
    with pytest.raises(InvalidRecord) as caught:
        decode(letter["topic"], None if letter["raw"] is None else letter["raw"].encode())
    assert str(caught.value) == letter["error"]


TOO_MANY = [
    ("after-sale-request", "items", request_value(items=[item_value(order_item_id=f"i{n}") for n in range(201)])),
    ("after-sale-request", "risk.codes", request_value(risk={"level": "normal", "codes": ["c"] * 1001})),
    ("order-logistics", "parcels", logistics_value(parcels=[parcel_value()] * 1001)),
    ("strategy-config", "product_ids", strategy_value(product_scope={"product_ids": ["p"] * 100_001})),
    (
        "strategy-config",
        "execution_windows",
        strategy_value(execution_windows=[{"start": "08:00", "end": "09:00"}] * 1001),
    ),
]


@pytest.mark.parametrize(("topic", "field", "value"), TOO_MANY, ids=[field for _, field, _ in TOO_MANY])
def test_a_list_that_is_too_long_is_an_invalid_record(topic: str, field: str, value: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecord, match=f"{field}: List should have at most"):
        decode(topic, json.dumps(value).encode())


def test_two_hundred_items_are_the_most_that_is_read() -> None:
    value = request_value(items=[item_value(order_item_id=f"i{n}") for n in range(200)])
    event = decode("after-sale-request", json.dumps(value).encode())
    assert len(event.model_dump()["items"]) == 200
