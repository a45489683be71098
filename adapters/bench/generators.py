"""Load generators: wrk, PostgreSQL's own pgbench, and plain connections for large bodies."""

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy import make_url

from adapters.bench.data import YARDSTICK_DATABASE
from adapters.bench.figures import Sample, to_sample
from adapters.postgres.db import programs

CONNECTIONS: Final = 64
LOAD_SCRIPT: Final = Path(__file__).with_name("load.lua")
TPS: Final = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
CONTENT_LENGTH: Final = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


class LoadGeneratorMissing(Exception):
    """A program that the measurement needs is not installed."""


class _WrkFigures(Struct):
    requests: int
    us: int
    p50_us: int
    p99_us: int
    faults: int


def ensure_wrk() -> None:
    """Raises LoadGeneratorMissing."""
    if shutil.which("wrk") is None:
        raise LoadGeneratorMissing(
            "hylla bench needs the program wrk to make requests: install it with the system's"
            " packages (apt-get install wrk, brew install wrk), or see github.com/wg/wrk."
        )


def wrk(address: str, seconds: int, *ask: object, headers: dict[str, str] | None = None) -> Sample:
    """Requests a second over 64 connections; `ask` is one of the kinds of load.lua."""
    given = [part for name, value in (headers or {}).items() for part in ("-H", f"{name}: {value}")]
    options = [
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "--timeout",
        "30s",
        "-s",
        str(LOAD_SCRIPT),
    ]
    said = _run(["wrk", *options, *given, address, "--", *map(str, ask)])
    line = said.rpartition("figures ")[2]
    found = msgspec.json.decode(line, type=_WrkFigures)
    return Sample(
        found.requests / (found.us / 1e6), found.p50_us / 1000, found.p99_us / 1000, found.faults
    )


def pgbench(url: str, seconds: int, script: str = "") -> Sample:
    """Measures transactions per second of `script`, or of pgbench's built-in one, by 64 clients."""
    with TemporaryDirectory(prefix="hylla-bench-") as folder:
        told = Path(folder) / "script.sql"
        told.write_text(script)
        what = ["--file", str(told)] if script else ["--builtin", "tpcb-like"]
        options = ["--no-vacuum", "--protocol", "prepared", "--jobs", "2", "--log"]
        load = ["--client", str(CONNECTIONS), "--time", str(seconds)]
        prefix = f"--log-prefix={folder}/log"
        said = _run([*_pgbench(url), *options, *load, prefix, *what, YARDSTICK_DATABASE])
        took = [
            int(line.split(" ", 3)[2]) / 1000
            for log in Path(folder).glob("log*")
            for line in log.read_text().splitlines()
        ]
    found = TPS.search(said)
    assert found, said
    return to_sample(took, float(found[1]))


def init_pgbench(url: str, scale: int) -> None:
    """The tables of pgbench's own transaction."""
    _run([*_pgbench(url), "--initialize", "--quiet", "--scale", str(scale), YARDSTICK_DATABASE])


def _pgbench(url: str) -> list[str]:
    at = make_url(url)
    return [
        str(programs.found() / "pgbench"),
        "--host",
        str(at.query["host"]),
        "--username",
        str(at.username),
    ]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - known
    if done.returncode != 0:
        raise LoadGeneratorMissing(f"{Path(command[0]).name} failed: {done.stderr.strip()}")
    return done.stdout


async def send_all(
    port: int, requests: Iterator[bytes], seconds: int, good: Callable[[bytes], bool]
) -> Sample:
    """Sends whole requests, each on the next free one of 64 connections, until the time is over.

    Only answered requests count, and the time ends with the last answer. Plain connections suffice
    where the service needs far longer to answer than the client needs to ask.
    """
    took: list[float] = []
    faults = 0
    began = time.perf_counter()

    async def ask() -> None:
        nonlocal faults
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() - began < seconds and (request := next(requests, None)):
            sent = time.perf_counter()
            writer.write(request)
            faults += not good(await _read_response(reader))
            took.append((time.perf_counter() - sent) * 1000)
        writer.close()

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return to_sample(took, len(took) / (time.perf_counter() - began), faults)


async def _read_response(reader: asyncio.StreamReader) -> bytes:
    """The head of an answer and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = CONTENT_LENGTH.search(head)
    return head + await reader.readexactly(int(length[1])) if length else head


def build_post_request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A request as it goes over the wire."""
    lines = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body
