"""The task of every process that gives changes their positions, and hears when others did."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import asyncpg

from adapters.poll_loop import PollLoop
from adapters.postgres.db.pool import SESSION_SETTINGS
from adapters.postgres.db.unit_of_work import PostgresUnits
from adapters.postgres.db.urls import for_asyncpg
from adapters.postgres.inventory.repositories.change_feed import CHANNEL

BATCH: Final = 1000
POLL_S: Final = 1.0
"""The interval of polling, for rows of a process that died, or of one without a relay."""
PAUSE_S: Final = 0.03
"""Between two rounds: under much traffic, many changes share one."""
RETRY_S: Final = 1.0


class Relay:
    """Relays after each of its own process's changes; calls `listeners` when the feed has grown."""

    def __init__(
        self, units: PostgresUnits, url: str, *, aside: PostgresUnits | None = None
    ) -> None:
        """`aside` are connections that requests do not use: under a flood, these wait in vain."""
        self._units = aside or units
        self._url = url
        self._rounds = PollLoop("relay", self._relay, every_s=POLL_S, pause_s=PAUSE_S)
        self.listeners: list[Callable[[], None]] = []
        units.after_stock_change.append(lambda _: self._rounds.wake())

    async def caught_up(self) -> None:
        """Until everything that was committed before this has its position."""
        await self._rounds.poll()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        listening = asyncio.create_task(self._listen(), name="listen")
        try:
            async with self._rounds:
                yield
        finally:
            listening.cancel()
            await asyncio.wait({listening})

    async def _relay(self) -> None:
        moved = BATCH
        while moved == BATCH:
            async with self._units.begin() as unit:
                moved = await unit.inventory.change_feed.relay(BATCH)
            if moved:
                self._hear()

    async def _listen(self) -> None:
        """One connection that only wakes us up; without it the clock still does."""
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._listen_until_lost()
            await asyncio.sleep(RETRY_S)

    async def _listen_until_lost(self) -> None:
        lost = asyncio.Event()
        connection = await asyncpg.connect(for_asyncpg(self._url), server_settings=SESSION_SETTINGS)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._hear)
            await lost.wait()
        finally:
            connection.terminate()

    def _hear(self, *_: Any) -> None:
        for listener in self.listeners:
            listener()
