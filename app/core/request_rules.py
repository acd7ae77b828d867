"""Stage 1: what the request itself says, and whether the shop has a strategy at all."""

from __future__ import annotations

from typing import Final, NamedTuple

from app.core.facts import ShopFacts, Standing
from app.core.ladder import Look, Rule, unknown
from schemas.events import AfterSaleRequest
from schemas.vocabulary import Reason, RefundType, SpecialRefundType

__all__ = ["CURRENCY", "REQUEST_STAGE", "RequestView"]

CURRENCY: Final = "CNY"


class RequestView(NamedTuple):
    """What this stage looks at."""

    request: AfterSaleRequest
    shop: ShopFacts


def _halted(view: RequestView) -> Look:
    return Look(not view.shop.halted, view.shop.halted, False)


def _refund_only(view: RequestView) -> Look:
    found = view.request.refund_type
    return Look(found is RefundType.REFUND_ONLY, found, RefundType.REFUND_ONLY)


def _no_special_refund(view: RequestView) -> Look:
    found = view.request.special_refund_type
    return Look(found is SpecialRefundType.NONE, found, SpecialRefundType.NONE)


def _pending(view: RequestView) -> Look:
    return Look(view.shop.standing is not Standing.NOT_PENDING, view.shop.standing.value, "pending_seller")


def _newest(view: RequestView) -> Look:
    return Look(view.shop.standing is not Standing.SUPERSEDED, view.shop.standing.value, Standing.NEWEST.value)


def _currency(view: RequestView) -> Look:
    return Look(view.request.currency == CURRENCY, view.request.currency, CURRENCY)


def _amount(view: RequestView) -> Look:
    """domain [34]"""
    return Look(view.request.amount_fen.fen > 0, view.request.amount_fen.fen, 1)


def _a_strategy(view: RequestView) -> Look:
    """domain [31]"""
    return Look(bool(view.shop.strategies), len(view.shop.strategies), 1)


def _an_enabled_strategy(view: RequestView) -> Look:
    if not view.shop.strategies:
        return unknown(1)
    enabled = sum(strategy.enabled for strategy in view.shop.strategies)
    return Look(enabled > 0, enabled, 1)


REQUEST_STAGE: Final[tuple[Rule[RequestView], ...]] = (
    (Reason.HALTED, _halted),
    (Reason.NOT_REFUND_ONLY, _refund_only),
    (Reason.SPECIAL_REFUND, _no_special_refund),
    (Reason.NOT_PENDING, _pending),
    (Reason.SUPERSEDED, _newest),
    (Reason.CURRENCY_UNSUPPORTED, _currency),
    (Reason.AMOUNT_INVALID, _amount),
    (Reason.STRATEGY_MISSING, _a_strategy),
    (Reason.STRATEGY_DISABLED, _an_enabled_strategy),
)
