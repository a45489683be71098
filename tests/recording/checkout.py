"""Runs the build of one checkout: its server and its commands, in a data folder of their own."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from msgspec import Struct

START_S: Final = 120
STOP_S: Final = 60
SETTINGS: Final = {
    "HYLLA_ON_ACCOUNT": "true",
    "HYLLA_RETURNS_WITHOUT_RECEIPT_MAX": "5000",
    "HYLLA_THANK_YOU_DELAY_MINUTES": "0",
    "HYLLA_WEBHOOK_PRIVATE": "true",
}
"""What the scenarios need beyond the defaults, by the names of the recorded build."""


class Checkout(Struct, frozen=True):
    """A built checkout, its data folder and the environment its programs run in."""

    root: Path
    data: Path
    environment: dict[str, str]

    def hylla(self, *arguments: str) -> Any:
        """Runs one command to its end and returns the JSON document it prints."""
        done = subprocess.run(
            [self.program, *arguments, "--data", str(self.data), "--json"],
            env=self.environment,
            cwd=self.data,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_S,
        )
        if done.returncode:
            raise RuntimeError(f"hylla {' '.join(arguments)}: {done.stderr or done.stdout}")
        return json.loads(done.stdout)

    @property
    def program(self) -> str:
        return str(self.root / ".venv/bin/hylla")

    def sample(self, name: str) -> str:
        """Path of a sample file, wherever this build has it."""
        found = sorted((self.root / "adapters").rglob(f"sample/{name}"))
        if not found:
            raise RuntimeError(f"{self.root} has no sample file {name}")
        return str(found[0])


@contextmanager
def running(root: Path, settings: Mapping[str, str]) -> Iterator[tuple[Checkout, str]]:
    """The checkout and the address of its server, which has an empty shop."""
    data = Path(tempfile.mkdtemp(prefix="hylla-"))  # short: a socket's path has a limit
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HYLLA_")}
    checkout = Checkout(root.resolve(), data, clean | dict(settings))
    port = _free_port()
    try:
        with _server(checkout, port):
            yield checkout, f"http://127.0.0.1:{port}"
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def _server(checkout: Checkout, port: int) -> Iterator[None]:
    command = [checkout.program, "serve", "--data", str(checkout.data), "--port", str(port)]
    with (checkout.data / "serve.log").open("w+") as log:
        process = subprocess.Popen(
            command, env=checkout.environment, cwd=checkout.data, stdout=log, stderr=log
        )
        try:
            _wait_until_ready(process, port, checkout.data / "serve.log")
            yield
        finally:
            process.terminate()
            process.wait(STOP_S)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text()}")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"the server is not ready: {log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
