"""strategies: the version of each strategy in force, and which ones a shop has.

key `shop_id` -> ShopCell; key `shop_id|strategy_id` -> StrategyCell.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.cells import ShopCell, StrategyCell
from schemas.events import ShopCapConfig, StrategyConfig
from schemas.ids import join_key, split_key
from tables.cell_table import CellTable
from tables.stores import Store

__all__ = ["NAME", "Strategies"]

NAME = "strategies"


class Strategies:
    """A lane's strategies."""

    def __init__(self, store: Store) -> None:
        self.shops = CellTable(store, ShopCell)
        self.configs = CellTable(store, StrategyCell)

    def of_shop(self, shop_id: str) -> list[StrategyConfig]:
        """Every strategy the shop ever had, deleted and shadow ones too, in no promised order."""
        shop = self.shops.get(join_key(shop_id))
        return [] if shop is None else [c for c in (self.get(shop_id, s) for s in shop.strategy_ids) if c is not None]

    def shop_ids(self) -> Iterator[str]:
        """The shops of all committed cells; a shop comes once for each of its cells."""
        return (split_key(key)[0] for key in iter(self.shops.keys()))

    def get(self, shop_id: str, strategy_id: str) -> StrategyConfig | None:
        """The version in force."""
        cell = self.configs.get(join_key(shop_id, strategy_id))
        return None if cell is None else cell.config

    def put(self, config: StrategyConfig) -> None:
        """Bring a version into force."""
        shop = self.shops.get(join_key(config.shop_id)) or ShopCell()
        if config.strategy_id not in shop.strategy_ids:
            added = shop.model_copy(update={"strategy_ids": (*shop.strategy_ids, config.strategy_id)})
            self.shops.put(join_key(config.shop_id), added)
        self.configs.put(join_key(config.shop_id, config.strategy_id), StrategyCell(config=config))

    def cap_of(self, shop_id: str) -> ShopCapConfig | None:
        """The newest record of the shop's cap over all strategies; it may be a deleted one."""
        shop = self.shops.get(join_key(shop_id))
        return None if shop is None else shop.cap

    def put_cap(self, cap: ShopCapConfig) -> None:
        """Bring a shop cap into force."""
        shop = self.shops.get(join_key(cap.shop_id)) or ShopCell()
        self.shops.put(join_key(cap.shop_id), shop.model_copy(update={"cap": cap}))

    def puts(self) -> dict[bytes, bytes | None]:
        """What the batch wrote."""
        return self.shops.puts() | self.configs.puts()

    def forget(self) -> None:
        """Drop the overlay."""
        self.shops.forget()
        self.configs.forget()
