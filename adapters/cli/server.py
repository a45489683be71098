"""The server that answers requests: granian, with what it needs to stop well."""

from collections.abc import Callable
from functools import partial
from typing import Any

from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server

from adapters import logs
from adapters.drain import in_a_worker
from adapters.settings import Settings


def serve(settings: Settings, make: Callable[[], Any]) -> None:
    """Answer with the application that `make` gives in each worker, until told to stop.

    A worker that does not end in `stop_seconds` is killed, so that a stop always comes to an end.
    """
    server = Server(
        "hylla",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        loop=Loops.uvloop,
        log_level=LogLevels(settings.log_level.value),
        log_dictconfig=logs.config(settings.log_level),
        workers_kill_timeout=settings.stop_seconds,
        respawn_failed_workers=True,
    )
    server.serve(target_loader=partial(in_a_worker, make), wrap_loader=False)
