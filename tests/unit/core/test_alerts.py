"""What people are told: ready to show, and the same id for the same matter (announcement; contract, 3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.core import alerts
from app.core.alerts import QUOTED_LENGTH_MAX
from schemas.events import RefundAlert
from schemas.events.base import TEXT_LENGTH_MAX
from schemas.money import Money
from schemas.times import SpendDay
from tests.builders import AT, control, later, request, spend, strategy
from tests.json_schemas import validator

DAY = SpendDay("2026-11-23")
CAPPED = strategy(daily_cap_fen=10_000, breaker={"max_approvals": 3, "per_minutes": 5})
SMS = ["in_app", "sms"]

TOLD: list[tuple[str, RefundAlert]] = [
    ("spend_threshold|shop-1|s-1|2026-11-23|1", alerts.spend_threshold(CAPPED, DAY, spend(9520, 0, alerts=1), AT)),
    ("cap_reached|shop-1|s-1|2026-11-23", alerts.cap_reached(CAPPED, DAY, spend(9990, 0), AT)),
    ("cap_reached|shop-1|*|2026-11-23", alerts.shop_cap_reached("shop-1", DAY, Money(990), Money(1000), AT)),
    ("breaker_tripped|shop-1|s-1|1", alerts.breaker_tripped(CAPPED, AT)),
    ("config_rejected|shop-1|s-1|digest", alerts.config_rejected("shop-1", "s-1", "digest", "per_order_cap_fen: no", AT)),
    ("request_conflict|shop-1|r-1|1|digest", alerts.request_conflict(request(), "digest", AT)),
    ("shop_halted|shop-1|2026-11-23T10:00:00+08:00", alerts.shop_switched(control(), "shop-1", AT)),
    ("shop_resumed|shop-1|2026-11-23T10:00:00+08:00", alerts.shop_switched(control(action="resume"), "shop-1", AT)),
    ("dead_letter_burst|3|2026-11-23T10:00:00+08:00", alerts.dead_letter_burst(3, 101, AT)),
]  # fmt: skip
each = pytest.mark.parametrize(("alert_id", "alert"), TOLD, ids=[alert_id for alert_id, _ in TOLD])


@each
def test_an_alert_names_what_it_is_about(alert_id: str, alert: RefundAlert) -> None:
    assert alert.alert_id == alert_id
    assert alert.kind == alert_id.split("|", maxsplit=1)[0]


@each
def test_an_alert_fits_its_json_schema_and_can_be_shown(alert_id: str, alert: RefundAlert) -> None:
    validator("refund-alert").validate(alert.model_dump(mode="json", exclude_none=True))
    assert alert.title
    assert alert.text.endswith(("。", "traffic", "no"))


@pytest.mark.parametrize(
    ("at", "kind", "severity", "channels"),
    [
        (0, "spend_threshold", "warning", SMS),
        (1, "cap_reached", "warning", SMS),
        (3, "breaker_tripped", "critical", SMS),
        (4, "config_rejected", "warning", ["in_app"]),
        (5, "request_conflict", "warning", ["in_app"]),
        (6, "shop_halted", "critical", SMS),
        (7, "shop_resumed", "info", SMS),
        (8, "dead_letter_burst", "critical", ["in_app"]),
    ],
)
def test_the_graver_an_alert_the_louder(at: int, kind: str, severity: str, channels: list[str]) -> None:
    alert = TOLD[at][1]
    assert (alert.kind, alert.severity, alert.channels) == (kind, severity, channels)


def test_the_seller_reads_the_budget_used_in_yuan_and_percent() -> None:
    alert = TOLD[0][1]
    assert "策略“小额”2026-11-23已自动退款¥95.20，占当日上限¥100.00的95.20%。" in alert.text
    assert (alert.spend_day, alert.spent_fen, alert.daily_cap_fen) == (DAY, Money(9520), Money(10_000))
    assert alert.consumption_percent == "95.20"


def test_a_cap_of_nothing_has_no_percentage() -> None:
    assert alerts.cap_reached(strategy(daily_cap_fen=0), DAY, spend(), AT).consumption_percent is None


def test_a_shop_cap_speaks_of_no_strategy_54() -> None:
    alert = TOLD[2][1]
    assert (alert.shop_id, alert.strategy_id, alert.consumption_percent) == ("shop-1", None, "99.00")


def test_a_burst_is_about_no_single_shop() -> None:
    assert TOLD[8][1].shop_id == "*"
    assert "101" in TOLD[8][1].text


ABOUT: list[tuple[str, Callable[[], RefundAlert], Callable[[], RefundAlert]]] = [
    (
        "the notice's number",
        lambda: alerts.spend_threshold(CAPPED, DAY, spend(9520, 0, alerts=1), AT),
        lambda: alerts.spend_threshold(CAPPED, DAY, spend(9520, 0, alerts=2), AT),
    ),
    (
        "the day",
        lambda: alerts.cap_reached(CAPPED, DAY, spend(), AT),
        lambda: alerts.cap_reached(CAPPED, DAY.minus(1), spend(), AT),
    ),
    (
        "the version",
        lambda: alerts.breaker_tripped(CAPPED, AT),
        lambda: alerts.breaker_tripped(CAPPED.model_copy(update={"version": 2}), AT),
    ),
    (
        "the body",
        lambda: alerts.request_conflict(request(), "d1", AT),
        lambda: alerts.request_conflict(request(), "d2", AT),
    ),
]


@pytest.mark.parametrize(("one", "other"), [case[1:] for case in ABOUT], ids=[case[0] for case in ABOUT])
def test_other_matters_have_other_ids(one: Callable[[], RefundAlert], other: Callable[[], RefundAlert]) -> None:
    assert one().alert_id == one().alert_id
    assert one().alert_id != other().alert_id


def test_the_clock_is_not_part_of_the_matter() -> None:
    early, late = (alerts.cap_reached(CAPPED, DAY, spend(), at) for at in (AT, later(hours=1)))
    assert early.alert_id == late.alert_id
    assert early.raised_at < late.raised_at


def test_a_name_as_long_as_a_record_may_carry_does_not_push_the_message_out() -> None:
    long = "名" * TEXT_LENGTH_MAX
    by_name = alerts.spend_threshold(strategy(name=long), DAY, spend(9_900_000), AT)
    by_reason = alerts.shop_switched(control(by=long, reason=long), "shop-1", AT)
    assert "额度用完后" in by_name.text
    assert "停用" in by_reason.text
    assert by_reason.text.count("名") == 2 * (QUOTED_LENGTH_MAX - 1)


def test_a_name_that_just_fits_is_quoted_whole() -> None:
    name = "n" * QUOTED_LENGTH_MAX
    assert f"“{name}”" in alerts.breaker_tripped(strategy(name=name, breaker=CAPPED.breaker), AT).text
