"""The benchmark environment: the service in its own data folder, and the servers compared."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import httpx
import psutil
from msgspec import Struct

from adapters.bench.data import execute, load_shop, load_yardstick
from adapters.bench.scales import Scale, store
from adapters.main import build_components
from adapters.oidc.tokens import TrialTokenVerifier
from adapters.postgres.db.embedded import running
from adapters.postgres.db.migrate import upgrade
from adapters.postgres.db.unit_of_work import utc_now
from adapters.secrets.api_keys import RandomSecrets
from adapters.settings import PREFIX, Secret, Settings, with_own_secret
from domain.foundation.callers import Role
from domain.kernel.ids import CustomerId
from service.foundation.api_keys import create_api_key

TIMEOUT_SECONDS: Final = 120
CLI_ENTRY_POINT: Final = ("-c", "from adapters.cli import main; main()")
SERVER_SETTINGS: Final = {"RATE_LIMIT": "1000000000", "LOG_LEVEL": "warning"}
"""Limits are for strangers, and a line for each request is for people."""


class BenchEnvironment(Struct, frozen=True):
    """The inputs of a row's measurement; `port` is the port of the service.

    `page` and `tills` (by store) are the request headers of the callers.
    """

    settings: Settings
    scale: Scale
    seconds: int
    port: int
    page_headers: dict[str, str]
    till_headers: dict[str, dict[str, str]]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        return self.settings.database_url

    def customer_token(self, customer: str) -> str:
        return TrialTokenVerifier(self.settings.secret).issue(
            CustomerId(customer), utc_now(), timedelta(hours=24)
        )

    def get(self, path: str, headers: dict[str, str]) -> bytes:
        """Returns the service's answer, as an example of its size."""
        answer = httpx.get(f"{self.base_url}{path}", headers=headers, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer.content


@contextmanager
def bench_environment(
    data: Path, scale: Scale, seconds: int, say: Callable[[str], None], *, alone: bool = False
) -> Iterator[BenchEnvironment]:
    """Starts a service with sample data, ready to be measured, on a durable database.

    With `alone`, the bare server for comparison is not started.
    """
    with running(data) as url:
        upgrade(url)
        say(f"loading {scale.skus:,} SKUs in {scale.stores} stores, {scale.members:,} members")
        asyncio.run(load_shop(url, scale))
        if not alone:
            asyncio.run(load_yardstick(url, scale))
        asyncio.run(execute(url, "checkpoint"))
        settings = with_own_secret(Settings(data=data, database_url=Secret(url)))
        page, tills = asyncio.run(_create_keys(settings, scale))
        with serve_shop(data) as served:
            yield BenchEnvironment(settings, scale, seconds, served.port, page, tills)


async def _create_keys(
    settings: Settings, scale: Scale
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Headers of a shop's page, and of a till in each store."""
    stores = [store(number) for number in range(1, scale.stores + 1)]
    house = build_components(settings)

    async def key(role: Role, **more: Any) -> dict[str, str]:
        _, secret = await create_api_key(house.units, RandomSecrets(), role=role, **more)
        return {"Authorization": f"Bearer {secret}"}

    try:
        page = await key(Role.SHOP)
        tills = {one: await key(Role.TILL, stores=[one], terminal="T1") for one in stores}
    finally:
        await house.close()
    return page, tills


class BenchServer(Struct, frozen=True):
    port: int
    process: psutil.Process

    @property
    def memory_mb(self) -> float:
        """Of the worker, as `ps` shows it."""
        return float(
            max(child.memory_info().rss for child in self.process.children(recursive=True)) / 2**20
        )


@contextmanager
def serve_shop(data: Path, *, workers: int = 1) -> Iterator[BenchServer]:
    """`hylla serve` in `data`, from when it is ready; it only answers, and does no jobs."""
    port = free_port()
    options = ["serve", "--role", "api", "--data", data, "--port", port, "--workers", workers]
    with _run_server([*CLI_ENTRY_POINT, *map(str, options)], port, "/health/ready") as running:
        yield running


@contextmanager
def serve_yardstick(kind: str, size: int) -> Iterator[BenchServer]:
    """One of the yardsticks of `bare.py`, answering `size` bytes."""
    port = free_port()
    command = ["-m", "adapters.bench.bare", kind, str(port), str(size)]
    # A broadcasting server answers a GET only when there is an event to send.
    with _run_server(command, port, "" if kind == "broadcast" else "/") as running:
        yield running


@contextmanager
def _run_server(command: list[str], port: int, path: str) -> Iterator[BenchServer]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    started = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, *command],
        env=kept | {f"{PREFIX}{name}": value for name, value in SERVER_SETTINGS.items()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(started, port, path)
        yield BenchServer(port, psutil.Process(started.pid))
    finally:
        started.terminate()
        started.wait(TIMEOUT_SECONDS)


def wait_until_ready(started: subprocess.Popen[Any], port: int, path: str) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if started.poll() is not None:
            break
        with suppress(OSError, httpx.TransportError):
            if not path:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            if httpx.get(f"http://127.0.0.1:{port}{path}").is_success:
                return
        time.sleep(0.01)
    raise RuntimeError(f"{started.args!r} does not answer.")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def temporary_data_folder(beside: Path | None = None) -> Iterator[Path]:
    folder = Path(mkdtemp(prefix="hylla-bench-", dir=beside))
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder)
