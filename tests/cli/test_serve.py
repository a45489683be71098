"""A started server: it stops well, it dies well, and the database outlives it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

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
    """The tiny shop in a process group of its own, as a terminal or a supervisor would start it."""

    def __init__(self, data: Path, workers: int = 1, stop_seconds: int = 10, boot_s: float = 0):
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.data = data
        self.output = data.with_suffix(".log").open("w+")
        script = [sys.executable, str(Path(__file__).with_name("tiny_shop.py"))]
        self.process = subprocess.Popen(
            [*script, str(data), str(port), str(workers), str(stop_seconds), str(boot_s)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def answers(self) -> bool:
        assert self.process.poll() is None, self.said()
        try:
            return httpx.get(self.url).status_code == 200
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
def service(data: Path, **options) -> Iterator[Service]:
    started = Service(data, **options)
    try:
        until(started.answers, "the service answers")
        yield started
    finally:
        if started.process.poll() is None:
            started.process.terminate()
            started.process.wait(PATIENCE_S)
        started.output.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_the_request_that_is_under_way(tmp_path, number):
    with service(tmp_path / "data") as shop, httpx.stream("GET", f"{shop.url}/slow") as answer:
        shop.process.send_signal(number)
        words = answer.read()
        status = shop.process.wait(PATIENCE_S)

        assert words == b"slow but done"
        assert (status, shop.closed_well()) == (0, 1), shop.said()
        assert not shop.database_runs()


def test_an_open_stream_ends_at_a_stop_and_does_not_hold_it_up(tmp_path):
    with service(tmp_path / "data") as shop, httpx.stream("GET", f"{shop.url}/stream") as answer:
        began = time.monotonic()
        shop.process.terminate()
        words = answer.read()
        status = shop.process.wait(PATIENCE_S)
        took = time.monotonic() - began

        assert words.startswith(b"hello\n")
        assert words.endswith(b"good-bye\n")
        assert (status, shop.closed_well()) == (0, 1), shop.said()
        assert took < 5


def test_a_request_that_never_ends_is_given_up(tmp_path):
    with (
        service(tmp_path / "data", stop_seconds=1) as shop,
        httpx.stream("GET", f"{shop.url}/stuck") as answer,
    ):
        shop.process.terminate()
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()
        shop.process.wait(PATIENCE_S)

        assert shop.closed_well() == 0
        assert not shop.database_runs()


def test_a_stop_while_the_workers_start_is_not_lost(tmp_path):
    shop = Service(tmp_path / "data", boot_s=20, stop_seconds=60)
    until(lambda: "Spawning worker" in shop.said(), "a worker is started")
    time.sleep(0.5)
    began = time.monotonic()
    shop.process.terminate()
    shop.process.wait(PATIENCE_S)
    shop.output.close()

    assert time.monotonic() - began < 10
    assert not shop.database_runs()


def test_the_database_outlives_a_killed_service_and_the_next_start_joins_it(tmp_path):
    with service(tmp_path / "data") as first:
        before = first.postmaster()
        first.kill_everything()
    alive_between = psutil.pid_exists(before)

    with service(tmp_path / "data") as second:
        after = second.postmaster()

    assert alive_between
    assert after == before
    assert not second.database_runs()


def test_workers_go_when_the_one_who_started_them_is_killed(tmp_path):
    with service(tmp_path / "data", workers=2) as shop:
        workers = psutil.Process(shop.process.pid).children()
        shop.process.kill()
        shop.process.wait()
        gone, alive = psutil.wait_procs(workers, PATIENCE_S)

    assert (len(gone), alive) == (2, [])


def test_two_workers_share_the_work_and_the_database(tmp_path):
    with service(tmp_path / "data", workers=2) as shop:
        answered = {httpx.get(shop.url).text for _ in range(200)}
        shop.process.terminate()
        status = shop.process.wait(PATIENCE_S)

    assert len(answered) == 2
    assert (status, shop.closed_well()) == (0, 2)


def test_what_the_server_says_is_json(tmp_path):
    with service(tmp_path / "data") as shop:
        lines = shop.said().splitlines()

    assert lines != []
    assert [line for line in lines if not line.startswith("{")] == []
