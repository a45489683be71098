"""How long it takes until the last of many open streams has heard of a change."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from adapters.bench.figures import Sample, sample_of

PATIENCE_S: Final = 60
EVENT: Final = b"data: "


class Streams:
    """Open connections that do nothing but listen."""

    def __init__(self, port: int, path: str, headers: dict[str, str], many: int) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode()
        self._port = port
        self._many = many
        self._heard: set[asyncio.BaseTransport] = set()
        self._last = asyncio.Event()
        self._at = 0.0
        self._open: list[asyncio.BaseTransport] = []

    async def open(self, *, greeted: bool) -> None:
        """Connect; `greeted` streams begin with how things stand, which is waited for."""
        loop = asyncio.get_running_loop()
        for _ in range(self._many):
            transport, _ = await loop.create_connection(
                lambda: _Stream(self), "127.0.0.1", self._port
            )
            transport.write(self._request)
            self._open.append(transport)
        if greeted:
            async with asyncio.timeout(PATIENCE_S):
                await self._last.wait()
        await asyncio.sleep(1)

    async def took(self, change: Callable[[], Awaitable[float]]) -> float:
        """Milliseconds from the moment that `change` names until the last stream has heard."""
        self._heard.clear()
        self._last.clear()
        since = await change()
        async with asyncio.timeout(PATIENCE_S):
            await self._last.wait()
        return (self._at - since) * 1000

    def close(self) -> None:
        for transport in self._open:
            transport.close()

    def hear(self, transport: asyncio.BaseTransport, data: bytes) -> None:
        if EVENT not in data:
            return
        self._heard.add(transport)
        if len(self._heard) == self._many:
            self._at = time.perf_counter()
            self._last.set()


class _Stream(asyncio.Protocol):
    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._transport:
            self._streams.hear(self._transport, data)


async def broadcasts(
    streams: Streams, change: Callable[[], Awaitable[float]], seconds: float, *, greeted: bool
) -> Sample:
    """One change after the other, each when everybody has heard of the one before."""
    await streams.open(greeted=greeted)
    took: list[float] = []
    until = time.monotonic() + seconds
    while not took or time.monotonic() < until:
        took.append(await streams.took(change))
    streams.close()
    slow = sample_of(took, 0)
    return Sample(slow.p99_ms or 0.0, slow.p50_ms, slow.p99_ms)
