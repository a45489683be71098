"""What many tests need: a real PostgreSQL, and a fresh, migrated database for each test."""

import asyncio
import fcntl
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres.db.embedded import running
from adapters.postgres.db.migrate import upgrade
from adapters.postgres.db.urls import for_asyncpg, with_database

TEMPLATE = "hylla_template"
# Speed for a server that dies with the test run; what must survive a crash is tested elsewhere.
HASTY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
}


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tills tell in each test is told now: a long run must not make it old."""
    if tills := sys.modules.get("tests.http.pos.test_receipts"):
        monkeypatch.setattr(tills, "NOW", datetime.now(UTC))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The address of one server for the whole run, whichever worker asks first."""
    ours = tmp_path_factory.getbasetemp()
    shared = ours if worker_id == "master" else ours.parent
    with running(shared / "shop", HASTY) as url:
        make_template(url, shared)
        yield url


@pytest.fixture
def database_url(postgres: str) -> Iterator[str]:
    """A fresh database with every table and no rows."""
    yield from a_database(postgres, f"TEMPLATE {TEMPLATE}")


@pytest.fixture
def empty_database_url(postgres: str) -> Iterator[str]:
    """A fresh database without tables."""
    yield from a_database(postgres)


def a_database(server: str, how: str = "") -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    tell(server, f"CREATE DATABASE {name} {how}")
    try:
        yield with_database(server, name)
    finally:
        tell(server, f"DROP DATABASE {name} WITH (FORCE)")


def make_template(server: str, shared: Path) -> None:
    """Migrate one database that all others are copied from; a template once it is whole."""
    with (shared / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if tell(
            server, f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}' AND datistemplate"
        ):
            return
        tell(server, f"DROP DATABASE IF EXISTS {TEMPLATE}")
        tell(server, f"CREATE DATABASE {TEMPLATE}")
        upgrade(with_database(server, TEMPLATE))
        tell(server, f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE true")


def tell(address: str, statement: str) -> object:
    async def answer() -> object:
        connection = await asyncpg.connect(for_asyncpg(address))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(answer())
