"""Rivals made to meet: somebody keeps a row until all of them wait for it, and then lets go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.postgres.db.pool import ConnectionPool
from adapters.postgres.db.unit_of_work import PostgresUnits
from domain.kernel.errors import Locked
from tests.support.shop import Shop

WAITING = """
    select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
"""
DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"
CONNECTED = "select count(*) from pg_stat_activity where pid = any($1::int[])"
SHELVES = "select from stock_levels for update"
PATIENT = "set local deadlock_timeout = '60s'"
"""Whoever waits like this never notices a deadlock first, so that it is the other who is undone."""


@asynccontextmanager
async def keeping(shop: Shop, rows: str = SHELVES, *names: Any) -> AsyncIterator[Any]:
    """A connection that keeps these rows until the block ends."""
    async with shop.units.begin() as unit:
        await unit.connection.execute(PATIENT)
        await unit.connection.execute(rows, *names)
        yield unit.connection


async def all_wait(shop: Shop, many: int) -> None:
    """Until so many transactions wait for a lock."""
    async with shop.units.read() as unit, asyncio.timeout(10):
        while await unit.connection.fetchval(WAITING) < many:
            await asyncio.sleep(0.01)


async def is_free(shop: Shop, rows: str, *names: Any) -> bool:
    """Whether nobody keeps these rows: `select from …`."""
    try:
        async with shop.units.begin() as unit:
            await unit.connection.execute(f"{rows} for update nowait", *names)
    except Locked:
        return False
    return True


async def queue(shop: Shop, *rivals: Any) -> list[Any]:
    """Start rivals one after the other, each when the one before waits for a shelf; let them go.

    PostgreSQL serves those who wait for a row in the order in which they came.
    """
    started = []
    async with keeping(shop):
        for position, rival in enumerate(rivals, 1):
            started.append(asyncio.ensure_future(rival))
            await all_wait(shop, position)
    return list(await asyncio.gather(*started))


class Crew(ConnectionPool):
    """Connections such as other processes have, by their numbers."""

    def __init__(self, url: str, most: int) -> None:
        super().__init__(url, most)
        self.pids: set[int] = set()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        async with super().acquire() as raw:
            self.pids.add(raw.get_server_pid())
            yield raw


@asynccontextmanager
async def workers(shop: Shop, url: str, many: int) -> AsyncIterator[PostgresUnits]:
    """Units of as many processes; at the end they are gone, and all that they did is counted."""
    crew = Crew(url, many)
    try:
        yield PostgresUnits(crew)
    finally:
        await crew.close()
        async with asyncio.timeout(10):
            while await _told(shop, CONNECTED, crew.pids):
                await asyncio.sleep(0.01)


async def deadlocks(shop: Shop) -> int:
    """How often PostgreSQL has ended one in this database."""
    return await _told(shop, DEADLOCKS)


async def _told(shop: Shop, question: str, *asked: Any) -> int:
    async with shop.units.read() as unit:
        number: int = await unit.connection.fetchval(question, *asked)
    return number
