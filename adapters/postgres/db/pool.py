"""The connection pool of a process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from adapters.postgres.db.urls import for_asyncpg

Connection = Any
"""An asyncpg connection; the library has no types."""

SESSION_SETTINGS: Final = {
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "application_name": "hylla",
}
ACQUIRE_TIMEOUT_SECONDS: Final = 10
"""How long to wait for a connection while all are in use."""


class ConnectionPool:
    """Opens the pool in the event loop that first needs it."""

    def __init__(self, url: str, max_size: int) -> None:
        self._url = for_asyncpg(url)
        self._max_size = max_size
        self._pool: Any = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A connection for as long as it is needed; one that the server has closed is replaced.

        Raises:
            TimeoutError: no connection is free in time.
        """
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                self._url,
                min_size=0,
                max_size=self._max_size,
                max_inactive_connection_lifetime=0,
                server_settings=SESSION_SETTINGS,
                reset=_no_reset,
            )
        async with asyncio.timeout(ACQUIRE_TIMEOUT_SECONDS):
            connection = await self._pool.acquire()
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()


def connect(url: str, *, pool_size: int = 16) -> ConnectionPool:
    """A pool of up to `pool_size` connections, each opened when it is first needed."""
    return ConnectionPool(url, pool_size)


def is_lost(connection: Connection) -> bool:
    """Whether the connection is closed, or has returned to the pool."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool has released it already
        return True


async def _no_reset(_: Connection) -> None:
    """A unit leaves nothing in its session: its settings end with its transaction."""
