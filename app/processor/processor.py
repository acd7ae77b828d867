"""The processor: one lane's records and the clock in, effects out. No Kafka, no Faust, no clock of its own.

The worker, `replay`, the tests and the audit run this same code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from app.lane_job import Effects, JobFactory, LaneJob, Record
from app.processor import others, requests
from app.processor.batch import Batch, Rules
from app.processor.expiry import Sweep
from app.processor.inbox import CONTROL_PLANE, Arrival, arrive, put_aside, read
from schemas.errors import InvalidRecord, InvariantBroken
from schemas.events import (
    AfterSaleRequest,
    BuyerList,
    Control,
    Event,
    OrderLogistics,
    RefundResult,
    ShopCapConfig,
    StrategyConfig,
)
from schemas.times import SHANGHAI, from_micros
from tables.lane_tables import LaneTables
from tables.stores import Store

__all__ = ["Processor", "processor_factory"]

PartitionOf = Callable[[str], int]
"""The partition of a shop: Kafka's default partitioner on the UTF-8 shop_id (contract, 1)."""


class Processor:
    """One lane's work; an `app.lane_job.LaneJob`."""

    def __init__(self, lane: int, stores: Mapping[str, Store], partition_of: PartitionOf, rules: Rules) -> None:
        self._lane = lane
        self._tables = LaneTables(stores)
        self._partition_of = partition_of
        self._rules = rules
        self._clock: datetime | None = None
        self._sweep = Sweep(rules.retention)
        self._refuse_strangers()

    def _refuse_strangers(self) -> None:
        """Raises InvariantBroken where a shop's strategies lie in another lane than its requests: topics have grown alone."""
        for shop_id in self._tables.strategies.shop_ids():
            home = self._partition_of(shop_id)
            if home != self._lane:
                raise InvariantBroken(
                    f"lane {self._lane} remembers shop {shop_id}, whose records go to lane {home}: topics were given more "
                    "partitions, and the tables left behind. Stop all workers; `python -m app topics --grow-to NOW --from "
                    "BEFORE` moves them"
                )

    def process(self, records: Sequence[Record], now: datetime) -> Effects:
        """End the holds that are due, take the records (control plane first, else in order), then forget what is over."""
        now = now.astimezone(SHANGHAI)
        self._clock = now if self._clock is None else max(now, self._clock)
        batch = Batch(self._lane, self._clock, self._tables, self._rules, self._partition_of)
        for held in self._tables.holds.due(batch.micros):
            requests.end_due_hold(batch, held)
        arrivals = [arrive(record) for record in records]
        if len(arrivals) > 1:
            arrivals.sort(key=_not_control_plane)
        for arrival in arrivals:
            _take(batch, arrival)
        self._sweep.step(batch)
        return Effects(self._tables.puts(), batch.emits, batch.tally, batch.samples())

    def committed(self) -> None:
        """The last batch is durable."""
        self._tables.commit()

    def aborted(self) -> None:
        """The last batch never happened."""
        self._tables.abort()

    def next_due(self) -> datetime | None:
        """When the next hold ends."""
        due = self._tables.holds.next_due()
        return None if due is None else from_micros(due)


def processor_factory(partition_of: PartitionOf, rules: Rules) -> JobFactory:
    """What the exactly-once layer calls to open a lane."""

    def open_lane(lane: int, stores: Mapping[str, Store]) -> LaneJob:
        return Processor(lane, stores, partition_of, rules)

    return open_lane


def _not_control_plane(arrival: Arrival) -> bool:
    return arrival.topic not in CONTROL_PLANE


def _take(batch: Batch, arrival: Arrival) -> None:
    try:
        event = read(batch, arrival)
        if event is not None:
            _dispatch(batch, event)
    except InvalidRecord as error:
        put_aside(batch, arrival, error)


def _dispatch(batch: Batch, event: Event) -> None:
    match event:
        case AfterSaleRequest():
            requests.take_request(batch, event)
        case OrderLogistics():
            others.take_logistics(batch, event)
        case RefundResult():
            others.take_refund_result(batch, event)
        case StrategyConfig():
            others.take_strategy(batch, event)
        case ShopCapConfig():
            others.take_shop_cap(batch, event)
        case BuyerList():
            others.take_buyer_list(batch, event)
        case Control():
            others.take_control(batch, event)
        case _:
            raise InvariantBroken(f"nobody takes a {type(event).__name__}")
