"""Batching: calls that arrive while another one runs are served together by the next run.

The rule stays in the use case, which takes many calls; a lone call waits for nothing. In a flash
sale the row is locked once for all its callers, instead of once for each. An error is the answer to
its own call alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

import structlog

from domain.kernel.errors import DomainError, Locked
from service.shared.retry import retry_on_conflict

log = structlog.get_logger("hylla.units")

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")


class Batcher(Generic[Ask, Answer]):
    """Batches single calls of a use case that takes many.

    `serve` returns a value or an exception for each call, in the order of the calls. `name`
    identifies calls that must not run together: a repeat waits for the next run.
    """

    def __init__(
        self,
        serve: Callable[[Sequence[Ask]], Awaitable[Sequence[Answer | Exception]]],
        name: Callable[[Ask], Hashable],
        *,
        most: int = 512,
    ) -> None:
        self._serve = serve
        self._name = name
        self._most = most
        self._waiting: list[tuple[Ask, asyncio.Future[Answer]]] = []
        self._round: asyncio.Task[None] | None = None

    @retry_on_conflict
    async def __call__(self, ask: Ask) -> Answer:
        """Returns the answer to one call. A cancelled caller does not disturb the others."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, answer))
        if self._round is None:
            self._round = asyncio.create_task(self._rounds())
        return await answer

    async def _rounds(self) -> None:
        try:
            while self._waiting:
                await self._serve_all(self._next())
        finally:
            self._round = None

    def _next(self) -> list[tuple[Ask, asyncio.Future[Answer]]]:
        """Those who are served together, in the order they came; the others go on waiting."""
        taken: dict[Hashable, tuple[Ask, asyncio.Future[Answer]]] = {}
        left = []
        for each in self._waiting:
            name = self._name(each[0])
            if name in taken or len(taken) == self._most:
                left.append(each)
            else:
                taken[name] = each
        self._waiting = left
        return list(taken.values())

    async def _serve_all(self, asked: list[tuple[Ask, asyncio.Future[Answer]]]) -> None:
        """Serves a batch; after an error of the whole batch, each call is served alone."""
        try:
            answers = await self._serve([ask for ask, _ in asked])
        except Exception as trouble:
            is_ones = isinstance(trouble, Locked) or not isinstance(trouble, DomainError)
            if is_ones and len(asked) > 1:
                log.exception("batch failed", asks=len(asked))
                await asyncio.gather(*(self._serve_all([one]) for one in asked))
                return
            answers = [trouble] * len(asked)
        for (_, future), answer in zip(asked, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
