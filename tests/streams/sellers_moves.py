"""What sellers, operators and the executor do: strategies in every version, caps, lists, halts, results."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from tests.streams import records
from tests.streams.records import Json, stamp
from tests.streams.scene import BUYERS, PRODUCTS, SHOPS, STRATEGIES, Scene

CAPS = (0, 1000, 2000, 3000, 5000, 20_000, 20_000)
WINDOWS: tuple[list[Json], ...] = (
    [],
    [],
    [{"start": "00:00", "end": "24:00"}],
    [{"start": "22:00", "end": "06:00"}],
    [{"start": "22:00", "end": "06:00", "weekdays": [1, 7]}],
    [{"start": "06:00", "end": "22:00", "weekdays": [1, 2, 3, 4, 5]}, {"start": "23:00", "end": "24:00"}],
    [{"start": "06:00", "end": "22:00", "weekdays": []}],
)


def set_strategy(rng: Random, scene: Scene) -> None:
    """A new or edited strategy; mostly liberal, so that streams come to the deeper rungs."""
    shop, strategy_id = rng.choice(SHOPS), rng.choice(STRATEGIES)
    known = scene.oracle.world.strategies.get((shop, strategy_id))
    version = (known["version"] if known else 0) + rng.choice((1, 1, 1, 1, 1, 2, 0, -1))
    change: Json = {"strategy_id": strategy_id, "shop_id": shop, "version": version, "daily_cap_fen": rng.choice(CAPS)}
    rare: list[Json] = [
        {"enabled": False},
        {"deleted": True},
        {"mode": "shadow"},
        {"mode": "shadow", "enabled": False},
        {"owner": "platform"},
        {"daily_cap_fen": None},
        {"risk_check": False},
        {"risk_check": False},
        {"per_order_cap_fen": rng.choice((1, 999, 1001, 1999, 2000, 2000))},
        {"per_order_cap_fen": 2000},
        {"priority": rng.choice((-1, 1, 100, 100))},
        {"product_scope": _scope(rng)},
        {"order_states": _states(rng)},
        {"execution_windows": rng.choice(WINDOWS)},
        {"buyer_limits": _limits(rng)},
        {"breaker": {"max_approvals": rng.choice((1, 2, 3)), "per_minutes": rng.choice((1, 5, 60))}},
        {"breaker": {"max_approvals": rng.choice((1, 2)), "per_minutes": 600}, "daily_cap_fen": 100_000},
    ]
    for each in rng.sample(rare, rng.choice((0, 1, 2, 3))):
        change |= each
    scene.say("strategy-config", records.config(scene.at, **change))


def _scope(rng: Random) -> Json:
    return {
        "mode": rng.choice(("all", "include", "include")),
        "product_ids": rng.sample(PRODUCTS, rng.randint(0, 3)),
        "excluded_product_ids": rng.sample(PRODUCTS, rng.choice((0, 0, 0, 1))),
    }


def _states(rng: Random) -> Json:
    def state() -> Json:
        built: Json = {"enabled": rng.random() < 0.8}
        if rng.random() < 0.6:
            built["max_days"] = rng.choice((0, 1, 2, None))
        if rng.random() < 0.3:
            built["min_days"] = rng.choice((0, 1))
        return built

    return {"shipped_not_received": state(), "received": state()}


def _limits(rng: Random) -> Json | None:
    return rng.choice(
        (
            None,
            {},
            {"max_per_day": rng.choice((0, 1, 2))},
            {"max_per_30_days": rng.choice((2, 3))},
            {"max_amount_per_30_days_fen": rng.choice((1000, 2500))},
        )
    )


def change_cap(rng: Random, scene: Scene) -> None:
    """The same strategy with another cap: at what is spent, just below, just above, back and forth over 95 %."""
    known = [each for shop in SHOPS for each in scene.strategies(shop)]
    if not known:
        return set_strategy(rng, scene)
    strategy = rng.choice(known)
    spent = sum(
        each.counts_fen()
        for each in scene.oracle.world.book.approvals
        if each.strategy["strategy_id"] == strategy["strategy_id"] and each.strategy["shop_id"] == strategy["shop_id"]
    )
    caps = [spent, spent + 1, max(0, spent - 1), spent * 100 // 95, spent * 100 // 95 + 1, spent * 2, 1000, 100_000]
    edited = {
        "name": "small refunds",
        "schema_version": 1,
        "updated_at": stamp(scene.at),
        "updated_by": "seller",
    } | {name: value for name, value in strategy.items() if name != "breaker" or value is not None}
    scene.say("strategy-config", edited | {"version": strategy["version"] + 1, "daily_cap_fen": rng.choice(caps)})
    return None


def set_shop_cap(rng: Random, scene: Scene) -> None:
    shop = rng.choice(SHOPS)
    known = scene.oracle.world.shop_caps.get(shop)
    version = (known["version"] if known else 0) + rng.choice((1, 1, 1, 0))
    change: Json = rng.choice(
        (
            {"daily_cap_fen": 1500},
            {"daily_cap_fen": 4000},
            {"daily_cap_fen": 0},
            {"daily_cap_fen": None},
            {},
            {"deleted": True},
            {"daily_cap_fen": 3000, "name": 7, "per_order_cap_fen": 99_999},
            {"daily_cap_fen": -1},
            {"daily_cap_fen": "3000"},
        )
    )
    scene.say("strategy-config", records.shop_cap(version, shop_id=shop, **change))


def answer(rng: Random, scene: Scene) -> None:
    """The executor's result for an approval: mostly fitting, sometimes less, more, again, contradicting, unknown."""
    approvals = scene.oracle.world.book.approvals[-15:]
    if not approvals:
        return
    approval = rng.choice(approvals)
    amount = approval.request["amount_fen"]
    change: Json = {
        "decision_id": approval.decision_id,
        "shop_id": approval.request["shop_id"],
        "status": rng.choice(("succeeded", "succeeded", "succeeded", "failed", "failed", "cancelled", "recovered")),
        "amount_fen": rng.choice((amount, amount, amount, amount, amount // 2, 0, amount + 1, -1)),
    }
    if rng.random() < 0.06:
        change |= rng.choice(
            ({"decision_id": "nobody:1"}, {"shop_id": "shop-2"}, {"decision_id": "r1:x"}, {"code": "E7"})
        )
    at = scene.at - rng.choice((timedelta(0), timedelta(seconds=1), timedelta(hours=2)))
    scene.say("refund-result", records.result(at, **change))
    return


def list_buyer(rng: Random, scene: Scene) -> None:
    change: Json = {"buyer_id": rng.choice(BUYERS), "shop_id": rng.choice((*SHOPS, "*"))}
    kind = rng.random()
    if kind < 0.5:
        change["list"] = "none"
    if kind > 0.25:
        change["until"] = stamp(scene.at + rng.choice((timedelta(0), timedelta(minutes=1), timedelta(minutes=10))))
    scene.say("buyer-list", records.buyer_entry(scene.at, **change))


def control(rng: Random, scene: Scene) -> None:
    """Halts, soon resumed: a halted shop shows nothing else."""
    shop = rng.choice(SHOPS)
    where: Json = rng.choice(({"shop_id": shop}, {"shop_id": shop}, {"scope": "global"}))
    scene.say("control", records.control(scene.at, **where))
    for _ in range(rng.randint(0, 2)):
        scene.say("control", records.control(scene.at, **where, action=rng.choice(("halt", "resume"))))


def resume(rng: Random, scene: Scene) -> None:
    """An operator resumes what is halted."""
    world = scene.oracle.world
    if world.halted_everywhere:
        scene.say("control", records.control(scene.at, scope="global", action="resume"))
    for shop in sorted(world.halted_shops):
        scene.say("control", records.control(scene.at, shop_id=shop, action="resume"))
