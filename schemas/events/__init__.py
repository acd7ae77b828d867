"""Every event of contract.md, sections 2 and 3."""

from __future__ import annotations

from schemas.events.alerts import RefundAlert
from schemas.events.base import Event
from schemas.events.decisions import RefundDecision
from schemas.events.guards import BuyerList, Control
from schemas.events.logistics import OrderLogistics, Parcel
from schemas.events.requests import AfterSaleRequest, Item, Risk
from schemas.events.results import RefundResult
from schemas.events.strategies import ShopCapConfig, StrategyConfig

__all__ = [
    "AfterSaleRequest", "BuyerList", "Control", "Event", "Item", "OrderLogistics", "Parcel", "RefundAlert",
    "RefundDecision", "RefundResult", "Risk", "ShopCapConfig", "StrategyConfig",
]  # fmt: skip
