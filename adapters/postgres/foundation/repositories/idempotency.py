"""Idempotency keys: the first answers, stored in the same transaction as their effects."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import asyncpg
import msgspec

from adapters.postgres.db.columns import columns
from adapters.postgres.db.statements import Statement
from domain.kernel.errors import Conflict, DomainError, Invalid, TransactionConflict
from service.foundation.ports import IdempotencyKey

T = TypeVar("T")


class KeyReused(Invalid):
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key belongs to a different request.")


class InProgress(Conflict):
    code = "in_progress"

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running.")


RETRY: Final = "The same request is running; retry with the same Idempotency-Key."
TURN: Final = "hashtextextended({principal} || chr(10) || {key}, 0)"
"""The advisory lock of a key is taken before any other lock: so a request that waits for a key has
locked nothing that the key's holder waits for."""
CLAIM: Final = Statement(f"""
    with turn as materialized (
        select pg_advisory_xact_lock({TURN.format(principal=":principal::text", key=":key::text")})
    )
    insert into idempotency_keys (principal, key, digest, created_at)
    select :principal, :key, :digest, :now
    from turn
    on conflict do nothing returning true
""")
FIRST: Final = Statement(
    "select digest, response from idempotency_keys where principal = :principal and key = :key"
)
ANSWER: Final = Statement(
    "update idempotency_keys set response = :response where principal = :principal and key = :key"
)
WITHDRAW: Final = Statement(
    "delete from idempotency_keys where principal = :principal and key = :key"
)
FORGET: Final = Statement("""
    with gone as (
        delete from idempotency_keys where (principal, key) in (
            select principal, key from idempotency_keys where created_at < :before
            order by created_at limit :limit
        )
        returning true
    )
    select count(*) from gone
""")


FIRST_OF_ALL: Final = Statement(f"""
    select pg_try_advisory_xact_lock({TURN.format(principal="principal", key="key")}) as ours,
        digest, response
    from unnest(:principals::text[], :keys::text[]) with ordinality as asked (principal, key, place)
    left join idempotency_keys using (principal, key)
    order by place
""")
"""The previous holder of the lock may have answered unseen: then the answer is not stored twice."""
REMEMBER: Final = Statement("""
    insert into idempotency_keys (principal, key, digest, response, created_at)
    select principal, key, digest, response, :now
    from unnest(:principals::text[], :keys::text[], :digests::bytea[], :responses::bytea[])
        as given (principal, key, digest, response)
    order by principal, key
    on conflict do nothing
""")


class PostgresIdempotencyStore:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def claim(self, key: IdempotencyKey | None, kind: type[T]) -> T | None:
        if key is None:
            return None
        try:
            ours = await self._connection.fetchval(
                *CLAIM(principal=key.principal, key=key.key, digest=key.digest, now=self._now)
            )
        except asyncpg.LockNotAvailableError:
            raise InProgress from None
        if ours:
            return None
        first = _first(
            key, await self._connection.fetchrow(*FIRST(principal=key.principal, key=key.key)), kind
        )
        if isinstance(first, DomainError):
            raise first
        return first

    async def get_answers(
        self, keys: Sequence[IdempotencyKey], kind: type[T]
    ) -> list[T | DomainError | None]:
        names = columns([key.name for key in keys], 2)
        rows = await self._connection.fetch(*FIRST_OF_ALL(*names))
        return [_found(key, row, kind) for key, row in zip(keys, rows, strict=True)]

    async def save_answers(self, answers: Sequence[tuple[IdempotencyKey, object]]) -> None:
        if not answers:
            return
        rows = [
            (key.principal, key.key, key.digest, msgspec.json.encode(value))
            for key, value in answers
        ]
        done = await self._connection.execute(*REMEMBER(*columns(rows, 4), now=self._now))
        if int(done.rpartition(" ")[2]) < len(rows):
            raise TransactionConflict(RETRY)

    async def save_answer(self, key: IdempotencyKey | None, value: object) -> None:
        if key is not None:
            query = ANSWER(*key.name, response=msgspec.json.encode(value))
            await self._connection.execute(*query)

    async def release(self, key: IdempotencyKey | None) -> None:
        if key is not None:
            await self._connection.execute(*WITHDRAW(principal=key.principal, key=key.key))

    async def purge(self, before: datetime, limit: int) -> int:
        gone: int = await self._connection.fetchval(*FORGET(before=before, limit=limit))
        return gone


def _found(key: IdempotencyKey, row: Any, kind: type[T]) -> T | DomainError | None:
    """Returns the first answer, None without one, or an error while a request is in progress."""
    if not row["ours"]:
        return TransactionConflict("The first request with this Idempotency-Key is running.")
    return _first(key, row, kind) if row["digest"] is not None else None


def _first(key: IdempotencyKey, row: Any, kind: type[T]) -> T | DomainError:
    """The answer that a row remembers, or why it cannot be given."""
    if row is None or row["response"] is None:
        return InProgress()
    if row["digest"] != key.digest:
        return KeyReused()
    key.replayed = True
    return msgspec.json.decode(row["response"], type=kind)
