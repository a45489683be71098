"""Retries a use case when PostgreSQL aborted its transaction.

PostgreSQL ends a deadlock by rolling back one of the transactions, which then has had no effect. A
retry is safe for a use case of one unit of work, and only for one: an earlier commit or a network
call in between must not happen twice. It is safe without an Idempotency-Key too. A lost answer to a
commit is no such case: there only a repeat with the same key is safe.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

import structlog

from domain.kernel.errors import TransactionConflict

MAX_TRIES: Final = 4
BASE_DELAY_SECONDS: Final = 0.05
"""The pause before a retry, so that the other transaction goes first."""

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger("hylla.units")


def retry_on_conflict(use_case: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Retries `use_case`, which opens one unit, up to MAX_TRIES times. Raises Unavailable."""

    @wraps(use_case)
    async def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(MAX_TRIES - 1):
            try:
                return await use_case(*args, **kwargs)
            except TransactionConflict:
                log.info("transaction retried", use_case=use_case.__qualname__)
                await asyncio.sleep(BASE_DELAY_SECONDS)
        return await use_case(*args, **kwargs)

    return tried
