"""What the demo prints: a line for each decision and alert as it comes, and a summary. Colours on a terminal only."""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.samples.records import Message
from app.samples.shop import Sample
from app.words import WORDS, yuan
from schemas.times import SHANGHAI
from schemas.topics import REFUND_RESULT
from schemas.vocabulary import Outcome, Reason, ResultStatus, Severity

__all__ = ["Printer", "pad"]

GREEN, YELLOW, RED, BOLD, DIM = "32", "33", "31", "1", "2"
BAR_WIDTH: Final = 30
RED_PERCENT: Final = 90
"""The announcement shows a consumption above 90 % in red."""
CLEARED_FROM: Final = 24
RAW_SHOWN_MAX: Final = 40


def pad(text: str, width: int) -> str:
    """`text`, filled to `width` columns of a terminal; a Chinese character takes two."""
    taken = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
    return text + " " * (width - taken)


class Printer:
    """Prints, and keeps count for the summary."""

    def __init__(self, sample: Sample, *, colours: bool) -> None:
        self._sample = sample
        self._colours = colours
        self._reasons: Counter[str] = Counter()
        self._alerts: Counter[str] = Counter()
        self._spent: dict[tuple[str, str], int] = defaultdict(int)
        self._caps: dict[tuple[str, str], int] = {}
        self._approved: dict[str, tuple[tuple[str, str], int]] = {}
        self._dead_letters = 0

    def start(self, requests: int) -> None:
        """Say what comes."""
        self._say(
            f"{len(self._sample.shop_names)} shops, {requests} records of requests. All else of them is in the topics."
        )

    def stage(self, title: str) -> None:
        """A stage begins."""
        self._say("\n" + self._paint(f"── {title}", BOLD))

    def published(self, message: Message) -> None:
        """A failed or cancelled refund gives its reservation back."""
        if message.topic != REFUND_RESULT.name or message.value["status"] == ResultStatus.SUCCEEDED:
            return
        if message.value["decision_id"] not in self._approved:
            return  # a summary of missing decisions follows
        strategy, fen = self._approved[message.value["decision_id"]]
        self._spent[strategy] -= fen
        self._say(
            self._paint(
                f"{'':>13}{message.value['decision_id']} {message.value['status']}: {yuan(fen)} is free again", DIM
            )
        )

    def decision(self, decision: Mapping[str, Any]) -> None:
        """One decision."""
        reason = decision["reasons"][0]
        approved = decision["outcome"] == Outcome.AUTO_APPROVE
        self._reasons[reason] += 1
        strategy = ""
        if decision.get("strategy_id"):
            key = (decision["shop_id"], decision["strategy_id"])
            strategy = self._sample.strategy_names[key]
            self._caps[key] = decision["daily_cap_fen"]
            if approved:
                self._spent[key] += decision["amount_fen"]
                self._approved[decision["decision_id"]] = key, decision["amount_fen"]
                strategy = (
                    pad(strategy, 14) + f"{yuan(decision['spent_after_fen'])} of {yuan(decision['daily_cap_fen'])}"
                )
        at = datetime.fromisoformat(decision["decided_at"]).astimezone(SHANGHAI)
        mark = self._paint("✔", GREEN) if approved else self._paint("☞", YELLOW)
        self._say(
            f"{at:%H:%M:%S}.{at.microsecond // 1000:03} {pad(self._sample.shop_names[decision['shop_id']], 11)}"
            f"{decision['request_id'].partition('-')[0]} v{decision['request_version']} {yuan(decision['amount_fen']):>8} {mark} "
            f"{reason:<{CLEARED_FROM}} {pad(WORDS[Reason(reason)].short, 15)}{strategy}"
        )

    def alert(self, alert: Mapping[str, Any]) -> None:
        """One alert, in the words that the seller sees."""
        self._alerts[alert["kind"]] += 1
        colour = RED if alert["severity"] == Severity.CRITICAL else YELLOW
        channels = "+".join(alert["channels"]) or "no channel"
        self._say(self._paint(f"{'':>13}⚑ {alert['kind']} → {channels}: {alert['title']} {alert['text']}", colour))

    def dead_letter(self, headers: Mapping[str, str], value: bytes) -> None:
        """One record that could not be read."""
        self._dead_letters += 1
        shown = value[:RAW_SHOWN_MAX].decode(errors="replace")
        self._say(
            self._paint(f"{'':>13}✘ dead letter of {headers.get('topic')}: {headers.get('error')} ({shown}…)", RED)
        )

    def summary(self, sent_twice: int) -> None:
        """Spend of each strategy against its cap, and counts by reason."""
        self._say("\n" + self._paint("── spend of the day, executed and reserved", BOLD))
        for (shop_id, strategy_id), cap in sorted(self._caps.items()):
            name = f"{self._sample.shop_names[shop_id]} · {self._sample.strategy_names[shop_id, strategy_id]}"
            self._bar(name, self._spent[shop_id, strategy_id], cap)
        for shop_id, cap in self._sample.shop_caps.items():
            spent = sum(fen for (of_shop, _), fen in self._spent.items() if of_shop == shop_id)
            self._bar(f"{self._sample.shop_names[shop_id]} · 全店", spent, cap)
        self._say("\n" + self._paint("── decisions by deciding reason", BOLD))
        for reason, number in self._reasons.most_common():
            colour = GREEN if reason == Reason.APPROVED else YELLOW
            self._say(
                f"{reason:<26}{pad(WORDS[Reason(reason)].short, 16)}{number:>4} {self._paint('▪' * min(number, 60), colour)}"
            )
        decided = sum(self._reasons.values())
        alerts = ", ".join(f"{number} {kind}" for kind, number in sorted(self._alerts.items()))
        self._say(f"\n{decided} decisions, {len(self._reasons)} of {len(Reason)} reasons; alerts: {alerts or 'none'}")
        self._say(f"{self._dead_letters} dead letters; {sent_twice} requests were sent twice and decided once")

    def _bar(self, name: str, spent: int, cap: int) -> None:
        hundredths = spent * 10_000 // cap if cap else 0
        filled = min(BAR_WIDTH, hundredths * BAR_WIDTH // 10_000)
        bar = self._paint("█" * filled, RED if hundredths > RED_PERCENT * 100 else GREEN) + "░" * (BAR_WIDTH - filled)
        percent = f"{hundredths // 100}.{hundredths % 100:02}"
        self._say(f"{pad(name, 28)}{bar} {percent:>6} %  {yuan(spent):>10} of {yuan(cap)}")

    def _paint(self, text: str, colour: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colours else text

    def _say(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
