"""What may go wrong in the middle of a unit, made to go wrong at one statement of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

import asyncpg

from adapters.postgres.db.pool import ConnectionPool


class Fault(StrEnum):
    UNDONE = "a deadlock that PostgreSQL ends by undoing this unit"
    KILLED = "the connection is cut"
    RAISED = "the process stumbles"
    UNHEARD = "the commit is done, and nobody hears of it"


class Stumble(Exception):
    pass


class Faults:
    """One fault at a time, at the statement with a number, once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: tuple[Fault, int] | None = None
        self.struck: Fault | None = None

    def arm(self, fault: Fault | None, statement: int) -> None:
        self._waiting = (fault, statement) if fault else None
        self.struck = None

    async def before_statement(self, raw: Any) -> None:
        if self._waiting is None or self._waiting[0] is Fault.UNHEARD:
            return
        fault, left = self._waiting
        self._waiting = (fault, left - 1) if left else None
        if self._waiting is None:
            await self._strike(fault, raw)

    def after_commit(self) -> None:
        if self._waiting and self._waiting[0] is Fault.UNHEARD:
            self._waiting, self.struck = None, Fault.UNHEARD
            raise Stumble

    async def _strike(self, fault: Fault, raw: Any) -> None:
        self.struck = fault
        if fault is Fault.UNDONE:
            raise asyncpg.DeadlockDetectedError("made to happen")
        if fault is Fault.RAISED:
            raise Stumble
        other = await asyncpg.connect(self._url)
        try:
            await other.execute("select pg_terminate_backend($1, 5000)", raw.get_server_pid())
        finally:
            await other.close()


class Fragile:
    """A connection whose statements may be met by a fault."""

    def __init__(self, raw: Any, faults: Faults) -> None:
        self._raw = raw
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    async def _said(self, name: str, *args: Any, **more: Any) -> Any:
        await self._faults.before_statement(self._raw)
        return await getattr(self._raw, name)(*args, **more)

    async def execute(self, *args: Any, **more: Any) -> Any:
        return await self._said("execute", *args, **more)

    async def fetch(self, *args: Any, **more: Any) -> Any:
        return await self._said("fetch", *args, **more)

    async def fetchrow(self, *args: Any, **more: Any) -> Any:
        return await self._said("fetchrow", *args, **more)

    async def fetchval(self, *args: Any, **more: Any) -> Any:
        return await self._said("fetchval", *args, **more)

    async def copy_records_to_table(self, *args: Any, **more: Any) -> Any:
        return await self._said("copy_records_to_table", *args, **more)

    def transaction(self) -> Any:
        return _Transaction(self._raw.transaction(), self._faults)


class _Transaction:
    def __init__(self, inner: Any, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    async def __aenter__(self) -> Any:
        return await self._inner.__aenter__()

    async def __aexit__(self, *trouble: object) -> Any:
        await self._inner.__aexit__(*trouble)
        if trouble[0] is None:
            self._faults.after_commit()


class FragileConnections(ConnectionPool):
    """The shop's own pool, whose connections are met by `faults`."""

    def __init__(self, url: str, faults: Faults) -> None:
        super().__init__(url, max_size=4)
        self._faults = faults

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        async with super().acquire() as raw:
            yield Fragile(raw, self._faults)
