"""The stream benchmark: the time until the last of many open streams receives a change."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from adapters.bench.figures import Sample, to_sample

TIMEOUT_SECONDS: Final = 60
EVENT_PREFIX: Final = b"data: "


class StreamClients:
    """Open connections that do nothing but listen."""

    def __init__(self, port: int, path: str, headers: dict[str, str], many: int) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode()
        self._port = port
        self._count = many
        self._received: set[asyncio.BaseTransport] = set()
        self._all_received = asyncio.Event()
        self._last_received_at = 0.0
        self._open: list[asyncio.BaseTransport] = []

    async def open(self, *, greeted: bool) -> None:
        """Connects; a `greeted` stream begins with a snapshot, which is awaited."""
        loop = asyncio.get_running_loop()
        for _ in range(self._count):
            transport, _ = await loop.create_connection(
                lambda: _StreamProtocol(self), "127.0.0.1", self._port
            )
            transport.write(self._request)
            self._open.append(transport)
        if greeted:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._all_received.wait()
        await asyncio.sleep(1)

    async def measure(self, change: Callable[[], Awaitable[float]]) -> float:
        """Milliseconds from the moment that `change` names until the last stream has heard."""
        self._received.clear()
        self._all_received.clear()
        since = await change()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await self._all_received.wait()
        return (self._last_received_at - since) * 1000

    def close(self) -> None:
        for transport in self._open:
            transport.close()

    def on_data(self, transport: asyncio.BaseTransport, data: bytes) -> None:
        if EVENT_PREFIX not in data:
            return
        self._received.add(transport)
        if len(self._received) == self._count:
            self._last_received_at = time.perf_counter()
            self._all_received.set()


class _StreamProtocol(asyncio.Protocol):
    def __init__(self, streams: StreamClients) -> None:
        self._streams = streams
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._transport:
            self._streams.on_data(self._transport, data)


async def measure_broadcasts(
    streams: StreamClients, change: Callable[[], Awaitable[float]], seconds: float, *, greeted: bool
) -> Sample:
    """One change after the other, each when everybody has heard of the one before."""
    await streams.open(greeted=greeted)
    took: list[float] = []
    until = time.monotonic() + seconds
    while not took or time.monotonic() < until:
        took.append(await streams.measure(change))
    streams.close()
    slow = to_sample(took, 0)
    return Sample(slow.p99_ms or 0.0, slow.p50_ms, slow.p99_ms)
