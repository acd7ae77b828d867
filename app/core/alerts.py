"""Alerts: what a seller or an operator is told, in Chinese and ready to show (announcement, "资金消耗"; contract, 3).

An alert's id is made of what it is about and of nothing else, so a repeat of it is harmless.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.core import budget
from schemas.cells import SpendCell
from schemas.events import AfterSaleRequest, Control, RefundAlert, StrategyConfig
from schemas.events.base import SCHEMA_VERSION
from schemas.ids import ALL, join_key
from schemas.money import Money
from schemas.times import SpendDay
from schemas.vocabulary import AlertKind, Channel, ControlAction, Severity

__all__ = [
    "breaker_tripped", "cap_reached", "config_rejected", "dead_letter_burst", "request_conflict", "shop_cap_reached",
    "shop_switched", "spend_threshold",
]  # fmt: skip

IN_APP: Final = [Channel.IN_APP]
IN_APP_AND_SMS: Final = [Channel.IN_APP, Channel.SMS]
QUOTED_LENGTH_MAX: Final = 200
"""Characters of a name or a reason that a notice quotes: a longer one would push out what the reader has to know."""
TITLES: Final = {
    AlertKind.SPEND_THRESHOLD: "小额自动退款：当日额度即将用完",
    AlertKind.CAP_REACHED: "小额自动退款：当日额度已用完",
    AlertKind.CONFIG_REJECTED: "小额自动退款：策略配置无效",
    AlertKind.REQUEST_CONFLICT: "小额自动退款：售后单内容冲突",
    AlertKind.SHOP_HALTED: "小额自动退款：已紧急停用",
    AlertKind.SHOP_RESUMED: "小额自动退款：已恢复",
    AlertKind.BREAKER_TRIPPED: "小额自动退款：策略已熔断",
    AlertKind.DEAD_LETTER_BURST: "自动退款：大量消息无法读取",
}


def spend_threshold(strategy: StrategyConfig, day: SpendDay, cell: SpendCell, at: datetime) -> RefundAlert:
    """Consumption came up to 95 % (domain [15]). `cell.alerts` numbers the notices of the day."""
    percent = budget.consumption_percent(cell.spent, strategy.daily_cap_fen)
    return _alert(
        AlertKind.SPEND_THRESHOLD,
        (strategy.shop_id, strategy.strategy_id, day, str(cell.alerts)),
        f"策略“{_short(strategy.name)}”{day}已自动退款{cell.spent}，占当日上限{strategy.daily_cap_fen}的{percent}%。"
        "额度用完后，当日后续售后单将转人工处理；如需继续自动退款，请调高当日退款总额上限。",
        at,
        severity=Severity.WARNING,
        channels=IN_APP_AND_SMS,
        strategy=strategy,
        budget_used=(day, cell.spent, strategy.daily_cap_fen),
    )


def cap_reached(strategy: StrategyConfig, day: SpendDay, cell: SpendCell, at: datetime) -> RefundAlert:
    """The first request of the day was turned away by the strategy's daily cap (domain [54])."""
    return _alert(
        AlertKind.CAP_REACHED,
        (strategy.shop_id, strategy.strategy_id, day),
        f"策略“{_short(strategy.name)}”{day}已自动退款{cell.spent}，当日上限{strategy.daily_cap_fen}，"
        "有售后单因超出剩余额度转人工处理。请及时处理待办售后单，或调高当日退款总额上限。",
        at,
        severity=Severity.WARNING,
        channels=IN_APP_AND_SMS,
        strategy=strategy,
        budget_used=(day, cell.spent, strategy.daily_cap_fen),
    )


def shop_cap_reached(shop_id: str, day: SpendDay, spent: Money, cap: Money, at: datetime) -> RefundAlert:
    """The first request of the day was turned away by the cap over all strategies of the shop (domain [54])."""
    return _alert(
        AlertKind.CAP_REACHED,
        (shop_id, ALL, day),
        f"店铺{day}全部策略已自动退款{spent}，店铺当日上限{cap}，有售后单因超出剩余额度转人工处理。"
        "请及时处理待办售后单，或调高店铺当日上限。",
        at,
        severity=Severity.WARNING,
        channels=IN_APP_AND_SMS,
        shop_id=shop_id,
        budget_used=(day, spent, cap),
    )


def breaker_tripped(strategy: StrategyConfig, at: datetime) -> RefundAlert:
    """Too many approvals in too short a time; a person has to look (domain [39, 56])."""
    assert strategy.breaker is not None  # noqa: S101 - only a strategy with a breaker trips one
    return _alert(
        AlertKind.BREAKER_TRIPPED,
        (strategy.shop_id, strategy.strategy_id, str(strategy.version)),
        f"策略“{_short(strategy.name)}”在{strategy.breaker.per_minutes}分钟内自动退款已达{strategy.breaker.max_approvals}笔，"
        "已停止自动退款。请核查是否存在异常退款，确认后重新保存策略即可恢复。",
        at,
        severity=Severity.CRITICAL,
        channels=IN_APP_AND_SMS,
        strategy=strategy,
    )


def config_rejected(shop_id: str, strategy_id: str, digest: str, error: str, at: datetime) -> RefundAlert:
    """A strategy-config could not be accepted; the version before stays in force (domain [58])."""
    return _alert(
        AlertKind.CONFIG_REJECTED,
        (shop_id, strategy_id, digest),
        f"策略 {strategy_id} 的新配置无效，原配置继续生效。请修改后重新保存。原因：{error}",
        at,
        severity=Severity.WARNING,
        channels=IN_APP,
        shop_id=shop_id,
        strategy_id=strategy_id,
    )


def request_conflict(request: AfterSaleRequest, digest: str, at: datetime) -> RefundAlert:
    """The same version of a request came with another body (contract, 1)."""
    return _alert(
        AlertKind.REQUEST_CONFLICT,
        (request.shop_id, request.request_id, str(request.request_version), digest),
        f"售后单 {request.request_id} 的版本 {request.request_version} 重复到达且内容不同，后到的内容未被采用，请核对。",
        at,
        severity=Severity.WARNING,
        channels=IN_APP,
        shop_id=request.shop_id,
    )


def shop_switched(control: Control, shop_id: str, at: datetime) -> RefundAlert:
    """The shop's kill switch was set or taken back (domain [61])."""
    halted = control.action is ControlAction.HALT
    return _alert(
        AlertKind.SHOP_HALTED if halted else AlertKind.SHOP_RESUMED,
        (shop_id, control.at.isoformat()),
        f"店铺的小额自动退款已由{_short(control.by)}{'停用，售后单将转人工处理' if halted else '恢复'}。原因：{_short(control.reason)}",
        at,
        severity=Severity.CRITICAL if halted else Severity.INFO,
        channels=IN_APP_AND_SMS,
        shop_id=shop_id,
    )


def dead_letter_burst(lane: int, number: int, at: datetime) -> RefundAlert:
    """More than 100 records of a lane could not be read within a minute (contract, 3). It is about no single shop."""
    return _alert(
        AlertKind.DEAD_LETTER_BURST,
        (str(lane), at.isoformat()),
        f"分区 {lane} 一分钟内有 {number} 条消息无法读取，已转入死信主题。请检查上游系统。",
        at,
        severity=Severity.CRITICAL,
        channels=IN_APP,
        shop_id=ALL,
    )


def _short(text: str) -> str:
    return text if len(text) <= QUOTED_LENGTH_MAX else text[: QUOTED_LENGTH_MAX - 1] + "…"


def _alert(
    kind: AlertKind,
    about: tuple[str, ...],
    text: str,
    at: datetime,
    *,
    severity: Severity,
    channels: list[Channel],
    strategy: StrategyConfig | None = None,
    shop_id: str | None = None,
    strategy_id: str | None = None,
    budget_used: tuple[SpendDay, Money, Money] | None = None,
) -> RefundAlert:
    day, spent, cap = budget_used or (None, None, None)
    return RefundAlert(
        schema_version=SCHEMA_VERSION,
        alert_id=join_key(kind, *about).decode(),
        kind=kind,
        severity=severity,
        shop_id=strategy.shop_id if strategy else shop_id or ALL,
        strategy_id=strategy.strategy_id if strategy else strategy_id,
        spend_day=day,
        spent_fen=spent,
        daily_cap_fen=cap,
        consumption_percent=None if spent is None or cap is None else budget.consumption_percent(spent, cap),
        channels=channels,
        title=TITLES[kind],
        text=text,
        raised_at=at,
    )
