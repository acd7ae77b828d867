"""The options of `load`, and the profile they ask for."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Final

from app.commands.numbers import count, number
from app.commands.parsers import Command, Run
from app.errors import UsageError
from app.samples.traffic import DUPLICATES_IN_TROUBLE, Profile, Shape

__all__ = ["add_load", "profile_of"]

RATE_MAX: Final = 100_000.0
SECONDS_MAX: Final = 7 * 86_400.0
REQUESTS_MAX: Final = 100_000_000
SHOPS_MAX: Final = 1_000_000
PERCENT_MAX: Final = 100


def add_load(command: Command, run: Run) -> None:
    """Declare it."""
    default = Profile()
    sub = command(
        "load", run, "write realistic traffic at a rate",
        "Shops, amounts, repeats,\nedits and withdrawals as a large marketplace has them; the same seed gives the same traffic.",
    )  # fmt: skip
    sub.add_argument(
        "--rate", type=number(RATE_MAX), default=default.rate, metavar="N", help="new requests a second (default: 100)"
    )
    length = sub.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=number(SECONDS_MAX), metavar="N", help="for so long (default: 60)")
    length.add_argument("--requests", type=count(REQUESTS_MAX), metavar="N", help="or so many new requests")
    sub.add_argument("--shops", type=count(SHOPS_MAX), default=default.shops, metavar="N", help="(default: 10000)")
    sub.add_argument(
        "--strategies", type=count(PERCENT_MAX, least=0), default=round(default.with_strategies * 100), metavar="PERCENT",
        help="of the shops have strategies; they are published first (default: 25)",
    )  # fmt: skip
    sub.add_argument(
        "--shape", choices=[one.value for one in Shape], default=Shape.STEADY.value,
        help="evening: half of the time 15 times the rate; sale: 52 times, and 172 times for a while (default: steady)",
    )  # fmt: skip
    sub.add_argument("--trouble", action="store_true", help="10 %% sent twice, as after trouble upstream, not 1.5 %%")
    sub.add_argument("--seed", type=int, default=default.seed, help="(default: 1)")


def profile_of(arguments: argparse.Namespace) -> Profile:
    """What the options ask for."""
    shape = Shape(arguments.shape)
    if arguments.requests is None:
        seconds = Profile().seconds if arguments.seconds is None else arguments.seconds
        profile = Profile(rate=arguments.rate, seconds=seconds, shape=shape)
    else:
        profile = Profile.of_requests(arguments.requests, arguments.rate, shape)
    if profile.rate * max(factor for _, factor in shape.steps) > RATE_MAX:
        raise UsageError(
            f"--rate {arguments.rate:g} with --shape {shape.value}: the peak is over {RATE_MAX:,.0f} a second"
        )
    if arguments.trouble:
        profile = replace(profile, duplicates=DUPLICATES_IN_TROUBLE)
    share = arguments.strategies / PERCENT_MAX
    return replace(profile, shops=arguments.shops, seed=arguments.seed, with_strategies=share)
