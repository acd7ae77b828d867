"""`python -m app worker`: the composition root. Checks the topics, builds the app from its parts, runs it."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from platform import python_version
from time import monotonic, sleep
from typing import Any, Final

import faust
from faust.worker import Worker as FaustWorker
from mode import Service

from app.agents import declare_agents
from app.core.retention import Retention
from app.errors import CommandFailed
from app.exactly_once.build import build_app
from app.exactly_once.lanes import Lanes
from app.exactly_once.layer import SERVICE_LOG, Ages, LaneState, LayerSettings
from app.http_port import HttpPort
from app.kafka import topics
from app.kafka.acls import User
from app.kafka.admin import NoBroker
from app.kafka.allowed import check_allowed
from app.kafka.security import client_security
from app.kafka.trouble import in_words
from app.lane_job import Effects
from app.logs import configure_logging
from app.lookout import Lookout
from app.metrics import Metrics, TransactionEnd
from app.partitions import partitioner
from app.processor import Rules, processor_factory
from app.pulse import Pulse
from app.settings import Settings
from schemas.topics import CONTROL_PLANE, FORWARDED, INPUTS, TABLES, TOMBSTONE_MS

__all__ = ["layer_settings", "run"]

log = logging.getLogger(__name__)

BROKER_SECONDS_MAX: Final = 30.0
"""How long a start waits for a broker; then a supervisor tries again."""
ASK_AGAIN_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 1.0
"""How often the gauges are looked up that are at hand."""
ASK_SECONDS: Final = 5.0
"""How often those are that the broker has to be asked for."""
STILL_SECONDS_MAX: Final = 10.0
"""A lane that has records and does not move for so long makes the worker unready; the layer stops it later."""
STOP_SECONDS_MAX: Final = 5.0
"""After a signal or a crash the worker is gone within this time, in order or not (a successor fences it either way)."""
HANG_SECONDS_MAX: Final = 8.0
"""After a failure even the loop's own timers may get no turn: then it is ended from outside. The way above comes first."""
TOMBSTONE_MARGIN_SECONDS: Final = 86_400.0
"""A store is taken for too old so long before deletions that it has not seen may be gone: its restore takes time."""
GARBAGE_THRESHOLD: Final = 50_000
"""Young objects before a collection. The tables are millions of objects that live on: looking for cycles among them
again and again is what most of a restore and a tenth of the work went into."""


def run(settings: Settings) -> int:
    """Run until a signal (returns 0). Raises CommandFailed where it cannot start, or had to stop."""
    configure_logging(settings)
    checked = _checked(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    metrics = Metrics()
    metrics.look("build_info", 1, version("autorefund"), python_version(), faust.__version__, settings.store.value)
    layer = layer_settings(settings, checked.partitions)
    rules = Rules(
        hold=timedelta(seconds=settings.hold_seconds),
        retention=Retention(settings.spend_days, settings.request_days, settings.order_days),
    )
    app = build_app(
        layer,
        processor_factory(partitioner(checked.partitions), rules),
        clock=lambda: datetime.now(UTC),
        observer=_Observer(metrics),
    )
    declare_agents(app)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    pulse = Pulse(settings.stall_seconds_max)
    app.at_failure = lambda: pulse.leave(HANG_SECONDS_MAX)

    def exposition() -> bytes:
        metrics.look("ready", why_unready(app.lanes) is None)
        return metrics.exposition()

    http = HttpPort(settings.http_host, settings.http_port, exposition, lambda: why_unready(app.lanes))
    worker = _Worker(
        app,
        _HttpService(http),
        _LookoutService(Lookout(app.lanes, metrics, hold=rules.hold), pulse),
        quiet=True,
        override_logging=False,
        redirect_stdouts=False,
    )
    worker.spinner = None  # it writes escape sequences where a log is no terminal
    try:
        worker.execute_from_commandline()
    except SystemExit as end:
        if app.failure is None and end.code in (None, 0):
            return 0
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - Faust raises again what made it stop
        app.failure = app.failure or error
    finally:
        pulse.stop()
    failure = app.failure or app.crash_reason
    raise CommandFailed(f"the worker stopped: {in_words(failure)}" if failure else "the worker stopped, see its log")


def _checked(settings: Settings) -> topics.Checked:
    """The check of the topics, once a broker answers: one that is being restarted is waited for."""
    until = monotonic() + BROKER_SECONDS_MAX
    while True:
        try:
            return asyncio.run(_checked_now(settings))
        except NoBroker as error:
            if monotonic() > until:
                raise
            log.warning("%s; asking again", error)
            sleep(ASK_AGAIN_SECONDS)


async def _checked_now(settings: Settings) -> topics.Checked:
    await check_allowed(settings, User.WORKER)
    return await topics.check(settings)


def layer_settings(settings: Settings, partitions: int) -> LayerSettings:
    """What the exactly-once layer is given."""
    others = tuple(topic.name for topic in INPUTS if topic not in CONTROL_PLANE)
    return LayerSettings(
        brokers=settings.brokers,
        app_id=settings.app_id,
        partitions=partitions,
        control_plane_topics=tuple(topic.name for topic in CONTROL_PLANE),
        forwarded_topic=FORWARDED.name,
        other_topics=others,
        tables=TABLES,
        store=settings.store.value,
        store_age_seconds_max=TOMBSTONE_MS / 1000 - TOMBSTONE_MARGIN_SECONDS,
        data_dir=settings.data_dir,
        fetch_wait_ms=settings.fetch_wait_ms,
        lane_records_max=settings.lane_records_max,
        lane_bytes_max=settings.lane_bytes_max,
        batch_records_max=settings.batch_records_max,
        transaction_seconds_max=settings.transaction_seconds_max,
        stall_seconds_max=settings.stall_seconds_max,
        session_timeout_seconds=settings.session_timeout_seconds,
        client_security=client_security(settings),
        group_instance_id=settings.instance_id,
    )


def why_unready(lanes: Lanes) -> str | None:
    """What /readyz says: None, or a line for each lane that is not ready."""
    found = lanes.status()
    lines = [
        f"lane {lane.partition}: {lane.state}"
        + (
            f", {lane.restored_records} of {lane.restore_records_total} records restored"
            if lane.restore_records_total
            else ""
        )
        for lane in found
        if lane.state is not LaneState.RUNNING
    ] + [
        f"lane {lane.partition}: still for {lane.still_for_seconds:.0f} s with {lane.waiting_records} records"
        for lane in found
        if lane.still_for_seconds > STILL_SECONDS_MAX
    ]
    if not lines and not lanes.ready:
        lines = ["no assignment yet"]
    return "\n".join(lines) or None


class _Observer:
    """Hands what the layer tells to the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def committed(self, partition: int, *, seconds: float, ages: Ages, effects: Effects) -> None:
        self._metrics.add(effects.tally, effects.samples)
        self._metrics.transaction(partition, TransactionEnd.COMMITTED, seconds=seconds, ages=ages)

    def aborted(self, partition: int) -> None:
        self._metrics.transaction(partition, TransactionEnd.ABORTED)

    def fenced(self, partition: int) -> None:
        self._metrics.transaction(partition, TransactionEnd.FENCED)

    def restored(self, *, partitions: int, records: int, seconds: float) -> None:
        self._metrics.restored(records=records, seconds=seconds)
        gc.collect()
        gc.freeze()  # what was restored lives on: let no collection walk it again

    def lane_lost(self, partition: int) -> None:
        self._metrics.lane_lost(partition)


class _HttpService(Service):
    """The HTTP port, up before the app and down after it."""

    logger = SERVICE_LOG

    def __init__(self, http: HttpPort, **kwargs: Any) -> None:
        self._http = http
        super().__init__(**kwargs)

    async def on_start(self) -> None:
        port = await self._http.start()
        log.info("health and metrics on port %d", port)

    async def on_stop(self) -> None:
        await self._http.stop()


class _LookoutService(Service):
    """Keeps the lookout looking, and the pulse beating."""

    logger = SERVICE_LOG

    def __init__(self, lookout: Lookout, pulse: Pulse, **kwargs: Any) -> None:
        self._lookout = lookout
        self._pulse = pulse
        super().__init__(**kwargs)

    @Service.task
    async def _look(self) -> None:
        while not self.should_stop:
            self._pulse.beat()
            self._lookout.look()
            await self.sleep(LOOK_SECONDS)

    @Service.task
    async def _ask(self) -> None:
        while not self.should_stop:
            await self.sleep(ASK_SECONDS)
            await self._lookout.ask()

    @Service.task
    async def _walk(self) -> None:
        while not self.should_stop:
            await self.sleep(self._lookout.walk())


class _Worker(FaustWorker):
    """Faust's worker, which says nothing of its own and is gone in time after a signal."""

    def _schedule_shutdown(self, signal: Any) -> None:
        super()._schedule_shutdown(signal)
        self.loop.call_later(STOP_SECONDS_MAX, _give_up)

    async def stop(self) -> None:
        """As mode's, and whatever made it stop, it is over in time: a broker that is away must not hold up a new start."""
        self.loop.call_later(STOP_SECONDS_MAX, _give_up)
        await super().stop()

    def on_init_dependencies(self) -> Any:
        return [*self.services, *super().on_init_dependencies()]

    def _setproctitle(self, *_: Any, **__: Any) -> None:
        """Nothing: the process keeps the name it was started with."""


def _give_up() -> None:
    log.error(
        "did not stop in order within %.0f s: leaving; the next owner of the lanes fences this one", STOP_SECONDS_MAX
    )
    logging.shutdown()
    os._exit(1)
