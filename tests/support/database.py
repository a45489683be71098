"""Databases of tests: copies of one migrated template."""

import asyncio
import fcntl
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from adapters.postgres.db.migrate import upgrade
from adapters.postgres.db.urls import for_asyncpg, with_database

TEMPLATE = "hylla_template"


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
