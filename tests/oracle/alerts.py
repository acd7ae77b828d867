"""The alerts: when each is due (domain 15, 16, 53, 54, 56, 58, 61), with the fields that are compared."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from tests.oracle.fields import ID_CHARACTERS_MAX, Json
from tests.oracle.times import civil_day, shown
from tests.oracle.world import World

THRESHOLD_ALERTS_A_DAY_MAX = 3
BURST_LETTERS = 100
BURST_WINDOW = timedelta(seconds=60)
BURST_QUIET = timedelta(minutes=10)


def alert(kind: str, now: datetime, shop_id: str, strategy_id: str | None = None, **more: Any) -> Json:
    value = {"schema_version": 1, "kind": kind, "shop_id": shop_id, "raised_at": shown(now)} | more
    if strategy_id is not None:
        value["strategy_id"] = strategy_id
    return {"topic": "refund-alert", "key": strategy_id or shop_id, "value": value}


def percent(spent: int, cap: int) -> str:
    """domain [15]: two decimals, truncated."""
    hundredths = spent * 10_000 // cap
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def consumption(world: World, shop: str, strategy_id: str, day: date, now: datetime) -> list[Json]:
    """domain [15, 16, 53]: a look at one strategy-day's consumption."""
    strategy = world.strategies[shop, strategy_id]
    cap = strategy["daily_cap_fen"]
    if cap == 0 or strategy["mode"] != "live" or strategy["deleted"]:
        return []
    cell = (shop, strategy_id, day)
    spent = world.book.spent(shop, strategy_id, day)
    if spent * 100 < cap * 95:
        world.armed[cell] = True
        return []
    if not world.armed.get(cell, True):
        return []
    world.armed[cell] = False
    if world.threshold_alerts.get(cell, 0) >= THRESHOLD_ALERTS_A_DAY_MAX:
        return []
    world.threshold_alerts[cell] = world.threshold_alerts.get(cell, 0) + 1
    more = {
        "spend_day": day.isoformat(),
        "spent_fen": spent,
        "daily_cap_fen": cap,
        "consumption_percent": percent(spent, cap),
    }
    return [alert("spend_threshold", now, shop, strategy_id, **more)]


def cap_reached(world: World, shop: str, strategy: Json | None, now: datetime) -> list[Json]:
    """domain [54]: once per strategy and day; for the shop cap once per shop and day, without strategy_id."""
    day = civil_day(now)
    strategy_id = strategy["strategy_id"] if strategy else None
    about = (shop, strategy_id, day)
    if about in world.cap_alerts:
        return []
    world.cap_alerts.add(about)
    spent = world.book.spent(shop, strategy_id, day) if strategy_id else world.book.spent_by_shop(shop, day)
    cap = (strategy or world.shop_caps[shop])["daily_cap_fen"]
    more = {"spend_day": day.isoformat(), "spent_fen": spent, "daily_cap_fen": cap}
    if cap > 0:
        more["consumption_percent"] = percent(spent, cap)
    return [alert("cap_reached", now, shop, strategy_id, **more)]


def config_rejected(value: Any, now: datetime) -> list[Json]:
    """domain [58]: where shop_id and strategy_id can be read in the record's value."""
    if not isinstance(value, dict):
        return []
    shop_id, strategy_id = value.get("shop_id"), value.get("strategy_id")
    for each in (shop_id, strategy_id):
        if not isinstance(each, str) or not 1 <= len(each) <= ID_CHARACTERS_MAX:
            return []
    return [alert("config_rejected", now, str(shop_id), str(strategy_id))]


def burst(world: World, now: datetime) -> list[Json]:
    """contract, 3: more than 100 dead letters in the last minute, at most one alert in ten minutes."""
    world.dead_letters.append(now)
    lately = [at for at in world.dead_letters if now - at <= BURST_WINDOW]
    if len(lately) <= BURST_LETTERS:
        return []
    if world.burst_at is not None and now - world.burst_at < BURST_QUIET:
        return []
    world.burst_at = now
    return [alert("dead_letter_burst", now, "*")]
