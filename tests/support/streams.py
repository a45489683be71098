"""A client of a stream, as a browser's EventSource is one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from msgspec import Struct

PATIENCE_S = 10


class Event(Struct):
    kind: str
    id: int | None
    data: Any

    @property
    def quantity(self) -> tuple[str, str, int | None]:
        return (self.data["sku"], self.data["store"], self.data["quantity"])


class Listener:
    """Remembers, as EventSource does, the id of the last event it has read."""

    def __init__(self, answer: httpx.Response, cursor: str) -> None:
        self.answer = answer
        self.cursor = cursor
        self._lines = answer.aiter_lines()

    async def next(self) -> Event:
        """The next event; an empty one at the end of the stream."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._event()

    async def take(self, many: int) -> list[Event]:
        return [await self.next() for _ in range(many)]

    async def comment(self) -> None:
        """Wait for a line that says nothing."""
        async with asyncio.timeout(PATIENCE_S):
            async for line in self._lines:
                if line.startswith(":"):
                    return
            raise AssertionError("the stream ended without a comment")

    async def _event(self) -> Event:
        event = Event("", None, None)
        async for line in self._lines:
            name, _, value = line.partition(": ")
            match name:
                case "id":
                    event.id, self.cursor = int(value), value
                case "event":
                    event.kind = value
                case "data":
                    event.data = msgspec.json.decode(value)
                case "" if event.kind:
                    return event
        return Event("", None, None)


@asynccontextmanager
async def listening(
    address: str, headers: dict[str, str], query: str = "", cursor: str = ""
) -> AsyncIterator[Listener]:
    bearer = headers | ({"Last-Event-ID": cursor} if cursor else {})
    async with (
        httpx.AsyncClient(timeout=None, verify=False) as client,
        client.stream("GET", f"{address}/v1/availability/stream{query}", headers=bearer) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        yield Listener(answer, cursor)
