"""A stop lets everybody finish: who streams hears of it and ends, instead of holding the server up.

A server waits for open answers before it goes, and an open stream never ends by itself. So the
signal that stops the server also sets `stopping`, on which every stream and job waits beside its
own work.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any, Final, TypeVar

T = TypeVar("T")
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
POLL_INTERVAL_SECONDS: Final = 1.0


def request_shutdown(number: int, frame: FrameType | None) -> None:
    """Handles a stop signal while no request is in progress: ends now and frees resources."""
    del number, frame
    raise SystemExit(0)


class Drain:
    """Whether this process is being stopped. Made inside the event loop that it serves."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()

    async def run_until_stopping(self, work: Awaitable[T]) -> T | None:
        """Returns the result of `work`, or None when the stop comes first and cancels `work`."""
        task, stop = asyncio.ensure_future(work), asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            for each in (task, stop):
                each.cancel()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Listen to the signals that stop a process, and pass them on to who listened before."""
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in SIGNALS}

        def stop(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.stopping.set)
            listener = before[signal.Signals(number)]
            if callable(listener) and listener is not request_shutdown:
                listener(number, frame)

        for number in SIGNALS:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, listener in before.items():
                signal.signal(number, listener)


@asynccontextmanager
async def draining() -> AsyncIterator[Drain]:
    """A drain for as long as the application lives; in a test's thread it hears no signals."""
    drain = Drain()
    if threading.current_thread() is not threading.main_thread():
        yield drain
        return
    with drain.on_signals():
        yield drain


def load_in_worker(make: Callable[[], Any]) -> Any:
    """Creates the application in a worker process of the server.

    The server's own listener comes only after this. Until then a stop ends the process at once,
    since no request is in progress and the signal would otherwise be lost; and a worker whose
    server was killed stops too.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=_watch_parent, args=(os.getppid(),), name="follow", daemon=True).start()
    return make()


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_INTERVAL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
