"""Access denials: requests for another owner's resource."""

from datetime import datetime
from typing import Any, Final

from domain.foundation.callers import Caller

NOTE: Final = """
    insert into access_denials (caller, role, operation, resource, denied_at)
    values ($1, $2, $3, $4, $5)
"""
TURN: Final = "select pg_advisory_xact_lock(hashtext($1))"
COUNT: Final = """
    select count(*) from access_denials where caller = $1 and resource = $2 and denied_at > $3
"""
FORGET: Final = """
    with gone as (
        delete from access_denials
        where id in (select id from access_denials where denied_at < $1 order by denied_at limit $2)
        returning true
    )
    select count(*) from gone
"""


class PostgresAccessDenials:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, caller: Caller, operation: str, thing: str) -> None:
        await self._connection.execute(
            NOTE, caller.id, caller.role.value, operation, thing, self._now
        )

    async def count(self, caller: Caller, thing: str, *, since: datetime) -> int:
        await self._connection.execute(TURN, f"{thing} {caller.id}")
        tries: int = await self._connection.fetchval(COUNT, caller.id, thing, since)
        return tries

    async def purge(self, before: datetime, limit: int) -> int:
        gone: int = await self._connection.fetchval(FORGET, before, limit)
        return gone
