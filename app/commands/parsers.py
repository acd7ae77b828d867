"""The words of the operators' and sellers' commands: names, options, help. What they do is in their own modules."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

from app.commands.numbers import count, number

__all__ = ["PARTITIONS_MAX", "Command", "Run", "add_operators"]

DAYS_MAX: Final = 36_500
EVERY_SECONDS_MAX: Final = 7 * 86_400.0
PARTITIONS_MAX: Final = 1_000
Run = Callable[[argparse.Namespace], int]
Command = Callable[[str, Run, str, str], argparse.ArgumentParser]


def add_operators(
    command: Command, *, explain: Run, strategies: Run, switch: Run, audit: Run, dead_letters: Run, backtest: Run
) -> None:
    """Declare them all."""
    _add_explain(command, explain)
    _add_strategies(command, strategies)
    _add_switch(command, switch)
    audited = command(
        "audit", audit, "make the spend again from decisions and results, and compare it with the table",
        "Exit\ncode 1 on any difference. Workers may run meanwhile.",
    )  # fmt: skip
    audited.add_argument(
        "--days", type=count(DAYS_MAX), default=7, help="civil days to look at, today included (default: 7)"
    )
    one_or_many = audited.add_mutually_exclusive_group()
    one_or_many.add_argument("--shop", metavar="ID", help="one shop only")
    one_or_many.add_argument(
        "--every", type=number(EVERY_SECONDS_MAX), metavar="SECONDS",
        help="again and again, until a signal; /metrics of the HTTP port shows what was found last",
    )  # fmt: skip
    _add_dead_letters(command, dead_letters)
    tested = command(
        "backtest", backtest, "show what a draft strategy would have done to past requests",
        "Count,\namount, reasons, top buyers and products, when the cap would have been reached, and the difference to what happened.",
    )  # fmt: skip
    tested.add_argument("draft", metavar="DRAFT", help="the strategy's config as JSON; - reads standard input")
    source = tested.add_mutually_exclusive_group()
    source.add_argument("--file", metavar="FILE", help="recorded JSON lines, as `replay` reads them, instead of Kafka")
    source.add_argument(
        "--days", type=count(DAYS_MAX), default=7, help="days of requests to read from Kafka (default: 7)"
    )


def _add_explain(command: Command, run: Run) -> None:
    sub = command(
        "explain", run, "say why a request was decided so, rule by rule",
        "Also: that it waits\nfor logistics, that a record of it could not be read, or that it was never seen (exit code 1).",
    )  # fmt: skip
    sub.add_argument("request_id", metavar="REQUEST_ID")
    sub.add_argument("--shop", metavar="ID", help="its shop, if known: quicker")
    sub.add_argument("--days", type=count(DAYS_MAX), default=30, help="how far to look back (default: 30)")
    sub.add_argument("--lang", choices=("zh", "en", "both"), default="both")
    sub.add_argument("--file", metavar="FILE", help="look into what `replay` printed, instead of Kafka")
    sub.add_argument("--json", action="store_true", help="the decisions as they are")


def _add_strategies(command: Command, run: Run) -> None:
    sub = command("strategies", run, "show, check and publish strategies", "")
    what = sub.add_subparsers(dest="what", metavar="show|history|check|set", required=True)
    for name, text in (("show", "the version in force of each"), ("history", "every version, by whom and when")):
        one = what.add_parser(name, help=text)
        one.add_argument("--shop", metavar="ID")
        one.add_argument("--strategy", metavar="ID")
        one.add_argument("--json", action="store_true", help="one JSON line each")
    check = what.add_parser("check", help="a config in words, and what about it is odd; exit code 1 on a problem")
    check.add_argument("file", metavar="FILE", help="the config as JSON; - reads standard input")
    check.add_argument("--against", metavar="FILE", nargs="+", default=[], help="other strategies of the shop")
    check.add_argument("--shop", action="store_true", help="compare with the shop's strategies in Kafka")
    put = what.add_parser("set", help="publish a config as the next version, unless somebody was quicker")
    put.add_argument("file", metavar="FILE", help="the config as JSON; - reads standard input")
    put.add_argument("--by", metavar="NAME", help="who enables it (default: updated_by in the file)")
    put.add_argument("--expect", metavar="VERSION", type=int, help="refuse unless this version is in force (0 = none)")


def _add_switch(command: Command, run: Run) -> None:
    for name, text in (
        ("halt", "stop every automatic approval, of one shop or of all"),
        ("resume", "take a halt back"),
    ):
        sub = command(name, run, text, "Every partition is told in one\ntransaction; who, when and why is kept.")
        sub.set_defaults(command=name)
        where = sub.add_mutually_exclusive_group()
        where.add_argument("--global", dest="everything", action="store_true", help="every shop")
        where.add_argument("--shop", metavar="ID", help="this shop")
        where.add_argument("--show", action="store_true", help="print every switch so far, and what is halted")
        sub.add_argument("--by", metavar="NAME", help="who does it")
        sub.add_argument("--reason", metavar="TEXT", help="why")


def _add_dead_letters(command: Command, run: Run) -> None:
    sub = command("dead-letters", run, "list records that could not be read, and send them again", "")
    what = sub.add_subparsers(dest="what", metavar="list|replay", required=True)
    show = what.add_parser("list", help="the newest, and a count by error")
    again = what.add_parser("replay", help="send them to where they first lay, once they can be read")
    for one in (show, again):
        one.add_argument("--topic", metavar="NAME", help="those of this topic")
        one.add_argument("--days", type=count(DAYS_MAX), default=7, help="how far to look back (default: 7)")
    show.add_argument("--limit", type=int, default=50, help="lines to print (default: 50)")
    show.add_argument("--json", action="store_true", help="one JSON line each, with the whole value")
    again.add_argument("places", metavar="PARTITION/OFFSET", nargs="*", help="which, as `list` shows them")
    again.add_argument("--value", metavar="FILE", help="send this instead of the one dead letter's value")
    again.add_argument("--dry-run", action="store_true", help="only say what would be sent")
    again.add_argument("--anyway", action="store_true", help="send even what still cannot be read")
