"""Work that one task repeats: at once on request, and by the clock as a fallback."""

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

    At least `pause_s` seconds pass between two rounds, so that one round handles many events.
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
        self._interval_seconds = every_s
        self._min_interval_seconds = pause_s
        self._wake_up = asyncio.Event()
        self._next_run: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        return self._task is not None

    def wake(self) -> None:
        """Let a round begin as soon as it can."""
        self._wake_up.set()

    async def poll(self) -> None:
        """Wait for a round that begins after this; all who ask meanwhile share it.

        Raises:
            Unavailable: it went wrong.
        """
        if self._task is None:
            await self._work()
            return
        if self._next_run is None:
            self._next_run = asyncio.get_running_loop().create_future()
            self._wake_up.set()
        await asyncio.shield(self._next_run)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=self._name)
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
        if self._next_run:
            self._next_run.cancel()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval_seconds):
                    await self._wake_up.wait()
            self._wake_up.clear()
            awaited, self._next_run = self._next_run, None
            try:
                await self._work()
            except asyncio.CancelledError:
                _resolve(awaited, Unavailable("The service is stopping."))
                raise
            except Unavailable as trouble:
                log.info("poll postponed", round=self._name)
                _resolve(awaited, trouble)
            except Exception as trouble:
                log.exception("poll failed", round=self._name)
                _resolve(awaited, trouble)
            else:
                _resolve(awaited, None)
            if self._min_interval_seconds:
                await asyncio.sleep(self._min_interval_seconds)


def _resolve(awaited: asyncio.Future[None] | None, trouble: Exception | None) -> None:
    if awaited is None or awaited.done():
        return
    if trouble:
        awaited.set_exception(trouble)
        awaited.exception()  # the caller may have left: mark it as retrieved
    else:
        awaited.set_result(None)
