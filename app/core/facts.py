"""The facts that a decision is made of. All values; nothing here is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from schemas.cells import BreakerCell, BuyerCell, OrderCell, SpendCell
from schemas.events import ShopCapConfig, StrategyConfig

__all__ = ["GrantFacts", "ShopFacts", "Standing"]


class Standing(Enum):
    """Where the version at hand stands among the versions of its request (domain [27, 42])."""

    NEWEST = "newest"
    SUPERSEDED = "superseded"
    """A newer pending version ended its hold, or it came later than a newer one."""
    NOT_PENDING = "not_pending"
    """A newer version that is not pending ended its hold."""


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What the first three stages look at.

    `strategies`: the strategies that count (live ones; or one shadow strategy, as if it were live).
    `order`: the order's cell; its logistics None = unknown.
    """

    halted: bool
    standing: Standing
    strategies: tuple[StrategyConfig, ...]
    order: OrderCell


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """What the last stage looks at, on the strategy that matched."""

    buyer: BuyerCell
    buyer_everywhere: BuyerCell
    breaker: BreakerCell
    spend: SpendCell
    shop_spend: SpendCell
    shop_cap: ShopCapConfig | None
