"""`python -m app COMMAND`, also installed as `autorefund COMMAND`. Exit code 0: done; 1: failed; 2: wrongly called.

Each command's module is imported when the command runs: `--help` is quick, and `replay` never loads a Kafka client.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from app.commands.load_options import add_load, profile_of
from app.commands.numbers import count
from app.commands.parsers import PARTITIONS_MAX, add_operators
from app.errors import CommandFailed, UsageError
from app.settings import load_settings

__all__ = ["main"]

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2

EPILOG: Final = """Settings come from the environment (AUTOREFUND_BROKERS and others; the README lists them).
Exit code: 0 done, 1 failed, 2 wrongly called or set."""


def _topics(arguments: argparse.Namespace) -> int:
    from app.kafka import growth, topics

    if arguments.acls:
        return topics.main_acls(load_settings(os.environ))
    if arguments.grown_from is not None and arguments.grow_to is None:
        raise UsageError("--from goes with --grow-to")
    if arguments.grow_to is not None:
        return growth.main(load_settings(os.environ), arguments.grow_to, arguments.grown_from)
    topics.main(load_settings(os.environ), only_check=arguments.check)
    return DONE


def _worker(_: argparse.Namespace) -> int:
    from app import worker

    return worker.run(load_settings(os.environ))


def _replay(arguments: argparse.Namespace) -> int:
    from app import replay

    return replay.main(arguments.file)


def _demo(arguments: argparse.Namespace) -> int:
    from app.commands import demo

    demo.main(load_settings(os.environ), seed=arguments.seed)
    return DONE


def _explain(arguments: argparse.Namespace) -> int:
    from app.commands import explain

    return explain.main(
        load_settings(os.environ), arguments.request_id, shop_id=arguments.shop, days=arguments.days,
        language=arguments.lang, file=arguments.file, as_json=arguments.json,
    )  # fmt: skip


def _strategies(arguments: argparse.Namespace) -> int:
    from app.commands import strategies

    settings = load_settings(os.environ)
    if arguments.what == "check":
        return strategies.main_check(settings, arguments.file, against=arguments.against, shop=arguments.shop)
    if arguments.what == "set":
        return strategies.main_set(settings, arguments.file, by=arguments.by, expect=arguments.expect)
    return strategies.main_show(
        settings, shop_id=arguments.shop, strategy_id=arguments.strategy,
        history=arguments.what == "history", as_json=arguments.json,
    )  # fmt: skip


def _switch(arguments: argparse.Namespace) -> int:
    from app.commands import halt
    from schemas.vocabulary import ControlAction

    settings = load_settings(os.environ)
    if arguments.show:
        return halt.main_show(settings)
    if not (arguments.everything or arguments.shop):
        raise UsageError("--global or --shop ID is needed (or --show)")
    if not (arguments.by or "").strip() or not (arguments.reason or "").strip():
        raise UsageError("--by NAME and --reason TEXT are needed: each switch has a name and a reason")
    action = ControlAction(arguments.command)
    return halt.main_switch(settings, action, shop_id=arguments.shop, by=arguments.by, reason=arguments.reason)


def _audit(arguments: argparse.Namespace) -> int:
    from app.commands import audit, auditor

    settings = load_settings(os.environ)
    if arguments.every is not None:
        return auditor.main(settings, days=arguments.days, every=arguments.every)
    return audit.main(settings, days=arguments.days, shop_id=arguments.shop)


def _dead_letters(arguments: argparse.Namespace) -> int:
    from app.commands import dead_letters

    settings = load_settings(os.environ)
    if arguments.what == "list":
        return dead_letters.main_list(
            settings, topic=arguments.topic, days=arguments.days, limit=arguments.limit, as_json=arguments.json
        )
    return dead_letters.main_replay(
        settings, arguments.places, topic=arguments.topic, days=arguments.days, value=arguments.value,
        dry_run=arguments.dry_run, anyway=arguments.anyway,
    )  # fmt: skip


def _backtest(arguments: argparse.Namespace) -> int:
    from app.commands import backtest

    return backtest.main(load_settings(os.environ), arguments.draft, file=arguments.file, days=arguments.days)


def _load(arguments: argparse.Namespace) -> int:
    from app.commands import load

    return load.main(load_settings(os.environ), profile_of(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autorefund",
        description="Decides small after-sale refunds of a shop: exactly once, within its budget, with the reason.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], int], summary: str, detail: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}. {detail}",
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(run=run)
        return sub

    topics = command(
        "topics", _topics, "create or check every topic",
        "A topic that is\nset so that something could be lost is an error that says how to mend it.",
    )  # fmt: skip
    does = topics.add_mutually_exclusive_group()
    does.add_argument("--check", action="store_true", help="create nothing; a missing topic is an error")
    does.add_argument("--acls", action="store_true", help="only print the ACLs that each user needs, as commands")
    does.add_argument(
        "--grow-to", type=count(PARTITIONS_MAX), metavar="N",
        help="give every topic N partitions, a multiple of what they have, and move the tables; all workers must be stopped",
    )  # fmt: skip
    topics.add_argument(
        "--from", type=count(PARTITIONS_MAX), dest="grown_from", metavar="N",
        help="with --grow-to, where somebody has grown the topics by hand: how many they had",
    )  # fmt: skip
    command(
        "worker", _worker, "run the stream worker",
        "It refuses to start where\ntopics are missing or differ. SIGTERM and SIGINT stop it in order.",
    )  # fmt: skip
    replay = command(
        "replay", _replay, "decide recorded events offline",
        "No broker: prints one\nJSON line for each output.",
    )  # fmt: skip
    replay.add_argument(
        "file", metavar="FILE", help='JSON lines {"topic", "key"?, "value" or "raw", "at"}; - reads standard input'
    )
    demo = command(
        "demo", _demo, "publish a sample shop and show the decisions",
        "A worker must\nbe running (deploy/demo.sh starts everything).",
    )  # fmt: skip
    demo.add_argument("--seed", type=int, default=1, help="of the traffic's chance (default: 1)")
    add_load(command, _load)
    add_operators(
        command, explain=_explain, strategies=_strategies, switch=_switch, audit=_audit,
        dead_letters=_dead_letters, backtest=_backtest,
    )  # fmt: skip
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code; argparse itself exits with 2."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except UsageError as error:
        return _complain(error, USAGE)
    except CommandFailed as error:
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted", FAILED)
    except BrokenPipeError:  # the reader of our output left (`| head`); nothing more can be said
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - so that the interpreter's last flush finds somebody
        return FAILED


def _complain(error: object, code: int) -> int:
    for line in str(error).splitlines():
        print(f"autorefund: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
