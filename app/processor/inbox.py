"""What comes in: decode, forward what landed in another shop's partition, and put aside what cannot be read."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, TypeGuard

from app.core import alerts, ticks
from app.lane_job import Emit, Headers, Record
from app.processor.batch import Batch
from schemas import topics
from schemas.codec import INPUT_MODELS, KEY_BYTES_MAX, decode, read_json
from schemas.errors import InvalidRecord, InvariantBroken
from schemas.events import (
    AfterSaleRequest,
    BuyerList,
    Event,
    OrderLogistics,
    RefundResult,
    ShopCapConfig,
    StrategyConfig,
)
from schemas.events.base import SCHEMA_VERSION
from schemas.ids import ALL, ID_LENGTH_MAX
from schemas.times import format_time

__all__ = ["CONTROL_PLANE", "Arrival", "arrive", "put_aside", "read"]

CONTROL_PLANE: Final = frozenset(topic.name for topic in topics.CONTROL_PLANE)
"""Read to their ends when a lane starts, and first within a batch (domain [31])."""
COMPACTED: Final = frozenset(topic.name for topic in topics.INPUTS if topic.cleanup is topics.Cleanup.COMPACT)
BURST_LETTERS_MAX: Final = 100
BURST_WINDOW: Final = ticks.MICROS_PER_MINUTE
BURST_ALERT_PAUSE: Final = 10 * ticks.MICROS_PER_MINUTE
"""More than 100 dead letters of a lane in a minute; at most one alert in ten (contract, 3)."""
ALERT_DIGEST_BYTES: Final = 8


class Arrival:
    """A record under the topic it was first written to, and where it first lay."""

    __slots__ = ("offset", "partition", "record", "topic")

    def __init__(self, record: Record) -> None:
        self.record = record
        self.topic, self.partition, self.offset = record.topic, str(record.partition), str(record.offset)
        if record.topic == topics.FORWARDED.name:
            origin = {name: value.decode() for name, value in record.headers}
            try:
                self.topic, self.partition, self.offset = origin["topic"], origin["partition"], origin["offset"]
            except KeyError as missing:
                raise InvariantBroken(f"a forwarded record without the header {missing}") from None
        if self.topic not in INPUT_MODELS:
            raise InvariantBroken(f"a record of topic {self.topic}, which is no input")

    @property
    def where(self) -> Headers:
        """The headers that name where it first lay."""
        return (
            ("topic", self.topic.encode()),
            ("partition", self.partition.encode()),
            ("offset", self.offset.encode()),
        )


def arrive(record: Record) -> Arrival:
    """The record, known by the topic it belongs to."""
    return Arrival(record)


def read(batch: Batch, arrival: Arrival) -> Event | None:
    """The event, if it is this lane's to take. None = ignored, or forwarded to the lane of its shop.

    Raises InvalidRecord.
    """
    record = arrival.record
    if record.value is None and arrival.topic in COMPACTED:
        batch.count("ignored", arrival.topic, "tombstone")  # domain [57]
        return None
    if record.key is not None and len(record.key) > KEY_BYTES_MAX:
        raise InvalidRecord(f"key of {len(record.key)} bytes, at most {KEY_BYTES_MAX}")
    event = decode(arrival.topic, record.value)
    shop_id = _home(event)
    if shop_id is None:
        return event
    home = batch.partition_of(shop_id)
    if home == batch.lane:
        return event
    batch.count("forwarded", arrival.topic)
    batch.emits.append(Emit(topics.FORWARDED.name, record.key, record.value, home, arrival.where))
    return None


def put_aside(batch: Batch, arrival: Arrival, error: InvalidRecord) -> None:
    """Send the record to the dead letters as it came, and tell who has to know (domain [58]; contract, 3).

    One that does not fit is cut, and a header says how long it was; it stays whole where it first lay.
    """
    record = arrival.record
    key, value, cut = _fitting(record)
    batch.count("dead_letters", arrival.topic, error.fault)
    headers = (
        *arrival.where,
        ("error", str(error).encode()),
        ("schema", f"{INPUT_MODELS[arrival.topic].__name__}/{SCHEMA_VERSION}".encode()),
        ("at", format_time(batch.at).encode()),
        *cut,
    )
    batch.emits.append(Emit(topics.DEAD_LETTER.name, key, value, None, headers))
    if arrival.topic == topics.STRATEGY_CONFIG.name:
        _tell_of_config(batch, record, error)
    _watch_burst(batch)


def _fitting(record: Record) -> tuple[bytes | None, bytes | None, Headers]:
    key, value = record.key, record.value
    key_bytes, value_bytes = len(key or b""), len(value or b"")
    if key_bytes + value_bytes <= topics.LETTER_BYTES_MAX:
        return key, value, ()
    key = None if key is None else key[:KEY_BYTES_MAX]
    value = None if value is None else value[: topics.LETTER_BYTES_MAX - KEY_BYTES_MAX]
    return key, value, (("cut", f"key of {key_bytes} bytes, value of {value_bytes}".encode()),)


def _home(event: Event) -> str | None:
    """The shop whose lane must take the event; None = every lane takes it."""
    if isinstance(event, AfterSaleRequest | StrategyConfig | ShopCapConfig | OrderLogistics | RefundResult):
        return event.shop_id
    if isinstance(event, BuyerList) and event.shop_id != ALL:
        return event.shop_id
    return None


def _tell_of_config(batch: Batch, record: Record, error: InvalidRecord) -> None:
    try:
        body = read_json(record.value)
    except InvalidRecord:
        return
    shop_id, strategy_id = body.get("shop_id"), body.get("strategy_id")
    if not (_is_id(shop_id) and _is_id(strategy_id)):
        return
    digest = blake2b(record.value or b"", digest_size=ALERT_DIGEST_BYTES).hexdigest()
    alert = alerts.config_rejected(shop_id, strategy_id, digest, str(error), batch.at)
    batch.alert(alert, partition=batch.partition_of(shop_id))


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 1 <= len(value) <= ID_LENGTH_MAX


def _watch_burst(batch: Batch) -> None:
    cell = batch.tables.controls.burst()
    recent = ticks.add(ticks.within(cell.recent, batch.micros, BURST_WINDOW), batch.micros)
    quiet = cell.alerted_at is None or batch.micros - cell.alerted_at >= BURST_ALERT_PAUSE
    number = ticks.count(recent)
    alerted_at = cell.alerted_at
    if number > BURST_LETTERS_MAX and quiet:
        alerted_at = batch.micros
        batch.alert(alerts.dead_letter_burst(batch.lane, number, batch.at))
    batch.tables.controls.write_burst(cell.model_copy(update={"recent": recent, "alerted_at": alerted_at}))
