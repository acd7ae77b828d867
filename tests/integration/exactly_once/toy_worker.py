"""Runs a worker with the toy job: `python toy_worker.py '{"brokers": …, "app_id": …, "data_dir": …}'`.

Prints what the observer is told, one JSON line each, for tests to wait for.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mode import Service

from app.agents import declare_agents
from app.exactly_once.build import build_app
from app.exactly_once.layer import Ages
from app.lane_job import Effects
from app.worker import _Worker
from tests.integration.exactly_once.toy import ToyJob, ToyTopics, toy_settings


def say(what: str, **more: Any) -> None:
    print(json.dumps({"what": what, **more}), flush=True)


class Saying:
    """A `LayerObserver` that prints."""

    def committed(self, partition: int, *, seconds: float, ages: Ages, effects: Effects) -> None:
        say("committed", partition=partition, records=sum(map(len, ages.values())), seconds=seconds)

    def aborted(self, partition: int) -> None:
        say("aborted", partition=partition)

    def fenced(self, partition: int) -> None:
        say("fenced", partition=partition)

    def restored(self, *, partitions: int, records: int, seconds: float) -> None:
        say("restored", partitions=partitions, records=records, seconds=seconds)

    def lane_lost(self, partition: int) -> None:
        say("lane_lost", partition=partition)


class SayingStatus(Service):
    """Says which lanes run whenever that changes."""

    def __init__(self, app: Any) -> None:
        self._app = app
        super().__init__()

    @Service.task
    async def _look(self) -> None:
        last: Any = None
        while not self.should_stop:
            lanes = {str(lane.partition): lane.state.value for lane in self._app.lanes.status()}
            if (lanes, self._app.lanes.ready) != last:
                last = (lanes, self._app.lanes.ready)
                say("lanes", lanes=lanes, ready=self._app.lanes.ready)
            await asyncio.sleep(0.05)


def main(arguments: dict[str, Any]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    tick_seconds = arguments.pop("tick_seconds", None)
    settings = toy_settings(data_dir=Path(arguments.pop("data_dir")), **arguments)
    topics = ToyTopics(settings.app_id)
    app = build_app(
        settings,
        lambda partition, stores: ToyJob(topics, partition, stores, tick_seconds),
        clock=lambda: datetime.now(UTC),
        observer=Saying(),
    )
    declare_agents(app)
    worker = _Worker(app, SayingStatus(app), override_logging=False, redirect_stdouts=False)
    worker.execute_from_commandline()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
