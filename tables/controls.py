"""controls: the kill switch and the lane's own memory.

key `global` and `shop|<shop_id>` -> ControlCell; key `dead-letters` -> BurstCell.
"""

from __future__ import annotations

from schemas.cells import BurstCell, ControlCell
from schemas.ids import join_key
from tables.cell_table import CellTable
from tables.stores import Store

__all__ = ["NAME", "Controls"]

NAME = "controls"
GLOBAL = join_key("global")
DEAD_LETTERS = join_key("dead-letters")


class Controls:
    """A lane's controls."""

    def __init__(self, store: Store) -> None:
        self.switches = CellTable(store, ControlCell)
        self.bursts = CellTable(store, BurstCell)

    def halted(self, shop_id: str) -> bool:
        """Whether nothing may be approved in that shop now."""
        return self.is_halted(None) or self.is_halted(shop_id)

    def is_halted(self, shop_id: str | None) -> bool:
        """The switch itself; None = the global one."""
        cell = self.switches.get(_key(shop_id))
        return cell is not None and cell.halted

    def write(self, shop_id: str | None, cell: ControlCell) -> None:
        """Set a switch."""
        self.switches.put(_key(shop_id), cell)

    def burst(self) -> BurstCell:
        """The lane's recent dead letters."""
        return self.bursts.get(DEAD_LETTERS) or BurstCell()

    def write_burst(self, cell: BurstCell) -> None:
        """Write the lane's recent dead letters."""
        self.bursts.put(DEAD_LETTERS, cell)

    def puts(self) -> dict[bytes, bytes | None]:
        """What the batch wrote."""
        return self.switches.puts() | self.bursts.puts()

    def forget(self) -> None:
        """Drop the overlay."""
        self.switches.forget()
        self.bursts.forget()


def _key(shop_id: str | None) -> bytes:
    return GLOBAL if shop_id is None else join_key("shop", shop_id)
