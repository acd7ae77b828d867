"""Builds the Faust app on this layer. Only extension points are used: the transport's setter, `conf.Table`,
`conf.TableManager`, subclasses, and signals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

import faust
from yarl import URL

from app.exactly_once.consumer import BatchTransport
from app.exactly_once.lanes import Lanes
from app.exactly_once.layer import SERVICE_LOG, LayerObserver, LayerSettings
from app.exactly_once.tables import LaneTableManager, TransactionalTable
from app.lane_job import JobFactory

__all__ = ["LaneApp", "build_app"]

log = logging.getLogger(__name__)

NEVER_SECONDS: Final = 1e9
REQUEST_SECONDS_MAX: Final = 40.0
STREAM_BUFFER_EVENTS: Final = 4096
"""Batches on their way to the agent; lanes are what bounds memory."""


class LaneApp(faust.App):
    """A Faust app that has lanes."""

    logger = SERVICE_LOG
    lanes: Lanes
    failure: BaseException | None = None
    """What made the app stop, if it did not stop by itself."""

    def crash_soon(self, error: BaseException) -> None:
        """Stop the worker because of `error`; for callers that cannot await."""
        if self.failure is None:
            self._say_why(error)
            self._crashing = asyncio.ensure_future(self.crash(error))

    def _crash(self, reason: BaseException) -> None:
        """As mode's, which comes here whatever part of the app failed."""
        if self.failure is None:
            self._say_why(reason)
        super()._crash(reason)

    def _say_why(self, error: BaseException) -> None:
        self.failure = error
        log.critical("the worker stops: %s: %s", type(error).__name__, " ".join(str(error).split()))
        log.debug("where that comes from", exc_info=error)


def build_app(
    settings: LayerSettings,
    job_factory: JobFactory,
    *,
    clock: Callable[[], datetime],
    observer: LayerObserver,
) -> LaneApp:
    """The app, with its tables; agents are declared by `app.agents`. `clock` gives aware datetimes."""
    app = LaneApp(
        settings.app_id,
        broker=[URL(f"kafka://{broker}") for broker in settings.brokers.split(",")],
        store="memory://",
        datadir=str(settings.data_dir),
        Table=partial(TransactionalTable, layer_settings=settings),
        TableManager=LaneTableManager,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        web_enabled=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=STREAM_BUFFER_EVENTS,
        stream_recovery_delay=0.0,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=max(0.5, settings.session_timeout_seconds / 5),
        broker_rebalance_timeout=settings.session_timeout_seconds,
        broker_request_timeout=max(REQUEST_SECONDS_MAX, settings.session_timeout_seconds + 1),
        broker_commit_interval=NEVER_SECONDS,
        consumer_group_instance_id=settings.group_instance_id,
        agent_supervisor="mode.CrashingSupervisor",
    )
    app.transport = BatchTransport([URL(f"kafka://{broker}") for broker in settings.brokers.split(",")], app, settings)
    app.lanes = Lanes(settings, job_factory, clock=clock, observer=observer, crash=app.crash_soon)
    for name in settings.tables:
        app.lanes.tables.append(app.Table(name, partitions=settings.partitions, key_type=bytes, value_type=bytes))

    async def on_partitions_revoked(_: Any, revoked: Any, **__: Any) -> None:
        await app.lanes.release()

    async def on_before_shutdown(_: Any, **__: Any) -> None:
        await app.lanes.stop()

    app.on_partitions_revoked.connect(on_partitions_revoked, weak=False)
    app.on_before_shutdown.connect(on_before_shutdown, weak=False)
    return app
