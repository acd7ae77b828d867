"""A strategy in words: what it covers, what a day of it may cost, and what about it is odd. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.core.strategy_rules import ladder_order
from app.words import yuan
from schemas.events import ShopCapConfig, StrategyConfig
from schemas.events.strategies import ExecutionWindow, StateDays
from schemas.vocabulary import Mode, Owner, ProductMode

__all__ = ["Weight", "Word", "check", "describe"]


class Weight(StrEnum):
    """How much a word matters."""

    FACT = "fact"
    HINT = "hint"
    """Perhaps not what was meant."""
    PROBLEM = "problem"
    """It can never do what it seems to say."""


@dataclass(frozen=True, slots=True)
class Word:
    """One statement, Chinese and English."""

    weight: Weight
    zh: str
    en: str


def describe(config: StrategyConfig | ShopCapConfig) -> list[Word]:
    """What the config says."""
    if isinstance(config, ShopCapConfig):
        cap = yuan(config.daily_cap_fen.fen)
        return [
            _fact(
                f"全店每日自动退款总额上限 {cap}。", f"All strategies of the shop together approve at most {cap} a day."
            )
        ]
    return list(_facts(config))


def check(config: StrategyConfig | ShopCapConfig, others: Iterable[StrategyConfig] = ()) -> list[Word]:
    """What is odd about it, alone and beside the shop's other strategies. Problems first."""
    if isinstance(config, ShopCapConfig):
        found = [_problem("全店上限为 0，所有策略都不会自动退款。", "The cap is 0: nothing is ever approved.")]
        return found if config.daily_cap_fen.fen == 0 and not config.deleted else []
    words = [*_alone(config), *_beside(config, others)]
    return sorted(words, key=lambda word: word.weight is not Weight.PROBLEM)


def _fact(zh: str, en: str) -> Word:
    return Word(Weight.FACT, zh, en)


def _hint(zh: str, en: str) -> Word:
    return Word(Weight.HINT, zh, en)


def _problem(zh: str, en: str) -> Word:
    return Word(Weight.PROBLEM, zh, en)


def _facts(config: StrategyConfig) -> Iterator[Word]:
    cap, daily = config.per_order_cap_fen.fen, config.daily_cap_fen.fen
    number = daily // cap
    state_zh = "影子模式（只演算，不退款）" if config.mode is Mode.SHADOW else "已开启" if config.enabled else "未开启"
    state_en = "a shadow (computes, pays nothing)" if config.mode is Mode.SHADOW else "on" if config.enabled else "off"
    yield _fact(
        f"策略“{config.name}”版本{config.version}：{state_zh}。",
        f"Strategy “{config.name}”, version {config.version}: {state_en}.",
    )
    yield _fact(
        f"单笔不超过 {yuan(cap)}，每日不超过 {yuan(daily)}；按单笔上限计，一天可退 {number} 笔，更小的金额可退更多笔。",
        f"At most {yuan(cap)} an order and {yuan(daily)} a day: this cap allows {number} refunds of the full amount, and more of smaller ones.",
    )
    scope = config.product_scope
    excluded = len(scope.excluded_product_ids)
    if scope.mode is ProductMode.ALL:
        yield _fact(f"适用全部商品，排除 {excluded} 个。", f"Covers all products but {excluded}.")
    else:
        yield _fact(
            f"仅适用指定的 {len(scope.product_ids)} 个商品。", f"Covers {len(scope.product_ids)} listed products."
        )
    yield _state("已发货未收货", "Shipped and not received", config.order_states.shipped_not_received)
    yield _state("已收货", "Received", config.order_states.received)
    yield _hours(config.execution_windows)
    if config.risk_check:
        yield _fact(
            "检查风险：有风险或风险未知的转人工。", "Risk is checked: elevated, high or unknown goes to a person."
        )
    else:
        yield _hint(
            "不检查风险：平台提示有风险的申请也会自动退款。",
            "Risk is not looked at: what the platform flags is approved too.",
        )
    if config.owner is Owner.PLATFORM:
        yield _fact("平台策略，单独计算额度。", "A strategy of the platform, with a budget of its own.")


def _state(zh: str, en: str, days: StateDays) -> Word:
    if not days.enabled:
        return _fact(f"{zh}：不适用。", f"{en}: not covered.")
    low, high = days.min_days or 0, days.max_days
    if high is None:
        return _fact(f"{zh}：{low} 天后至结算前。", f"{en}: from day {low} until settlement.")
    return _fact(f"{zh}：{low} 至 {high} 天内。", f"{en}: from {low} to {high} days.")


def _hours(windows: list[ExecutionWindow]) -> Word:
    if not windows:
        return _fact("全天执行。", "All day.")
    told = "、".join(f"{window.start}-{window.end}" + _days_zh(window) for window in windows)
    english = ", ".join(f"{window.start}-{window.end}" + _days_en(window) for window in windows)
    return _fact(f"执行时段（按申请时间）：{told}。", f"Hours, by the time of application: {english}.")


def _days_zh(window: ExecutionWindow) -> str:
    return (
        ""
        if window.weekdays is None
        else f"（周{''.join('一二三四五六日'[day - 1] for day in sorted(set(window.weekdays)))}）"
    )


def _days_en(window: ExecutionWindow) -> str:
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    return (
        "" if window.weekdays is None else " (" + " ".join(names[day - 1] for day in sorted(set(window.weekdays))) + ")"
    )


def _alone(config: StrategyConfig) -> Iterator[Word]:
    cap, daily = config.per_order_cap_fen.fen, config.daily_cap_fen.fen
    if not config.enabled and config.mode is Mode.LIVE:
        yield _hint("策略未开启，不会自动退款。", "It is off: nothing is approved.")
    if daily == 0:
        yield _problem("每日上限为 0，不会自动退款。", "The daily cap is 0: nothing is ever approved.")
    elif daily < cap:
        yield _hint(
            f"每日上限低于单笔上限，超过 {yuan(daily)} 的申请总会转人工。",
            f"The daily cap is below the cap per order: nothing above {yuan(daily)} can pass.",
        )
    yield from _about_scope(config)
    yield from _about_states(config)
    windows = config.execution_windows
    never = [window for window in windows if window.weekdays == []]
    if windows and len(never) == len(windows):
        yield _problem("所有执行时段都没有选择星期，永远不会执行。", "No window has a weekday: it never runs.")
    elif never:
        yield _hint(
            f"{len(never)} 个执行时段没有选择星期，永远不会执行。",
            f"{len(never)} windows have no weekday and never open.",
        )
    for window in windows:
        if window.start_minute > window.end_minute:
            yield _hint(
                f"时段 {window.start}-{window.end} 跨过午夜，归属开始的那一天。",
                f"The window {window.start}-{window.end} goes over midnight and belongs to the weekday it starts on.",
            )
    if config.breaker is None and config.buyer_limits is None and not config.deleted:
        yield _hint(
            "没有买家限额与熔断：同一买家或同一商品的集中退款只受每日上限约束。",
            "Neither buyer limits nor a breaker: a swarm is stopped by the daily cap only.",
        )
    if config.breaker is not None and config.breaker.max_approvals * cap < daily and config.breaker.per_minutes >= 1440:
        yield _hint("熔断会先于每日上限生效。", "The breaker stops it before the daily cap does.")
    limits = config.buyer_limits
    if limits is not None and 0 in (limits.max_per_day, limits.max_per_30_days):
        yield _problem("买家限额为 0，不会自动退款。", "A buyer limit is 0: nothing is ever approved.")
    if (
        limits is not None
        and limits.max_per_day
        and limits.max_per_30_days
        and limits.max_per_day > limits.max_per_30_days
    ):
        yield _hint(
            "每日限额大于三十天限额，永远用不完。", "The limit a day is above the limit of 30 days and never acts."
        )


def _about_scope(config: StrategyConfig) -> Iterator[Word]:
    scope = config.product_scope
    if scope.mode is ProductMode.INCLUDE and not scope.product_ids:
        yield _problem("指定商品列表为空，没有商品适用。", "The list of products is empty: it covers none.")
    elif scope.mode is ProductMode.INCLUDE and not set(scope.product_ids) - set(scope.excluded_product_ids):
        yield _problem("指定的商品全部被排除。", "Every listed product is excluded.")
    elif scope.mode is ProductMode.INCLUDE and set(scope.product_ids) & set(scope.excluded_product_ids):
        yield _hint(
            "有商品既在适用列表又在排除列表，以排除为准。", "Some products are listed and excluded: excluded wins."
        )


def _about_states(config: StrategyConfig) -> Iterator[Word]:
    states = config.order_states
    if not (states.shipped_not_received.enabled or states.received.enabled):
        yield _problem("没有选择任何订单状态。", "No order state is covered.")
    for zh, en, days in (
        ("已发货未收货", "shipped and not received", states.shipped_not_received),
        ("已收货", "received", states.received),
    ):
        if days.enabled and days.max_days is not None and (days.min_days or 0) > days.max_days:
            yield _problem(f"{zh}：最少天数大于最多天数。", f"{en}: the least days are above the most.")


def _beside(config: StrategyConfig, others: Iterable[StrategyConfig]) -> Iterator[Word]:
    if config.mode is Mode.SHADOW or not config.enabled:
        return
    for other in sorted(others, key=ladder_order):
        live = other.enabled and not other.deleted and other.mode is Mode.LIVE
        if not live or other.strategy_id == config.strategy_id or not _shares_products(config, other):
            continue
        first, second = sorted((config, other), key=ladder_order)
        yield _hint(
            f"与策略“{other.name}”适用的商品有重叠：先看“{first.name}”，匹配后不再看“{second.name}”，额度不会合并。",
            f"Overlaps with “{other.name}”: “{first.name}” is looked at first; what matches it never uses the budget of “{second.name}”.",
        )


def _shares_products(one: StrategyConfig, other: StrategyConfig) -> bool:
    scopes = [one.product_scope, other.product_scope]
    listed = [set(scope.product_ids) - set(scope.excluded_product_ids) for scope in scopes]
    match [scope.mode is ProductMode.ALL for scope in scopes]:
        case [True, True]:
            return True
        case [True, False]:
            return bool(listed[1] - set(scopes[0].excluded_product_ids))
        case [False, True]:
            return bool(listed[0] - set(scopes[1].excluded_product_ids))
        case _:
            return bool(listed[0] & listed[1])
