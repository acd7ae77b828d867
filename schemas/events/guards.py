"""`buyer-list` and `control`: what people set by hand to stop approvals (contract, 2)."""

from __future__ import annotations

from pydantic import ConfigDict, model_validator

from schemas.events.base import Event, SchemaVersion, Text
from schemas.ids import Id
from schemas.times import Instant
from schemas.vocabulary import ControlAction, ControlScope, ListKind

__all__ = ["BuyerList", "Control"]


class BuyerList(Event):
    """Blocks a buyer in one shop, or in every shop (shop_id "*"); the last record of a key is in force."""

    schema_version: SchemaVersion
    shop_id: Id
    buyer_id: Id
    list: ListKind
    until: Instant | None = None
    reason: Text
    by: Text
    at: Instant


class Control(Event):
    """The kill switch, for one shop or for all."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"scope": {"const": "shop"}}},
            "then": {"required": ["shop_id"], "properties": {"shop_id": {"type": "string"}}},
        }
    )
    schema_version: SchemaVersion
    scope: ControlScope
    shop_id: Id | None = None
    action: ControlAction
    reason: Text
    by: Text
    at: Instant

    @model_validator(mode="after")
    def _a_shop_is_named(self) -> Control:
        if self.scope is ControlScope.SHOP and self.shop_id is None:
            raise ValueError("scope shop needs a shop_id")
        return self
