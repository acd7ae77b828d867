"""What must hold of the product's outputs whatever the oracle thinks: money, items, one decision for each request.

Fed with the lines that went in and the outputs that came out; keeps books of its own and asserts as it goes.
"""

from __future__ import annotations

from typing import Any

from tests.property.engines import plain

Json = dict[str, Any]
Version = tuple[str, str, int]
EXPLAINS = ("miss", "unknown")


class Ledger:
    """`take` what went in and came out; `settle` when no hold can be left."""

    def __init__(self) -> None:
        self.asked: set[Version] = set()
        self.requests: dict[Version, Json] = {}
        self.decided: dict[Version, Json] = {}
        self.spent: dict[tuple[str, str, str], int] = {}
        self.paid_items: dict[tuple[str, str, str], str] = {}
        self.open: dict[tuple[str, str], Json] = {}
        self.results: list[Json] = []

    def take(self, lines: list[Json], outputs: list[Json]) -> None:
        """Requests are noted first. Results take their turn among the decisions: as late as the sums allow."""
        dead = [plain(each["value"]["raw"]) for each in outputs if each["topic"] == "dead-letter"]
        valid = [line for line in lines if isinstance(line.get("value"), dict) and line["value"] not in dead]
        for line in valid:
            if line["topic"] == "after-sale-request":
                self._note(line["value"])
        self.results = [line["value"] for line in valid if line["topic"] == "refund-result"]
        for output in outputs:
            if output["topic"] == "refund-decision":
                self._decision(output["value"])
        while self.results:
            self._result(self.results.pop(0))

    def settle(self) -> None:
        """domain [41]: every pending (request, version) has exactly one decision (`_decision` refuses a second)."""
        assert self.asked == set(self.decided), f"without a decision: {self.asked - set(self.decided)}"

    def _note(self, request: Json) -> None:
        version = (request["shop_id"], request["request_id"], request["request_version"])
        if version in self.requests:
            return
        self.requests[version] = request
        if request["status"] == "pending_seller":
            self.asked.add(version)

    def _decision(self, decision: Json) -> None:
        version = (decision["shop_id"], decision["request_id"], decision["request_version"])
        assert version in self.asked, f"decided, never asked: {version}"
        assert version not in self.decided, f"decided twice: {version}"
        self.decided[version] = decision
        request = self.requests[version]
        assert decision["amount_fen"] == request["amount_fen"]
        self._check_words(decision)
        if "strategy_id" not in decision:
            assert decision["outcome"] == "manual_review"
            assert decision["provenance"] == "none"
            return
        self._check_chain(decision)
        if decision["outcome"] == "auto_approve":
            self._pay(decision, request)

    def _check_words(self, decision: Json) -> None:
        """The reason explains the outcome, and the trace explains the reason."""
        reasons, traced = decision["reasons"], decision["trace"]
        assert (reasons == ["approved"]) == (decision["outcome"] == "auto_approve")
        assert len(set(reasons)) == len(reasons)
        for reason in reasons:
            if reason != "approved":
                assert any(step["rule"] == reason and step["result"] in EXPLAINS for step in traced), (reason, traced)

    def _check_chain(self, decision: Json) -> None:
        """spent_before is what the books say; spent_after adds what was approved; the cap in force holds it."""
        cell = (decision["shop_id"], decision["strategy_id"], decision["spend_day"])
        approved = decision["amount_fen"] if decision["outcome"] == "auto_approve" else 0
        while decision["spent_before_fen"] != self.spent.get(cell, 0) and self.results:
            self._result(self.results.pop(0))
        assert decision["spent_before_fen"] == self.spent.get(cell, 0)
        assert decision["spent_after_fen"] == decision["spent_before_fen"] + approved
        assert not approved or decision["spent_after_fen"] <= decision["daily_cap_fen"]
        self.spent[cell] = decision["spent_after_fen"]

    def _pay(self, decision: Json, request: Json) -> None:
        """domain [26]: no order item is paid twice."""
        for item in request["items"]:
            identity = (request["shop_id"], request["order_id"], item["order_item_id"])
            assert self.paid_items.setdefault(identity, decision["decision_id"]) == decision["decision_id"], identity
        self.open[decision["shop_id"], decision["decision_id"]] = decision

    def _result(self, result: Json) -> None:
        """domain [18, 52]: the first definite result of an approval; what it does not execute is released."""
        identity = (result["shop_id"], result["decision_id"])
        if result["status"] == "recovered" or identity not in self.open:
            return
        decision = self.open.pop(identity)
        executed = result["amount_fen"] if result["status"] == "succeeded" else 0
        self.spent[decision["shop_id"], decision["strategy_id"], decision["spend_day"]] -= (
            decision["amount_fen"] - executed
        )
        if result["status"] != "succeeded":
            self.paid_items = {item: name for item, name in self.paid_items.items() if name != decision["decision_id"]}
