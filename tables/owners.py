"""Whose a cell is: what moves with a shop when shops move to other lanes (`app/kafka/growth.py`)."""

from __future__ import annotations

from enum import Enum, auto

from schemas.ids import ALL, split_key
from tables import buyers, controls

__all__ = ["Keeper", "owner_of"]


class Keeper(Enum):
    """Who keeps a cell that is no single shop's."""

    EVERY_LANE = auto()
    """Each lane has the same: the global switch, a buyer who is blocked in every shop."""
    THIS_LANE = auto()
    """The lane's memory of itself; no other has a use for it."""


def owner_of(table: str, key: bytes) -> str | Keeper:
    """The shop_id of the shop whose cell it is, or who else keeps it."""
    first, *rest = split_key(key)
    if table == controls.NAME:
        if rest:
            return rest[0]
        return Keeper.EVERY_LANE if key == controls.GLOBAL else Keeper.THIS_LANE
    if table == buyers.NAME and first == ALL:
        return Keeper.EVERY_LANE
    return first
