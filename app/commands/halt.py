"""`python -m app halt|resume --global|--shop ID`: the kill switch (announcement, 6; domain [61]; contract, 2).

One record for every partition, in one transaction: no lane can miss it, and none sees half of it. The topic control keeps
all of them for ever: who, when and why.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

import orjson

from app.kafka.reader import opened_producer, opened_reader
from app.settings import Settings
from schemas.codec import decode
from schemas.errors import InvalidRecord
from schemas.events import Control
from schemas.times import format_time
from schemas.topics import CONTROL
from schemas.vocabulary import ControlAction, ControlScope

__all__ = ["history", "main_show", "main_switch"]

SWITCH_ID: Final = "control"


def main_switch(settings: Settings, action: ControlAction, *, shop_id: str | None, by: str, reason: str) -> int:
    """Publish the switch to every partition."""

    async def publish() -> int:
        async with opened_reader(settings) as reader:
            control = Control(
                schema_version=1,
                scope=ControlScope.GLOBAL if shop_id is None else ControlScope.SHOP,
                shop_id=shop_id,
                action=action,
                reason=reason,
                by=by,
                at=datetime.now(UTC),
            )
            value = orjson.dumps(control.model_dump(mode="json", exclude_none=True))
            async with opened_producer(settings, f"{settings.app_id}-{SWITCH_ID}") as producer, producer.transaction():
                for partition in range(reader.partitions):
                    await producer.send_and_wait(CONTROL.name, value, partition=partition)
            return reader.partitions

    number = asyncio.run(publish())
    what = "everything" if shop_id is None else f"shop {shop_id}"
    effect = "no request is approved any more" if action is ControlAction.HALT else "strategies decide again"
    print(f"{action.value}: {what}, by {by} ({reason}); told to {number} partitions: {effect}.")
    return 0


async def history(settings: Settings) -> list[Control]:
    """Every switch that was ever made, each once, oldest first."""
    found: dict[bytes, Control] = {}
    async with opened_reader(settings) as reader:
        async for record in reader.read(CONTROL.name):
            try:
                control = decode(CONTROL.name, record.value)
            except InvalidRecord:
                continue
            assert isinstance(control, Control)  # noqa: S101 - the topic has no other model
            found.setdefault(record.value, control)
    return sorted(found.values(), key=lambda control: control.at)


def main_show(settings: Settings) -> int:
    """Print every switch that was ever made, oldest first, and what is halted now."""
    switches = asyncio.run(history(settings))
    if not switches:
        print("nothing was ever halted")
        return 0
    now: dict[str | None, Control] = {}
    for control in switches:
        print(
            f"{format_time(control.at)}  {control.action.value:<6}  {control.shop_id or 'everything'}  {control.by}: {control.reason}"
        )
        now[control.shop_id] = control
    halted = [shop_id or "everything" for shop_id, control in now.items() if control.action is ControlAction.HALT]
    print(f"halted now: {', '.join(halted) or 'nothing'}")
    return 0
