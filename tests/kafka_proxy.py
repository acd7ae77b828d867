"""A network between a client and a broker that can be told to misbehave: it knows where a Kafka request begins and ends.

Requests are told by their kind, which stands in their first two bytes. What happens to one is asked for before it comes:

    lost = proxy.hold(Kind.END_TXN)      # the next one stays in the network, and the client's connection breaks
    await lost.caught
    await lost.arrives()                 # and later it comes to the broker, as if it had never been repeated

The broker must advertise the proxy's address (`Proxied`), or clients would go past it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import Final

from tests.kafka_broker import Broker
from tests.kafka_cluster import free_ports

__all__ = ["Gate", "Held", "Kind", "Proxy", "proxied_broker"]

ANSWER_SECONDS_MAX: Final = 30.0


class Kind(IntEnum):
    """A request's API key."""

    PRODUCE = 0
    FETCH = 1
    FIND_COORDINATOR = 10
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    TXN_OFFSET_COMMIT = 28


class Held:
    """A request that stays in the network: its client's connection is broken, the one to the broker is not."""

    def __init__(self) -> None:
        self.caught = asyncio.get_running_loop().create_future()
        self._frame = b""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    def catch(self, frame: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Called by the proxy."""
        self._frame, self._reader, self._writer = frame, reader, writer
        self.caught.set_result(None)

    async def arrives(self) -> bytes:
        """Let it come to the broker; returns the answer, which nobody waits for any more."""
        assert self._reader is not None
        assert self._writer is not None
        correlation_id = self._frame[8:12]
        self._writer.write(self._frame)
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                while (answer := await read_frame(self._reader))[4:8] != correlation_id:
                    pass
        finally:
            self._writer.close()
        return answer[8:]


class Gate:
    """A request that waits, with its connection whole, until the gate is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._opened = asyncio.Event()

    async def pass_through(self) -> None:
        """Called by the proxy."""
        self.reached.set()
        await self._opened.wait()

    def open(self) -> None:
        """Let it go on."""
        self._opened.set()


class Proxy:
    """Listens on `port` of the loopback and hands everything to `broker_port`, unless told otherwise."""

    def __init__(self, port: int, broker_port: int) -> None:
        self.port = port
        self.seen: Counter[int] = Counter()
        """Requests, by kind."""
        self.delays: dict[int, float] = {}
        """Seconds that requests of a kind take longer, as long as they stand here."""
        self._broker_port = broker_port
        self._orders: dict[Kind, deque[Held | Gate | None]] = {kind: deque() for kind in Kind}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Break all connections."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hold(self, kind: Kind) -> Held:
        """The next request of the kind stays in the network."""
        held = Held()
        self._orders[kind].append(held)
        return held

    def gate(self, kind: Kind) -> Gate:
        """The next request of the kind waits."""
        gate = Gate()
        self._orders[kind].append(gate)
        return gate

    def lose_answer(self, kind: Kind) -> None:
        """The next request of the kind is carried out; its answer is lost with the client's connection."""
        self._orders[kind].append(None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._carry(reader, writer)
        writer.close()
        self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self._broker_port)
        lost: set[bytes] = set()
        answers = asyncio.create_task(_answers(from_broker, writer, lost))
        kept = False
        try:
            while True:
                frame = await read_frame(reader)
                kind = int.from_bytes(frame[4:6], "big")
                self.seen[kind] += 1
                await asyncio.sleep(self.delays.get(kind, 0))
                orders = self._orders.get(kind)  # type: ignore[call-overload]
                order = orders.popleft() if orders else ...
                if order is None:
                    lost.add(frame[8:12])
                elif isinstance(order, Gate):
                    await order.pass_through()
                elif isinstance(order, Held):
                    kept = True
                    await _cancelled(answers)
                    order.catch(frame, from_broker, to_broker)
                    return
                to_broker.write(frame)
        finally:
            await _cancelled(answers)
            if not kept:
                to_broker.close()


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """A whole message with its length: length, then for requests kind, version, correlation id."""
    length = await reader.readexactly(4)
    return length + await reader.readexactly(int.from_bytes(length, "big"))


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: set[bytes]) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        while (frame := await read_frame(reader))[4:8] not in lost:
            writer.write(frame)
    writer.close()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def proxied_broker(folder: Path) -> AsyncIterator[tuple[Broker, Proxy]]:
    """A broker with a listener for the proxy beside its own; `Broker.address` goes past the proxy."""
    own, hidden, proxied = free_ports(3)
    extra = (
        f"listeners=PLAINTEXT://127.0.0.1:{own},CONTROLLER://127.0.0.1:{own + 1},PROXIED://127.0.0.1:{hidden}\n"
        f"advertised.listeners=PLAINTEXT://127.0.0.1:{own},PROXIED://127.0.0.1:{proxied}\n"
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT\n"
    )
    broker = Broker(folder, AUTOREFUND_KAFKA_BY="java", AUTOREFUND_KAFKA_PORT=str(own), AUTOREFUND_KAFKA_EXTRA=extra)
    proxy = Proxy(proxied, hidden)
    await asyncio.to_thread(broker.start)
    try:
        await proxy.start()
        yield broker, proxy
        await proxy.stop()
    finally:
        await asyncio.to_thread(broker.wipe)
