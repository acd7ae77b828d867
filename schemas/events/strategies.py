"""`strategy-config`: what a seller (or the platform) allows (announcement, 1-5; contract, 2)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    FailFast,
    Field,
    StrictBool,
    StrictInt,
    WithJsonSchema,
    model_validator,
)

from schemas.events.base import COUNT_MAX, Count, Event, Int64, SchemaVersion, Text
from schemas.ids import ALL, Id
from schemas.money import Money, fen_json_schema
from schemas.times import Instant
from schemas.vocabulary import Mode, Owner, ProductMode, Provenance

__all__ = [
    "DAILY_CAP_DEFAULT", "PER_ORDER_CAP_DEFAULT", "PER_ORDER_CAP_MAX", "Breaker", "BuyerLimits", "ExecutionWindow",
    "OrderStates", "ProductScope", "ShopCapConfig", "StateDays", "StrategyConfig",
]  # fmt: skip

PER_ORDER_CAP_DEFAULT: Final = Money(1000)
PER_ORDER_CAP_MAX: Final = Money(2000)
"""announcement, 3: ¥10 by default, ¥20 at most."""
DAILY_CAP_DEFAULT: Final = Money(10_000_000)
"""announcement, 4: ¥100,000 a day."""
PRODUCTS_MAX: Final = 100_000
WINDOWS_MAX: Final = 1000
BREAKER_MINUTES_MAX: Final = 31 * 24 * 60

_CLOCK: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00").fullmatch


def _per_order_cap(cap: Money) -> Money:
    if not 1 <= cap.fen <= PER_ORDER_CAP_MAX.fen:
        raise ValueError(f"a per-order cap is 1 to {PER_ORDER_CAP_MAX.fen} fen")
    return cap


def _daily_cap(cap: Money) -> Money:
    if cap.fen < 0:
        raise ValueError("a daily cap is not negative")
    return cap


def _null_is_default(value: Any) -> Any:
    return DAILY_CAP_DEFAULT if value is None else value


def _clock(text: str) -> str:
    if _CLOCK(text) is None:
        raise ValueError("not a time of day HH:MM")
    return text


NotNegative = Annotated[Money, AfterValidator(_daily_cap), WithJsonSchema(fen_json_schema(minimum=0))]
PerOrderCap = Annotated[
    Money, AfterValidator(_per_order_cap), WithJsonSchema(fen_json_schema(minimum=1, maximum=PER_ORDER_CAP_MAX.fen))
]
DailyCap = Annotated[
    NotNegative,
    BeforeValidator(_null_is_default),
    WithJsonSchema({"anyOf": [fen_json_schema(minimum=0), {"type": "null"}]}),
]
"""Null means the default, never unlimited (domain [21])."""
StartTime = Annotated[
    str, AfterValidator(_clock), Field(json_schema_extra={"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"})
]
EndTime = Annotated[
    str, AfterValidator(_clock), Field(json_schema_extra={"pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"})
]
StrategyId = Annotated[Id, Field(json_schema_extra={"not": {"const": ALL}})]
"""The codec reads a "*" as a `ShopCapConfig`."""
Products = Annotated[list[Id], Field(max_length=PRODUCTS_MAX), FailFast()]


class ProductScope(Event):
    """Which products are covered: all or only the listed ones, without the excluded ones (domain [24, 25])."""

    mode: ProductMode = ProductMode.ALL
    product_ids: Products = []
    excluded_product_ids: Products = []


class StateDays(Event):
    """Whether an order state is covered, and how many days after its anchor (domain [9, 59])."""

    enabled: StrictBool
    min_days: Count | None = None
    max_days: Count | None = None


class OrderStates(Event):
    """The order states covered (announcement, 2)."""

    shipped_not_received: StateDays = StateDays(enabled=True)
    received: StateDays = StateDays(enabled=True)


class ExecutionWindow(Event):
    """Hours of the day, [start, end); start > end wraps over midnight (domain [8, 60])."""

    start: StartTime
    end: EndTime
    weekdays: Annotated[list[Annotated[StrictInt, Field(ge=1, le=7)]], Field(max_length=WINDOWS_MAX)] | None = None

    @model_validator(mode="after")
    def _a_length(self) -> ExecutionWindow:
        if self.start == self.end:
            raise ValueError("a window that starts where it ends is not allowed")
        if self.start == "24:00":
            raise ValueError("24:00 is allowed as an end only")
        return self

    @property
    def start_minute(self) -> int:
        """Minutes after midnight."""
        return int(self.start[:2]) * 60 + int(self.start[3:])

    @property
    def end_minute(self) -> int:
        """Minutes after midnight, 1440 for 24:00."""
        return int(self.end[:2]) * 60 + int(self.end[3:])


class BuyerLimits(Event):
    """How much one buyer may be granted in the shop (domain [37])."""

    max_per_day: Count | None = None
    max_per_30_days: Count | None = None
    max_amount_per_30_days_fen: NotNegative | None = None


class Breaker(Event):
    """Stops the strategy after too many approvals in too short a time (domain [39, 56])."""

    max_approvals: Annotated[StrictInt, Field(ge=1, le=COUNT_MAX)]
    per_minutes: Annotated[StrictInt, Field(ge=1, le=BREAKER_MINUTES_MAX)]


class StrategyConfig(Event):
    """One version of one strategy. A field out of range makes the whole record invalid (contract, 2)."""

    schema_version: SchemaVersion
    strategy_id: StrategyId
    shop_id: Id
    version: Int64
    name: Text
    enabled: StrictBool = False
    deleted: StrictBool = False
    mode: Mode = Mode.LIVE
    priority: Int64 = 100
    product_scope: ProductScope = ProductScope()
    order_states: OrderStates = OrderStates()
    per_order_cap_fen: PerOrderCap = PER_ORDER_CAP_DEFAULT
    daily_cap_fen: DailyCap = DAILY_CAP_DEFAULT
    risk_check: StrictBool = True
    execution_windows: Annotated[list[ExecutionWindow], Field(max_length=WINDOWS_MAX), FailFast()] = []
    buyer_limits: BuyerLimits | None = None
    breaker: Breaker | None = None
    owner: Owner = Owner.MERCHANT
    updated_at: Instant
    updated_by: Text

    @property
    def provenance(self) -> Provenance:
        """Whose strategy an approval comes from (domain [35])."""
        return Provenance.PLATFORM_STRATEGY if self.owner is Owner.PLATFORM else Provenance.MERCHANT_STRATEGY


class ShopCapConfig(Event):
    """The cap over all strategies of a shop: a strategy-config with strategy_id "*" (domain [38]).

    It carries only daily_cap_fen; `deleted` takes the cap away.
    """

    schema_version: SchemaVersion
    strategy_id: Literal["*"]
    shop_id: Id
    version: Int64
    daily_cap_fen: DailyCap = DAILY_CAP_DEFAULT
    deleted: StrictBool = False
    updated_at: Instant | None = None
    updated_by: Text | None = None
