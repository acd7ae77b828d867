"""Faust's table manager and recovery service, with the take-over in place of its own restore: fence, restore, seek, resume."""

from __future__ import annotations

import asyncio
import logging
from functools import cached_property
from typing import Any, cast

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from mode import Service

from app.exactly_once.consumer import BatchConsumer
from app.exactly_once.lane_app import LaneApp
from app.exactly_once.layer import SERVICE_LOG

__all__ = ["LaneRecovery", "LaneTableManager"]

log = logging.getLogger(__name__)


class LaneRecovery(Recovery):
    """Begins a take-over at each assignment, and gives it up when the next rebalance begins."""

    logger = SERVICE_LOG
    _take_over: asyncio.Task[None] | None = None

    def on_partitions_revoked(self, revoked: Any) -> None:
        """A rebalance begins (or the worker stops): whatever is being taken over is given up."""
        if self._take_over is not None:
            self._take_over.cancel()

    @Service.task
    async def _restart_recovery(self) -> None:
        app = cast(LaneApp, self.app)
        while not self.should_stop:
            if await self.wait_for_stopped(self.signal_recovery_start):
                return
            self.signal_recovery_start.clear()
            await app.lanes.release()
            self._take_over = asyncio.create_task(self._run(self._generation_id))
            try:
                await self._take_over
            except asyncio.CancelledError:
                if self.should_stop or asyncio.current_task().cancelling():  # type: ignore[union-attr]
                    raise
                log.info("the take-over is given up: another rebalance began")
            except Exception as error:  # noqa: BLE001 - whatever it is, the process starts over
                app.crash_soon(error)
                return

    async def _run(self, generation: int) -> None:
        app = cast(LaneApp, self.app)
        consumer = cast(BatchConsumer, app.consumer)
        await app.on_rebalance_complete.send()
        assigned = consumer.assignment()
        if app.consumer_generation_id != generation:
            return
        await app.lanes.take_over(assigned, consumer)
        if app.consumer_generation_id != generation:
            await app.lanes.release()
            return
        self.completed.set()
        app.flow_control.resume()
        consumer.resume_flow()
        await app._fetcher.maybe_start()
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        app.on_rebalance_end()


class LaneTableManager(TableManager):
    """Faust's table manager, which does not consume changelogs: the take-over reads them."""

    logger = SERVICE_LOG

    @cached_property
    def recovery(self) -> LaneRecovery:
        """Our recovery service."""
        self._recovery = LaneRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

    async def _update_channels(self) -> None:
        """As Faust's, without subscribing to the changelogs."""
        self._tables_finalized.set()
        for table in self.values():
            await table.maybe_start()
        self._tables_registered.set()
