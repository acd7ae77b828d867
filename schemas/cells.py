"""Persisted cells: what the tables remember, as JSON, each with its format version `v`.

A changelog outlives the code: a cell written by one release is read by the next, and, while workers are replaced one by one
or rolled back, by the one before. So a field is only ever added, with a default, and a release that does not know it keeps
it: whoever changes a cell copies it (`model_copy`), and what a later release remembered in it stays. Kept is not brought up
to date: a field that has to move together with others, as a sum does, takes a new `v` (deploy/upgrade.md).
Instants are kept as microseconds since the epoch, amounts as fen.
"""

from __future__ import annotations

from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import InvariantBroken
from schemas.events.logistics import OrderLogistics
from schemas.events.requests import AfterSaleRequest
from schemas.events.strategies import ShopCapConfig, StrategyConfig
from schemas.money import ZERO, Money
from schemas.vocabulary import Outcome, ResultStatus

__all__ = [
    "ApprovalCell", "BreakerCell", "BurstCell", "BuyerCell", "Cell", "ControlCell", "HoldCell", "OrderCell", "RequestCell",
    "ShopCell", "SpendCell", "StrategyCell", "VersionCell", "dump_cell", "load_cell",
]  # fmt: skip

CELL_FORMAT: Final = 1
C = TypeVar("C", bound="Cell")
Ticks = tuple[tuple[int, int], ...]
"""Instants (microseconds since the epoch) with a count each, oldest first."""


class Lasting(BaseModel):
    """What is persisted, whole or as a part: frozen, and with the fields that only a later release knows."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)


class Cell(Lasting):
    """A frozen cell."""

    v: Literal[1] = CELL_FORMAT


class ShopCell(Cell):
    """strategies, key shop_id: which strategies the shop ever had, and its cap over all of them."""

    strategy_ids: tuple[str, ...] = ()
    cap: ShopCapConfig | None = None


class StrategyCell(Cell):
    """strategies, key shop_id|strategy_id: the version in force."""

    config: StrategyConfig


class ApprovalCell(Lasting):
    """One automatic approval on an order, as far as its result is known (None = still reserved)."""

    decision_id: str
    strategy_id: str
    spend_day: str
    amount_fen: Money
    item_ids: tuple[str, ...]
    status: ResultStatus | None = None
    executed_fen: Money = ZERO
    result_at: int | None = None
    recovered_fen: Money = ZERO


class OrderCell(Cell):
    """orders, key shop_id|order_id: its logistics and all that was decided on its items."""

    logistics: OrderLogistics | None = None
    approvals: tuple[ApprovalCell, ...] = ()
    rejected_item_ids: tuple[str, ...] = ()
    all_rejected: bool = False
    """More items were rejected than are kept by name: all of the order count as rejected."""
    held_request_ids: tuple[str, ...] = ()


class VersionCell(Lasting):
    """What was seen of one version of a request; `outcome` None = none (not pending) or still held."""

    digest: str
    order_id: str
    outcome: Outcome | None = None


class RequestCell(Cell):
    """requests, key shop_id|request_id: every version seen; `seen_at` = when one was last taken or decided (microseconds)."""

    newest: int
    versions: dict[int, VersionCell]
    seen_at: int | None = None


class SpendCell(Cell):
    """daily_spend, key shop_id|strategy_id|day: budget used, executed and reserved apart, and what was said of it.

    `armed`, `alerts`: the 95 % notice (domain [53]); `cap_reached`: that alert was raised (domain [54]).
    """

    executed_fen: Money = ZERO
    reserved_fen: Money = ZERO
    armed: bool = True
    alerts: int = 0
    cap_reached: bool = False

    @property
    def spent(self) -> Money:
        """Executed + reserved: what the gate and the alert look at (domain [17])."""
        return self.executed_fen + self.reserved_fen


class BuyerCell(Cell):
    """buyers, key shop_id|buyer_id (shop_id "*": every shop): approvals by civil day as (count, fen), and the block.

    `blocked`: on the list; `blocked_until`: microseconds, None = for good.
    """

    days: dict[str, tuple[int, int]] = {}
    blocked: bool = False
    blocked_until: int | None = None


class HoldCell(Cell):
    """holds, key shop_id|request_id: a request that waits for its order's logistics until `due` (microseconds)."""

    due: int
    arrival: int
    request: AfterSaleRequest


class ControlCell(Cell):
    """controls, key "global" or "shop|<shop_id>": the kill switch."""

    halted: bool
    by: str
    reason: str
    at: int


class BurstCell(Cell):
    """controls, key "dead-letters": the lane's dead letters of the last minute, and when it last raised an alert."""

    recent: Ticks = ()
    alerted_at: int | None = None


class BreakerCell(Cell):
    """breakers, key shop_id|strategy_id: recent approvals of one version of the strategy."""

    version: int
    tripped: bool = False
    recent: Ticks = ()


def dump_cell(cell: Cell) -> bytes:
    """The bytes to persist."""
    return cell.__pydantic_serializer__.to_json(cell, exclude_defaults=False)


def load_cell(kind: type[C], raw: bytes) -> C:
    """The cell that was persisted. Raises InvariantBroken: only our own code writes cells."""
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        hint = " (did a later release write it? see deploy/upgrade.md)" if place == "v" else ""
        raise InvariantBroken(f"unreadable {kind.__name__}: {place}: {first['msg']}{hint}") from error
