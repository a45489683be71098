"""The HTTP server: granian, set up for a graceful shutdown."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, Final

import rich_click as click
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server

from adapters import logs
from adapters.drain import load_in_worker
from adapters.http.web.metrics import MULTIPROC_DIR_VARIABLE
from adapters.settings import Settings

PORT_RELEASE_TIMEOUT_SECONDS: Final = 3.0
"""How long the workers of a service that was killed may take to notice and let go."""


def ensure_port_free(settings: Settings) -> None:
    """Checks the port: several servers may listen on one, and would share its requests.

    Raises:
        click.ClickException: another process listens there, or there is no such address.
    """
    deadline = time.monotonic() + PORT_RELEASE_TIMEOUT_SECONDS
    while fault := _bind_error(settings.host, settings.port):
        if time.monotonic() > deadline:
            raise click.ClickException(
                f"Cannot listen on {settings.host}, port {settings.port}: {fault}. "
                "Name another with --host and --port."
            )
        time.sleep(0.1)


def _bind_error(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0], found[1]) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind(found[4])
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def serve(settings: Settings, make: Callable[[], Any]) -> None:
    """Serves the application that `make` returns in each worker, until a stop signal.

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
        log_dictconfig=logs.logging_config(settings.log_level),
        workers_kill_timeout=settings.shutdown_timeout_seconds,
        respawn_failed_workers=True,
    )
    with multiprocess_metrics(settings.workers):
        server.serve(target_loader=partial(load_in_worker, make), wrap_loader=False)


@contextmanager
def multiprocess_metrics(workers: int) -> Iterator[None]:
    """Provides the folder in which several workers sum their metrics; one alone needs none."""
    if workers == 1:
        yield
        return
    with TemporaryDirectory(prefix="hylla-metrics-") as folder:
        os.environ[MULTIPROC_DIR_VARIABLE] = folder
        yield
