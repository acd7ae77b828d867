"""The rules of the ladder, one function each. A rule answers: does it turn the request away?

Request-wide rules take (world, case); rules of a strategy take (world, case, strategy). Those on the matching
strategy are in `rules_of_match`.
"""

from __future__ import annotations

from datetime import datetime

from tests.oracle.fields import Json
from tests.oracle.times import AHEAD_MAX, DAY_MICROSECONDS, MICROSECOND, SHANGHAI, clock_time, time_of_day
from tests.oracle.world import Case, World

# --- request-wide, the order not looked at -----------------------------------------------------------------------


def halted(world: World, case: Case) -> bool:
    return world.halted_everywhere or case.request["shop_id"] in world.halted_shops


def not_refund_only(world: World, case: Case) -> bool:
    return bool(case.request["refund_type"] != "refund_only")


def special_refund(world: World, case: Case) -> bool:
    return bool(case.request["special_refund_type"] != "none")


def not_pending(world: World, case: Case) -> bool:
    """domain [42]: its hold was ended by a newer version that is not pending."""
    return case.ended_by == "not_pending"


def superseded(world: World, case: Case) -> bool:
    """domain [42]: a newer pending version ended its hold, or it came later than a newer version."""
    return case.ended_by == "superseded"


def currency_unsupported(world: World, case: Case) -> bool:
    return bool(case.request["currency"] != "CNY")


def amount_invalid(world: World, case: Case) -> bool:
    """domain [34]"""
    return bool(case.request["amount_fen"] <= 0)


def strategy_missing(world: World, case: Case) -> bool:
    """domain [31, 62]"""
    return not case.strategies


def none_is_enabled(world: World, case: Case) -> bool:
    return bool(case.strategies) and not any(each["enabled"] for each in case.strategies)


# --- request-wide, the order looked at ---------------------------------------------------------------------------


def order_unknown(world: World, case: Case) -> bool:
    """domain [13, 44]: no logistics, or any shipped, signed or confirmed time too far ahead."""
    order = world.order_of(case.request)
    if order is None:
        return True
    times = [order["buyer_confirmed_at"]]
    for parcel in order["parcels"]:
        times += [parcel["shipped_at"], parcel["signed_at"]]
    return any(time is not None and time - case.now > AHEAD_MAX for time in times)


def amount_over_refundable(world: World, case: Case) -> bool:
    """domain [34, 45]"""
    order = world.order_of(case.request)
    if order is None:
        return False
    left = order["paid_fen"] - order["refunded_fen"]
    for approval in world.approvals_on_order(case.request):
        if approval.succeeded_at is None or approval.succeeded_at > order["updated_at"]:
            left -= approval.counts_fen()
    return bool(case.request["amount_fen"] > left)


def parcels_asked_for(world: World, case: Case) -> list[Json]:
    """The parcels that hold an item asked for."""
    order = world.order_of(case.request)
    return [each for each in order["parcels"] if case.item_ids & set(each["order_item_ids"])] if order else []


def not_shipped(world: World, case: Case) -> bool:
    """domain [10, 46]"""
    parcels = parcels_asked_for(world, case)
    held = {item_id for each in parcels for item_id in each["order_item_ids"]}
    return not case.item_ids <= held or any(each["shipped_at"] is None for each in parcels)


def settled(world: World, case: Case) -> bool:
    """domain [14]"""
    order = world.order_of(case.request)
    if order is None or order["settled_at"] is None:
        return False
    return bool(order["settled_at"] <= case.request["applied_at"] or order["settled_at"] <= case.now)


def item_already_refunded(world: World, case: Case) -> bool:
    """domain [26, 49]"""
    return any(
        item["order_item_id"] in case.item_ids
        for approval in world.approvals_on_order(case.request)
        for item in approval.request["items"]
    )


def seller_rejected_before(world: World, case: Case) -> bool:
    """domain [26, 50]"""
    return any(
        item["order_item_id"] in case.item_ids
        for record in world.records.values()
        if record["status"] == "seller_rejected"
        and (record["shop_id"], record["order_id"]) == (case.request["shop_id"], case.request["order_id"])
        for item in record["items"]
    )


# --- per strategy ------------------------------------------------------------------------------------------------


def strategy_disabled(world: World, case: Case, strategy: Json) -> bool:
    return not strategy["enabled"]


def product_not_covered(world: World, case: Case, strategy: Json) -> bool:
    """domain [24, 25]"""
    scope = strategy["product_scope"]
    for item in case.request["items"]:
        if item["product_id"] in scope["excluded_product_ids"]:
            return True
        if scope["mode"] == "include" and item["product_id"] not in scope["product_ids"]:
            return True
    return False


def state_and_anchor(world: World, case: Case) -> tuple[str, datetime | None]:
    """domain [9, 10, 11, 47]: received or not by what is known, and the time its days are counted from."""
    order = world.order_of(case.request)
    parcels = parcels_asked_for(world, case)
    confirmed = order["buyer_confirmed_at"] if order else None
    signed = [each["signed_at"] for each in parcels if each["signed_at"] is not None]
    if confirmed is not None or (parcels and len(signed) == len(parcels)):
        return "received", min(signed + ([confirmed] if confirmed is not None else []))
    shipped = [each["shipped_at"] for each in parcels if each["shipped_at"] is not None]
    return "shipped_not_received", min(shipped, default=None)


def order_state_not_selected(world: World, case: Case, strategy: Json) -> bool:
    state, _ = state_and_anchor(world, case)
    return not strategy["order_states"][state]["enabled"]


def outside_state_days(world: World, case: Case, strategy: Json) -> bool:
    """domain [9, 47, 59]: at most N x 24 h, at least M x 24 h, never before the anchor."""
    state, anchor = state_and_anchor(world, case)
    if anchor is None:
        return False
    days = strategy["order_states"][state]
    passed = (case.request["applied_at"] - anchor) // MICROSECOND
    if passed < 0:
        return True
    if days["max_days"] is not None and passed > days["max_days"] * DAY_MICROSECONDS:
        return True
    return days["min_days"] is not None and passed < days["min_days"] * DAY_MICROSECONDS


def logistics_conflict(world: World, case: Case, strategy: Json) -> bool:
    """domain [12, 48]"""
    for parcel in parcels_asked_for(world, case):
        if (parcel["delivery"] == "signed") != (parcel["signed_at"] is not None):
            return True
    claim = case.request["buyer_claims_received"]
    state, _ = state_and_anchor(world, case)
    return claim is not None and claim != (state == "received")


def outside_execution_window(world: World, case: Case, strategy: Json) -> bool:
    """domain [7, 8, 60]: by applied_at; a window that wraps belongs to the weekday it starts on."""
    if not strategy["execution_windows"]:
        return False
    at = case.request["applied_at"]
    time = time_of_day(at)
    today = at.astimezone(SHANGHAI).isoweekday()
    yesterday = 7 if today == 1 else today - 1
    for window in strategy["execution_windows"]:
        weekdays = [1, 2, 3, 4, 5, 6, 7] if window["weekdays"] is None else window["weekdays"]
        start, end = clock_time(window["start"]), clock_time(window["end"])
        if start < end:
            inside = today in weekdays and start <= time < end
        else:
            inside = (today in weekdays and start <= time) or (yesterday in weekdays and time < end)
        if inside:
            return False
    return True


def over_per_order_cap(world: World, case: Case, strategy: Json) -> bool:
    """domain [1, 2]: with what was approved before on the same order."""
    before = sum(each.counts_fen() for each in world.approvals_on_order(case.request))
    return bool(case.request["amount_fen"] + before > strategy["per_order_cap_fen"])
