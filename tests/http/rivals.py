"""Rivals made to meet: somebody keeps a row until all of them wait for it, and then lets go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.http.shop import Shop

WAITING = """
    select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
"""
SHELVES = "select from stock for update"
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
