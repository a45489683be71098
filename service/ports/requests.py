"""Requests that are answered once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from msgspec import Struct

from domain.refusals import Refusal

T = TypeVar("T")


class RequestKey(Struct):
    """An Idempotency-Key: whose, and what was asked with it.

    `replayed` is set by `Requests.claim` when the first answer is given again.
    """

    principal: str
    key: str
    digest: bytes
    replayed: bool = False

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from all others."""
        return self.principal, self.key


class Requests(Protocol):
    async def claim(self, key: RequestKey | None, kind: type[T]) -> T | None:
        """The first answer to `key`, or None: then the work is ours. A rival waits here.

        Without a key there is nothing to remember, and the work is ours.

        Raises:
            KeyReused: the key already stands for a different request.
            InProgress: the first request with it is still running.
        """

    async def firsts(self, keys: Sequence[RequestKey], kind: type[T]) -> list[T | Refusal | None]:
        """The first answer to each, the refusal, or None where nobody has asked it yet.

        Nobody waits: what is under way elsewhere is GaveWay. The others are ours until the unit
        ends, and whoever then does the work must `remember` its answers in it.
        """

    async def remember(self, answers: Sequence[tuple[RequestKey, object]]) -> None:
        """Keep the answers to requests that nobody had asked before, with their effects.

        Raises:
            GaveWay: somebody has asked one of them meanwhile; the unit has done nothing.
        """

    async def answer(self, key: RequestKey | None, value: object) -> None:
        """Remember `value` as the answer to `key`, in the same unit as its effect."""

    async def withdraw(self, key: RequestKey | None) -> None:
        """Let a claimed key be tried again, where a unit ends well without its effect."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Give first answers older than that no longer, `limit` at a time; how many those were."""
