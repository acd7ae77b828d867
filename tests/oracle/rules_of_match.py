"""The rules on the matching strategy: risk, buyer, breaker, budgets. Each answers: does it stop the request?"""

from __future__ import annotations

from datetime import timedelta

from tests.oracle.fields import Json
from tests.oracle.times import civil_day
from tests.oracle.world import Case, World


def risk_flagged(world: World, case: Case, strategy: Json) -> bool:
    """domain [29]"""
    risk = case.request["risk"]
    return bool(strategy["risk_check"] and risk is not None and risk["level"] != "normal")


def risk_unknown(world: World, case: Case, strategy: Json) -> bool:
    """domain [29]"""
    return bool(strategy["risk_check"] and case.request["risk"] is None)


def buyer_blocked(world: World, case: Case, strategy: Json) -> bool:
    """domain [29]: entries of the shop and of '*' both block, until their `until`."""
    for shop in (case.request["shop_id"], "*"):
        entry = world.blocks.get((shop, case.request["buyer_id"]))
        if entry and entry["list"] == "block" and (entry["until"] is None or case.now < entry["until"]):
            return True
    return False


def buyer_limit(world: World, case: Case, strategy: Json) -> bool:
    """domain [37]: approvals by decision time; the civil day, and the last 30 civil days, today included."""
    limits = strategy["buyer_limits"]
    today = civil_day(case.now)
    approvals = world.approvals_of_buyer(case.request)
    on_day = [each for each in approvals if each.day == today]
    in_30_days = [each for each in approvals if timedelta(0) <= today - each.day < timedelta(days=30)]
    amount = sum(each.request["amount_fen"] for each in in_30_days) + case.request["amount_fen"]

    def above(value: int, limit: str) -> bool:
        return limits[limit] is not None and value > limits[limit]

    return (
        above(len(on_day) + 1, "max_per_day")
        or above(len(in_30_days) + 1, "max_per_30_days")
        or above(amount, "max_amount_per_30_days_fen")
    )


def breaker_open(world: World, case: Case, strategy: Json) -> bool:
    """domain [39, 56]: tripped already, or it trips now."""
    identity = (strategy["shop_id"], strategy["strategy_id"], strategy["version"])
    if identity in case.book.tripped:
        return True
    breaker = strategy["breaker"]
    if breaker is None:
        return False
    lately = [
        each
        for each in case.book.approvals
        if (each.strategy["shop_id"], each.strategy["strategy_id"], each.strategy["version"]) == identity
        and case.now - each.at <= timedelta(minutes=breaker["per_minutes"])
    ]
    return bool(len(lately) >= breaker["max_approvals"])


def daily_cap_reached(world: World, case: Case, strategy: Json) -> bool:
    """domain [3, 4, 20, 21]"""
    spent = case.book.spent(case.request["shop_id"], strategy["strategy_id"], civil_day(case.now))
    return bool(spent + case.request["amount_fen"] > strategy["daily_cap_fen"])


def shop_cap_reached(world: World, case: Case, strategy: Json) -> bool:
    """domain [38, 55]: the shop's total; for a shadow strategy, as if live [36], with its imagined spend on top."""
    cap = world.shop_caps.get(case.request["shop_id"])
    if cap is None or cap["deleted"]:
        return False
    shop, today = case.request["shop_id"], civil_day(case.now)
    spent = world.book.spent_by_shop(shop, today)
    if case.book is not world.book:
        spent += case.book.spent(shop, strategy["strategy_id"], today)
    return bool(spent + case.request["amount_fen"] > cap["daily_cap_fen"])
