"""Services and commands, started as a person or a supervisor starts them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def until(holds, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s until {what}"
        time.sleep(0.05)


class Service:
    """A service in a process group of its own."""

    def __init__(self, data: Path, command: Callable[[Path, int], list[str]]):
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.data = data
        self.output = data.with_suffix(".log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, *command(data, port)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def answers(self) -> bool:
        assert self.process.poll() is None, self.said()
        try:
            return httpx.get(f"{self.url}/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def said(self) -> str:
        self.output.seek(0)
        return self.output.read()

    def postmaster(self) -> int:
        pid = (self.data / "postgres/cluster/postmaster.pid").read_text().split()[0]
        return int(pid)

    def database_runs(self) -> bool:
        return (self.data / "postgres/cluster/postmaster.pid").exists()

    def closed_well(self) -> int:
        return len(list(self.data.glob("closed-*")))

    def kill_everything(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def service(data: Path, command: Callable[[Path, int], list[str]]) -> Iterator[Service]:
    started = Service(data, command)
    try:
        until(started.answers, "the service answers")
        yield started
    finally:
        if started.process.poll() is None:
            started.process.terminate()
            started.process.wait(PATIENCE_S)
        started.output.close()


HYLLA = ("-c", "from adapters.cli import main; main()")


def hylla(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, *HYLLA, *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
