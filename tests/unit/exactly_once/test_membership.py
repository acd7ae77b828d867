"""Whether an instance id is still ours: asked until somebody answers, and not for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError

from app.exactly_once import membership
from app.exactly_once.membership import FENCED_INSTANCE_ID, InstanceReplaced, Member

UNKNOWN_MEMBER_ID = 25
MEMBER = Member("worker-a", 7, "worker-a-0123")


@dataclass
class ToldCoordinator:
    """Gives the answers that it was told, the last one again and again."""

    answers: list[int | KafkaError]
    group_id: str = "group"
    asked: list[Any] = field(default_factory=list)

    async def ensure_coordinator_known(self) -> None:
        """It is."""

    async def _send_req(self, request: Any) -> Any:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, KafkaError):
            raise answer
        return SimpleNamespace(error_code=answer)


@pytest.mark.parametrize(("code", "replaced"), [(FENCED_INSTANCE_ID, True), (UNKNOWN_MEMBER_ID, False), (0, False)])
async def test_only_a_fenced_id_is_another_workers(code: int, replaced: bool) -> None:
    assert await MEMBER.is_replaced(ToldCoordinator([code]), lambda: False) is replaced


async def test_a_coordinator_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "ASK_AGAIN_SECONDS", 0.0)
    coordinator = ToldCoordinator([KafkaConnectionError(), KafkaConnectionError(), FENCED_INSTANCE_ID])
    assert await MEMBER.is_replaced(coordinator, lambda: False)
    assert len(coordinator.asked) == 3


async def test_who_stops_does_not_ask_and_nobody_asks_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "ANSWER_SECONDS_MAX", 0.05)
    away = ToldCoordinator([KafkaConnectionError()])
    assert not await MEMBER.is_replaced(away, lambda: True)
    assert away.asked == []
    assert not await MEMBER.is_replaced(away, lambda: False)


def test_the_error_says_what_to_do() -> None:
    assert "Each worker needs an instance id of its own" in str(InstanceReplaced("worker-a"))
