"""The naive model: one line in, the outputs of the replay out. Nothing is indexed, cached or clever."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tests.oracle import alerts
from tests.oracle.fields import BadRecordError, Json, decoded, is_int, obj
from tests.oracle.ladder import Ruling, rule_on
from tests.oracle.reading import COMPACTED, READERS
from tests.oracle.times import DEADLINE_DEFAULT, HOLD, civil_day, instant, shown
from tests.oracle.world import Approval, Case, Hold, World

FIRST_IN_A_BATCH = ("strategy-config", "control", "buyer-list")


class Oracle:
    """contract, 4, `replay`: feed it lines in order; it answers with the outputs of each."""

    def __init__(self) -> None:
        self.world = World()
        self.now: datetime | None = None
        self.outputs: list[Json] = []
        self.arrivals = 0

    def feed(self, line: Json) -> list[Json]:
        """The outputs of one replay line, whatever fell due before it included."""
        at = instant(line["at"])
        outputs: list[Json] = []
        for due in sorted({hold.due for hold in self.world.holds if hold.due <= at}):
            outputs += self.feed_batch([], due)
        return outputs + self.feed_batch([line] if "topic" in line else [], at)

    def feed_batch(self, lines: Iterable[Json], at: datetime) -> list[Json]:
        """A worker's batch, all at the clock `at`: what fell due, then control records, then the rest."""
        self.outputs = []
        self.now = at if self.now is None else max(self.now, at)
        self._end_due_holds()
        for line in sorted(lines, key=lambda each: each["topic"] not in FIRST_IN_A_BATCH):
            self._take(line)
        return self.outputs

    # --- records -------------------------------------------------------------------------------------------------

    def _take(self, line: Json) -> None:
        """One record: a tombstone, a dead letter, or what its topic says."""
        topic, value = line["topic"], line.get("value")
        if topic in COMPACTED and value is None and "raw" not in line:
            return  # [57]
        try:
            if "raw" in line:
                value = decoded(line["raw"])
            record = READERS[topic](obj(value), self._clock())
            getattr(self, "_on_" + topic.replace("-", "_"))(record)
        except BadRecordError as bad:
            self._bury(line, value, str(bad))

    def _bury(self, line: Json, value: Any, error: str) -> None:
        letter = {"topic": line["topic"], "error": error, "raw": line.get("raw", line.get("value"))}
        self.outputs.append({"topic": "dead-letter", "key": line.get("key"), "value": letter})
        if line["topic"] == "strategy-config":
            self.outputs += alerts.config_rejected(value, self._clock())
        self.outputs += alerts.burst(self.world, self._clock())

    def _on_strategy_config(self, config: Json) -> None:
        """domain [20, 53, 57]: the newest version wins and acts at once."""
        shop, strategy_id = config["shop_id"], config["strategy_id"]
        if strategy_id == "*":
            known = self.world.shop_caps.get(shop)
            if known is None or config["version"] > known["version"]:
                self.world.shop_caps[shop] = config
            return
        known = self.world.strategies.get((shop, strategy_id))
        if known is not None and config["version"] <= known["version"]:
            return
        self.world.strategies[shop, strategy_id] = config
        now = self._clock()
        self.outputs += alerts.consumption(self.world, shop, strategy_id, civil_day(now), now)

    def _on_control(self, control: Json) -> None:
        """domain [61]"""
        halts = control["action"] == "halt"
        if control["scope"] == "global":
            self.world.halted_everywhere = halts
            return
        shop = control["shop_id"]
        if halts == (shop in self.world.halted_shops):
            return
        if halts:
            self.world.halted_shops.add(shop)
        else:
            self.world.halted_shops.remove(shop)
        self.outputs.append(alerts.alert("shop_halted" if halts else "shop_resumed", self._clock(), shop))

    def _on_buyer_list(self, entry: Json) -> None:
        """contract, 2: compacted, so the last in the log wins."""
        self.world.blocks[entry["shop_id"], entry["buyer_id"]] = entry

    def _on_order_logistics(self, order: Json) -> None:
        """contract, 2 and domain [43, 57]: the highest version wins; holds of the order are tried again."""
        identity = (order["shop_id"], order["order_id"])
        known = self.world.orders.get(identity)
        if known is not None and order["version"] <= known["version"]:
            return
        self.world.orders[identity] = order
        for hold in sorted(self.world.holds, key=lambda each: each.arrival):
            if (hold.request["shop_id"], hold.request["order_id"]) == identity:
                self._try_again(hold)

    def _on_refund_result(self, result: Json) -> None:
        """domain [18, 19, 45, 52]"""
        for approval in self.world.book.approvals:
            if (approval.request["shop_id"], approval.decision_id) == (result["shop_id"], result["decision_id"]):
                break
        else:
            raise BadRecordError("no approval of that name")
        if result["amount_fen"] > approval.request["amount_fen"]:
            raise BadRecordError("more than was approved")
        if result["status"] == "recovered" or approval.state != "reserved":
            return
        before = approval.counts_fen()
        approval.state = result["status"]
        if result["status"] == "succeeded":
            approval.executed_fen = result["amount_fen"]
            approval.succeeded_at = result["at"]
        if approval.counts_fen() != before:
            shop, strategy_id = approval.strategy["shop_id"], approval.strategy["strategy_id"]
            self.outputs += alerts.consumption(self.world, shop, strategy_id, approval.day, self._clock())

    def _on_after_sale_request(self, request: Json) -> None:
        """domain [27, 41, 42] and contract, 1: repeats, edits, then the decision."""
        shop, request_id, version = request["shop_id"], request["request_id"], request["request_version"]
        known = self.world.records.get((shop, request_id, version))
        if known is not None:
            if known != request:
                self.outputs.append(alerts.alert("request_conflict", self._clock(), shop))
            return
        self.world.records[shop, request_id, version] = request
        pending = request["status"] == "pending_seller"
        if version < self.world.newest.get((shop, request_id), 0):
            if pending:
                self._decide(request, ended_by="superseded")
            return
        self.world.newest[shop, request_id] = version
        for hold in [each for each in self.world.holds if _same_request(each.request, request)]:
            self.world.holds.remove(hold)
            self._decide(hold.request, ended_by="superseded" if pending else "not_pending")
        if not pending:
            return
        if self._rule(request).reasons[0] == "order_unknown":
            self.arrivals += 1
            self.world.holds.append(Hold(self._clock() + HOLD, self.arrivals, request))
            return
        self._decide(request)

    # --- holds ---------------------------------------------------------------------------------------------------

    def _end_due_holds(self) -> None:
        """domain [43]: due holds come before a record of the same instant, by due time, then arrival."""
        for hold in sorted(self.world.holds, key=lambda each: (each.due, each.arrival)):
            if hold.due <= self._clock():
                self.world.holds.remove(hold)
                self._decide(hold.request)

    def _try_again(self, hold: Hold) -> None:
        if self._rule(hold.request).reasons[0] != "order_unknown":
            self.world.holds.remove(hold)
            self._decide(hold.request)

    # --- decisions -----------------------------------------------------------------------------------------------

    def _rule(self, request: Json, ended_by: str | None = None) -> Ruling:
        strategies = self.world.strategies_of(request["shop_id"], "live")
        return rule_on(self.world, Case(request, self._clock(), strategies, self.world.book, ended_by))

    def _decide(self, request: Json, ended_by: str | None = None) -> None:
        """The one decision of a (request, version) [41], and what follows from it."""
        now = self._clock()
        ruling = self._rule(request, ended_by)
        shadow = self._imagine(request, ended_by)
        decision: Json = {
            "schema_version": 1,
            "decision_id": f"{request['request_id']}:{request['request_version']}",
            **{name: request[name] for name in ("request_id", "request_version", "shop_id", "order_id", "buyer_id")},
            "outcome": ruling.outcome,
            "reasons": ruling.reasons,
            "provenance": "none",
            "amount_fen": request["amount_fen"],
            "applied_at": shown(request["applied_at"]),
            "decided_at": shown(now),
            "deadline_at": shown(request["deadline_at"] or request["applied_at"] + DEADLINE_DEFAULT),
            "shadow": shadow,
        }
        more: list[Json] = []
        if ruling.strategy is not None:
            decision |= self._budget_fields(request, ruling)
            more = self._follow(request, ruling)
        self.outputs.append({"topic": "refund-decision", "key": request["request_id"], "value": decision})
        self.outputs += more

    def _budget_fields(self, request: Json, ruling: Ruling) -> Json:
        """domain [51]: only where a strategy matched."""
        assert ruling.strategy is not None
        day = civil_day(self._clock())
        spent = self.world.book.spent(request["shop_id"], ruling.strategy["strategy_id"], day)
        approved = request["amount_fen"] if ruling.outcome == "auto_approve" else 0
        return {
            "strategy_id": ruling.strategy["strategy_id"],
            "strategy_version": ruling.strategy["version"],
            "provenance": ruling.strategy["owner"] + "_strategy",
            "spend_day": day.isoformat(),
            "spent_before_fen": spent,
            "spent_after_fen": spent + approved,
            "daily_cap_fen": ruling.strategy["daily_cap_fen"],
        }

    def _follow(self, request: Json, ruling: Ruling) -> list[Json]:
        """The reservation of an approval, or the alert of a stop."""
        assert ruling.strategy is not None
        now, shop, strategy = self._clock(), request["shop_id"], ruling.strategy
        identity = (shop, strategy["strategy_id"], strategy["version"])
        if ruling.outcome == "auto_approve":
            decision_id = f"{request['request_id']}:{request['request_version']}"
            self.world.book.approvals.append(Approval(decision_id, strategy, request, now))
            return alerts.consumption(self.world, shop, strategy["strategy_id"], civil_day(now), now)
        if ruling.reasons[0] == "daily_cap_reached":
            return alerts.cap_reached(self.world, shop, strategy, now)
        if ruling.reasons[0] == "shop_cap_reached":
            return alerts.cap_reached(self.world, shop, None, now)
        if ruling.reasons[0] == "breaker_open" and identity not in self.world.book.tripped:
            self.world.book.tripped.add(identity)
            return [alerts.alert("breaker_tripped", now, shop, strategy["strategy_id"])]
        return []

    def _imagine(self, request: Json, ended_by: str | None) -> list[Json]:
        """domain [36]: each shadow strategy as if it were the only live one, on a book of its own."""
        imagined = []
        book, now = self.world.shadow_book, self._clock()
        for strategy in self.world.strategies_of(request["shop_id"], "shadow"):
            ruling = rule_on(self.world, Case(request, now, [strategy], book, ended_by))
            identity = (strategy["shop_id"], strategy["strategy_id"], strategy["version"])
            if ruling.outcome == "auto_approve":
                book.approvals.append(Approval("", strategy, request, now))
            if ruling.reasons[0] == "breaker_open":
                book.tripped.add(identity)
            imagined.append(
                {
                    "strategy_id": strategy["strategy_id"],
                    "version": strategy["version"],
                    "outcome": ruling.outcome,
                    "reasons": ruling.reasons,
                }
            )
        return sorted(imagined, key=lambda each: str(each["strategy_id"]))

    def _clock(self) -> datetime:
        assert self.now is not None
        return self.now


def _same_request(one: Json, other: Json) -> bool:
    """domain [40]: a request is (shop_id, request_id)."""
    return bool(one["shop_id"] == other["shop_id"] and one["request_id"] == other["request_id"])


def is_line(line: Any) -> bool:
    """contract, 4: such an object, of a known topic."""
    if not isinstance(line, dict) or is_int(line.get("at")):
        return False
    try:
        instant(line.get("at"))
    except ValueError:
        return False
    return "topic" not in line or (line["topic"] in READERS and ("value" in line or "raw" in line))
