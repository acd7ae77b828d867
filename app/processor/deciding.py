"""From a request and the lane's tables to its decision, or to a hold: gathers facts, asks the core, writes what it says."""

from __future__ import annotations

from dataclasses import dataclass

from app.core import alerts, budget
from app.core.decide import Grant, Granted, Matching, grant, match
from app.core.facts import GrantFacts, ShopFacts, Standing
from app.core.strategy_rules import ladder_order
from app.lane_job import Emit
from app.processor.batch import DECISION_TOPIC, Batch, dump_json
from app.processor.decision_event import ShadowRuling, decision_event
from schemas.cells import ApprovalCell, OrderCell
from schemas.events import AfterSaleRequest, StrategyConfig
from schemas.ids import ALL
from schemas.vocabulary import Mode, Outcome, Reason

__all__ = ["decide"]


@dataclass(frozen=True, slots=True)
class _Shop:
    """The shop's strategies that are not deleted, and the order, as they were before this decision."""

    live: tuple[StrategyConfig, ...]
    shadow: tuple[StrategyConfig, ...]
    order: OrderCell


def decide(batch: Batch, request: AfterSaleRequest, standing: Standing, *, may_hold: bool) -> Outcome | None:
    """Decide the request and send the decision. None = it is to be held, and nothing was written (domain [43])."""
    shop = _gather(batch, request)
    matching = match(request, _facts(batch, request, standing, shop.live, shop.order), batch.at)
    if may_hold and matching.order_unknown:
        return None
    strategy = matching.strategy
    ruling = None
    shadow = [_shadow(batch, request, standing, shop, candidate) for candidate in shop.shadow]
    if strategy is not None:
        facts = _grant_facts(batch, request, strategy)
        ruling = grant(request, strategy, facts, batch.at)
        _send(batch, request, matching, ruling, facts, shadow)
        if ruling.granted is not None:
            _write_approval(batch, request, strategy, ruling.granted, shop.order)
        else:
            _write_refusal(batch, request, strategy, ruling, facts)
    else:
        _send(batch, request, matching, None, None, shadow)
    return Outcome.AUTO_APPROVE if ruling is not None and ruling.granted is not None else Outcome.MANUAL_REVIEW


def _gather(batch: Batch, request: AfterSaleRequest) -> _Shop:
    known = [config for config in batch.tables.strategies.of_shop(request.shop_id) if not config.deleted]
    if not known:  # Most shops have no strategy: their orders are not even looked up (domain [31]).
        return _Shop((), (), OrderCell())
    shadow = sorted((config for config in known if config.mode is Mode.SHADOW), key=ladder_order)
    return _Shop(
        live=tuple(config for config in known if config.mode is Mode.LIVE),
        shadow=tuple(shadow),
        order=batch.tables.orders.of(request.shop_id, request.order_id),
    )


def _facts(
    batch: Batch,
    request: AfterSaleRequest,
    standing: Standing,
    strategies: tuple[StrategyConfig, ...],
    order: OrderCell,
) -> ShopFacts:
    return ShopFacts(batch.tables.controls.halted(request.shop_id), standing, strategies, order)


def _grant_facts(
    batch: Batch, request: AfterSaleRequest, strategy: StrategyConfig, *, shadow: bool = False
) -> GrantFacts:
    tables, shop_id = batch.tables, request.shop_id
    spend = tables.daily_spend.of(shop_id, strategy.strategy_id, batch.day, shadow=shadow)
    shop_spend = tables.daily_spend.of_shop(shop_id, batch.day)
    if shadow:  # As if live: what it would have spent counts for the shop's cap too, beside the real spend.
        shop_spend = shop_spend.model_copy(update={"reserved_fen": shop_spend.reserved_fen + spend.spent})
    return GrantFacts(
        buyer=tables.buyers.of(shop_id, request.buyer_id),
        buyer_everywhere=tables.buyers.of(ALL, request.buyer_id),
        breaker=tables.breakers.of(shop_id, strategy.strategy_id, strategy.version, shadow=shadow),
        spend=spend,
        shop_spend=shop_spend,
        shop_cap=tables.strategies.cap_of(shop_id),
    )


def _send(
    batch: Batch,
    request: AfterSaleRequest,
    matching: Matching,
    ruling: Grant | None,
    facts: GrantFacts | None,
    shadow: list[ShadowRuling],
) -> None:
    event = decision_event(request, matching, ruling, facts.spend if facts else None, batch.at, batch.day, shadow)
    batch.count("decisions", event["outcome"], event["reasons"][0])
    batch.decision_ages.append(batch.at - request.applied_at)
    batch.emits.append(Emit(DECISION_TOPIC, request.request_id.encode(), dump_json(event)))


def _write_approval(
    batch: Batch, request: AfterSaleRequest, strategy: StrategyConfig, granted: Granted, order: OrderCell
) -> None:
    tables, shop_id = batch.tables, request.shop_id
    watched = budget.watch(granted.spend, strategy.daily_cap_fen)
    tables.daily_spend.write(shop_id, strategy.strategy_id, batch.day, watched.cell)
    tables.daily_spend.write_shop(shop_id, batch.day, granted.shop_spend)
    tables.buyers.write(shop_id, request.buyer_id, granted.buyer)
    if granted.breaker is not None:
        tables.breakers.write(shop_id, strategy.strategy_id, granted.breaker)
    approval = ApprovalCell(
        decision_id=request.decision_id,
        strategy_id=strategy.strategy_id,
        spend_day=batch.day,
        amount_fen=request.amount_fen,
        item_ids=tuple(item.order_item_id for item in request.items),
    )
    approved = order.model_copy(update={"approvals": (*order.approvals, approval)})
    tables.orders.write(shop_id, request.order_id, approved)
    batch.tally["approved_fen",] += request.amount_fen.fen
    if watched.notify:
        batch.alert(alerts.spend_threshold(strategy, batch.day, watched.cell, batch.at))


def _write_refusal(
    batch: Batch, request: AfterSaleRequest, strategy: StrategyConfig, ruling: Grant, facts: GrantFacts
) -> None:
    tables, shop_id, strategy_id = batch.tables, request.shop_id, strategy.strategy_id
    if ruling.trips:
        tables.breakers.write(shop_id, strategy_id, facts.breaker.model_copy(update={"tripped": True}))
        batch.alert(alerts.breaker_tripped(strategy, batch.at))
    deciding = ruling.reasons[0]
    if deciding is Reason.DAILY_CAP_REACHED and not facts.spend.cap_reached:
        reached = facts.spend.model_copy(update={"cap_reached": True})
        tables.daily_spend.write(shop_id, strategy_id, batch.day, reached)
        batch.alert(alerts.cap_reached(strategy, batch.day, reached, batch.at))
    if deciding is Reason.SHOP_CAP_REACHED and not facts.shop_spend.cap_reached and facts.shop_cap is not None:
        tables.daily_spend.write_shop(shop_id, batch.day, facts.shop_spend.model_copy(update={"cap_reached": True}))
        cap, spent = facts.shop_cap.daily_cap_fen, facts.shop_spend.spent
        batch.alert(alerts.shop_cap_reached(shop_id, batch.day, spent, cap, batch.at))


def _shadow(
    batch: Batch, request: AfterSaleRequest, standing: Standing, shop: _Shop, strategy: StrategyConfig
) -> ShadowRuling:
    """What the strategy would have decided as the only live one, on a budget of its own (domain [36])."""
    matching = match(request, _facts(batch, request, standing, (strategy,), shop.order), batch.at)
    if matching.strategy is None:
        return ShadowRuling(strategy, Outcome.MANUAL_REVIEW, matching.reasons)
    facts = _grant_facts(batch, request, strategy, shadow=True)
    ruling = grant(request, strategy, facts, batch.at)
    tables, shop_id, strategy_id = batch.tables, request.shop_id, strategy.strategy_id
    if ruling.granted is None:
        if ruling.trips:
            tripped = facts.breaker.model_copy(update={"tripped": True})
            tables.breakers.write(shop_id, strategy_id, tripped, shadow=True)
        return ShadowRuling(strategy, Outcome.MANUAL_REVIEW, ruling.reasons)
    tables.daily_spend.write(shop_id, strategy_id, batch.day, ruling.granted.spend, shadow=True)
    if ruling.granted.breaker is not None:
        tables.breakers.write(shop_id, strategy_id, ruling.granted.breaker, shadow=True)
    return ShadowRuling(strategy, Outcome.AUTO_APPROVE, ruling.reasons)
