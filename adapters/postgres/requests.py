"""Requests that were answered: kept in the same transaction as what they did."""

from datetime import datetime
from typing import Any, Final, TypeVar

import asyncpg
import msgspec

from domain.refusals import Conflict, Invalid
from service.ports import RequestKey

T = TypeVar("T")


class KeyReused(Invalid):
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key already stands for a different request.")


class InProgress(Conflict):
    code = "in_progress"

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running.")


CLAIM: Final = """
    insert into requests (principal, key, digest, created_at) values ($1, $2, $3, $4)
    on conflict do nothing returning true
"""
FIRST: Final = "select digest, answer from requests where principal = $1 and key = $2"
ANSWER: Final = "update requests set answer = $3 where principal = $1 and key = $2"
WITHDRAW: Final = "delete from requests where principal = $1 and key = $2"
FORGET: Final = "delete from requests where created_at < $1"


class PostgresRequests:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def claim(self, key: RequestKey | None, kind: type[T]) -> T | None:
        if key is None:
            return None
        try:
            ours = await self._connection.fetchval(
                CLAIM, key.principal, key.key, key.digest, self._now
            )
        except asyncpg.LockNotAvailableError:
            raise InProgress from None
        if ours:
            return None
        first = await self._connection.fetchrow(FIRST, key.principal, key.key)
        if first is None or first["answer"] is None:
            raise InProgress
        if first["digest"] != key.digest:
            raise KeyReused
        key.replayed = True
        return msgspec.json.decode(first["answer"], type=kind)

    async def answer(self, key: RequestKey | None, value: object) -> None:
        if key is not None:
            answer = msgspec.json.encode(value)
            await self._connection.execute(ANSWER, key.principal, key.key, answer)

    async def withdraw(self, key: RequestKey | None) -> None:
        if key is not None:
            await self._connection.execute(WITHDRAW, key.principal, key.key)

    async def forget(self, before: datetime) -> None:
        await self._connection.execute(FORGET, before)
