"""Work that one task repeats: at once when somebody asks for it, and by the clock as a net."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog

from domain.kernel.errors import Unavailable

log = structlog.get_logger("hylla")


class PollLoop:
    """Repeats `work` while it is open; rounds never overlap.

    Between two of them lie at least `pause_s`, so that much that happens is seen to at once.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        every_s: float,
        pause_s: float = 0.0,
    ) -> None:
        self._name = name
        self._work = work
        self._every_s = every_s
        self._pause_s = pause_s
        self._wanted = asyncio.Event()
        self._awaited: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        return self._task is not None

    def nudge(self) -> None:
        """Let a round begin as soon as it can."""
        self._wanted.set()

    async def poll(self) -> None:
        """Wait for a round that begins after this; all who ask meanwhile share it.

        Raises:
            Busy: it went wrong.
        """
        if self._task is None:
            await self._work()
            return
        if self._awaited is None:
            self._awaited = asyncio.get_running_loop().create_future()
            self._wanted.set()
        await asyncio.shield(self._awaited)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._repeat(), name=self._name)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        assert task is not None, "opened once, closed once"
        task.cancel()
        await asyncio.wait({task})
        if self._awaited:
            self._awaited.cancel()

    async def _repeat(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._wanted.wait()
            self._wanted.clear()
            awaited, self._awaited = self._awaited, None
            try:
                await self._work()
            except asyncio.CancelledError:
                _tell(awaited, Unavailable("The service is stopping."))
                raise
            except Unavailable as trouble:
                log.info("round waits", round=self._name)
                _tell(awaited, trouble)
            except Exception as trouble:
                log.exception("round failed", round=self._name)
                _tell(awaited, trouble)
            else:
                _tell(awaited, None)
            if self._pause_s:
                await asyncio.sleep(self._pause_s)


def _tell(awaited: asyncio.Future[None] | None, trouble: Exception | None) -> None:
    if awaited is None or awaited.done():
        return
    if trouble:
        awaited.set_exception(trouble)
        awaited.exception()  # who asked may have left; then nobody else would look
    else:
        awaited.set_result(None)
