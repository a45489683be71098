"""What many tests need: a real PostgreSQL, and a fresh, migrated database for each test."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from adapters.postgres.db.embedded import running
from tests.support.database import TEMPLATE, a_database, make_template

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
    """Receipts are reported as of the start of their test: a long run must not make them old."""
    if receipts := sys.modules.get("tests.support.api.receipts"):
        monkeypatch.setattr(receipts, "NOW", datetime.now(UTC))


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
