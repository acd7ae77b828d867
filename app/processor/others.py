"""The other inputs: strategy-config, order-logistics, refund-result, buyer-list, control."""

from __future__ import annotations

from app.core import alerts, budget
from app.core.results import Step, take_result
from app.processor.batch import Batch
from app.processor.requests import retry_holds
from schemas.cells import ApprovalCell, ControlCell, OrderCell
from schemas.errors import Fault, InvalidRecord, InvariantBroken
from schemas.events import BuyerList, Control, OrderLogistics, RefundResult, ShopCapConfig, StrategyConfig
from schemas.ids import ALL, split_decision_id
from schemas.money import Money
from schemas.times import SpendDay, to_micros
from schemas.vocabulary import ControlAction, ControlScope, ListKind, Mode, Outcome

__all__ = ["take_buyer_list", "take_control", "take_logistics", "take_refund_result", "take_shop_cap", "take_strategy"]


def take_strategy(batch: Batch, config: StrategyConfig) -> None:
    """Bring a newer version into force; it holds from the next decision (domain [20, 30, 57])."""
    known = batch.tables.strategies.get(config.shop_id, config.strategy_id)
    if known is not None and config.version <= known.version:
        batch.count("ignored", "strategy-config", "stale")
        return
    batch.tables.strategies.put(config)
    _watch(batch, config, batch.day)


def take_shop_cap(batch: Batch, cap: ShopCapConfig) -> None:
    """Bring a newer cap over all strategies of the shop into force (domain [38])."""
    known = batch.tables.strategies.cap_of(cap.shop_id)
    if known is not None and cap.version <= known.version:
        batch.count("ignored", "strategy-config", "stale")
        return
    batch.tables.strategies.put_cap(cap)


def take_logistics(batch: Batch, logistics: OrderLogistics) -> None:
    """Remember the newest version, and decide what waited for it (domain [43, 57])."""
    order = batch.tables.orders.of(logistics.shop_id, logistics.order_id)
    if order.logistics is not None and logistics.version <= order.logistics.version:
        batch.count("ignored", "order-logistics", "stale")
        return
    order = order.model_copy(update={"logistics": logistics})
    batch.tables.orders.write(logistics.shop_id, logistics.order_id, order)
    retry_holds(batch, logistics.shop_id, logistics.order_id)


def take_refund_result(batch: Batch, result: RefundResult) -> None:
    """Turn a reservation into spend, or give it back, in the day it was reserved in (domain [17-19, 52]).

    Raises InvalidRecord, before anything is written, for a decision that was never approved here, or for more money.
    """
    order_id, order, approval = _approval_of(batch, result)
    step, after = take_result(approval, result)
    if step is Step.IGNORED:
        batch.count("ignored", "refund-result", "repeated")
        return
    batch.count("results", result.status)
    approvals = tuple(after if one.decision_id == after.decision_id else one for one in order.approvals)
    batch.tables.orders.write(result.shop_id, order_id, order.model_copy(update={"approvals": approvals}))
    if step is Step.RECOVERED:
        return
    batch.tally["executed_fen",] += after.executed_fen.fen
    batch.tally["released_fen",] += approval.amount_fen.fen - after.executed_fen.fen
    _settle(batch, result.shop_id, approval, after.executed_fen)


def take_buyer_list(batch: Batch, entry: BuyerList) -> None:
    """Block a buyer or take the block back; the last record of a key is in force."""
    cell = batch.tables.buyers.of(entry.shop_id, entry.buyer_id)
    blocked = entry.list is ListKind.BLOCK
    until = to_micros(entry.until) if blocked and entry.until is not None else None
    cell = cell.model_copy(update={"blocked": blocked, "blocked_until": until})
    batch.tables.buyers.write(entry.shop_id, entry.buyer_id, cell)


def take_control(batch: Batch, control: Control) -> None:
    """Set a kill switch. Every lane reads every control; the lane of the shop keeps it and alerts (domain [61])."""
    shop_id = control.shop_id if control.scope is ControlScope.SHOP else None
    if shop_id is not None and batch.partition_of(shop_id) != batch.lane:
        return
    halt = control.action is ControlAction.HALT
    if batch.tables.controls.is_halted(shop_id) == halt:
        batch.count("ignored", "control", "unchanged")
        return
    cell = ControlCell(halted=halt, by=control.by, reason=control.reason, at=to_micros(control.at))
    batch.tables.controls.write(shop_id, cell)
    if shop_id is not None:
        batch.alert(alerts.shop_switched(control, shop_id, batch.at))


def _approval_of(batch: Batch, result: RefundResult) -> tuple[str, OrderCell, ApprovalCell]:
    named = split_decision_id(result.decision_id)
    request = batch.tables.requests.of(result.shop_id, named[0]) if named else None
    version = request.versions.get(named[1]) if request and named else None
    if version is None or version.outcome is not Outcome.AUTO_APPROVE:
        raise InvalidRecord("decision_id: no such decision was approved in this shop", Fault.UNKNOWN_DECISION)
    order = batch.tables.orders.of(result.shop_id, version.order_id)
    approval = next((one for one in order.approvals if one.decision_id == result.decision_id), None)
    if approval is None:
        raise InvariantBroken(f"{result.decision_id} was approved, but its order does not know of it")
    return version.order_id, order, approval


def _settle(batch: Batch, shop_id: str, approval: ApprovalCell, executed: Money) -> None:
    spend, day = batch.tables.daily_spend, SpendDay(approval.spend_day)
    for strategy_id in (approval.strategy_id, ALL):
        cell = spend.of(shop_id, strategy_id, day)
        spend.write(shop_id, strategy_id, day, budget.execute(cell, approval.amount_fen, executed))
    if executed == approval.amount_fen:
        return  # Executed instead of reserved: what was spent is the same, and there is nothing new to watch.
    config = batch.tables.strategies.get(shop_id, approval.strategy_id)
    if config is None:
        raise InvariantBroken(f"strategy {approval.strategy_id} of shop {shop_id} spent, but is not known")
    _watch(batch, config, day)


def _watch(batch: Batch, config: StrategyConfig, day: SpendDay) -> None:
    """Look at the consumption of a strategy's day; a day on which nothing happened has none (domain [53])."""
    cell = batch.tables.daily_spend.of(config.shop_id, config.strategy_id, day)
    if config.deleted or config.mode is Mode.SHADOW:  # A strategy that is not live alerts nothing (domain [36, 62]).
        return
    watched = budget.watch(cell, config.daily_cap_fen)
    if watched.cell is not cell:
        batch.tables.daily_spend.write(config.shop_id, config.strategy_id, day, watched.cell)
    if watched.notify:
        batch.alert(alerts.spend_threshold(config, day, watched.cell, batch.at))
