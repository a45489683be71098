"""The scheduler: the interval of each periodic step, in every process.

Steps that lease their work run everywhere, side by side. A step that is to run once in its span
runs in the process that writes down the span first. APScheduler only wakes them up; nothing is
lost with it, since all work is in the database.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from msgspec import Struct

from domain.kernel.errors import Unavailable
from service.shared.unit_of_work import Units

NODE: Final = f"{socket.gethostname()}:{os.getpid()}"

FIRST_RUN_DELAY: Final = timedelta(seconds=10)
"""After the start of a process each step has its first turn, however seldom it runs.

A process that is started anew more often than a step's span would never come to it otherwise.
"""

log = structlog.get_logger("hylla.jobs")


class Job(Struct, frozen=True):
    """A bounded piece of work that returns the number of items it processed.

    One that processed any runs again at once, so that a backlog shrinks quickly; one that runs
    `once` runs in one process per `every`, and soon after a start when none has run it yet.
    """

    name: str
    interval: timedelta
    run: Callable[[], Awaitable[int]]
    once_per_interval: bool = False


def run_slot(now: datetime, every: timedelta) -> datetime:
    """The beginning of the span that `now` is in, the same in every process."""
    return datetime.fromtimestamp(
        now.timestamp() // every.total_seconds() * every.total_seconds(), UTC
    )


class Scheduler:
    """Runs steps while it is open. `stopping` ends a running step at its next check."""

    def __init__(self, units: Units, steps: Sequence[Job], stopping: asyncio.Event) -> None:
        self._units = units
        self._jobs = steps
        self._stopping = stopping
        self._running: set[asyncio.Task[None]] = set()
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    async def __aenter__(self) -> Self:
        # It would write a line for every beat of every step.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        for step in self._jobs:
            seconds = step.interval.total_seconds()
            first = datetime.now(UTC) + min(step.interval, FIRST_RUN_DELAY)
            self._scheduler.add_job(
                self._start_job,
                "interval",
                [step],
                seconds=seconds,
                id=step.name,
                next_run_time=first,
            )
        self._scheduler.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let every step come to its end."""
        self._stopping.set()
        self._scheduler.pause()
        if self._running:
            await asyncio.wait(self._running)
        self._scheduler.shutdown(wait=False)

    async def _start_job(self, step: Job) -> None:
        """Start a step unless it is still running; it is not APScheduler's to cancel."""
        if self._stopping.is_set() or any(task.get_name() == step.name for task in self._running):
            return
        task = asyncio.create_task(self._run_job(step), name=step.name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run_job(self, step: Job) -> None:
        try:
            if step.once_per_interval and not await self._claim_run(step):
                return
            while await step.run() and not self._stopping.is_set():
                pass
        except Unavailable:
            log.info("job postponed", step=step.name)
        except Exception:
            log.exception("job failed", step=step.name)

    async def _claim_run(self, step: Job) -> bool:
        async with self._units.begin() as unit:
            return await unit.administration.job_runs.claim(
                step.name, run_slot(unit.now, step.interval), NODE
            )
