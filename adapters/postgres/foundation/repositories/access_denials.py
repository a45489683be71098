"""Access denials: requests for another owner's resource."""

from datetime import datetime
from typing import Any, Final

from adapters.postgres.db.statements import Statement
from domain.foundation.callers import Caller

NOTE: Final = Statement("""
    insert into access_denials (caller, role, operation, resource, denied_at)
    values (:caller, :role, :operation, :resource, :now)
""")
TURN: Final = Statement("select pg_advisory_xact_lock(hashtext(:turn))")
COUNT: Final = Statement("""
    select count(*) from access_denials where caller = :caller and resource = :resource
        and denied_at > :since
""")
FORGET: Final = Statement("""
    with gone as (
        delete from access_denials
        where id in (select id from access_denials where denied_at < :before
        order by denied_at limit :limit)
        returning true
    )
    select count(*) from gone
""")


class PostgresAccessDenials:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def add(self, caller: Caller, operation: str, thing: str) -> None:
        await self._connection.execute(
            *NOTE(
                caller=caller.id,
                role=caller.role.value,
                operation=operation,
                resource=thing,
                now=self._now,
            )
        )

    async def count(self, caller: Caller, thing: str, *, since: datetime) -> int:
        await self._connection.execute(*TURN(turn=f"{thing} {caller.id}"))
        query = COUNT(caller=caller.id, resource=thing, since=since)
        return int(await self._connection.fetchval(*query))

    async def purge(self, before: datetime, limit: int) -> int:
        gone: int = await self._connection.fetchval(*FORGET(before=before, limit=limit))
        return gone
