"""Migrations of the schema to the version that the code expects: one history, forward only.

A version is a file in `migrations/versions`, named by date, time, kind and content. A `pre` version
runs before the new code starts and must suit the old code too; a `post` version cleans up once no
old code runs any more; a `stop` version suits the new code alone, so that every process is stopped
while it runs. `migrations/schema.sql` is the schema that all versions together make.

The module that runs them (`versions.py`) takes a fifth of a worker's memory. It is loaded only
where a version is pending, which one query shows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import asyncpg

from adapters.postgres.db.programs import DatabaseUnavailable
from adapters.postgres.db.urls import for_asyncpg, without_password

Connection = Any
"""An asyncpg connection; the library has no types."""
FOLDER: Final = Path(__file__).parents[3] / "migrations"
OLDEST: Final = 15
LOCK_TIMEOUT: Final = "4s"
SERVER: Final = """
    select current_setting('server_version_num')::int, current_setting('server_encoding'),
        to_regclass('alembic_version') is not null
"""
CURRENT: Final = "select array_agg(version_num) from alembic_version"
SCHEMA: Final = FOLDER / "schema.sql"
MIGRATION_LOCK: Final = 0x48796C6C61
"""The advisory lock of migrations: "Hylla" in ASCII."""
IS_EMPTY: Final = """
    select not exists (select from pg_class where relnamespace = 'public'::regnamespace)
"""
VERSION_TABLE: Final = """
    create table alembic_version (
        version_num varchar(32) not null, constraint alembic_version_pkc primary key (version_num)
    )
"""


def upgrade(database_url: str) -> list[str]:
    """Runs every version that the database lacks and returns their names.

    An empty database gets `migrations/schema.sql` in one step. Several processes may call this at
    once: one works, the others wait and find nothing left to do. A version that must wait too long
    for a table gives up and changes nothing, so that the shop stays open. A `stop` version is
    refused while another process of Hylla uses the database.

    Raises:
        DatabaseUnavailable: it does not answer, is too old or too new, or a version could not be
            run.
    """
    if asyncio.run(_on_a_connection(database_url, _is_current)):
        return []
    if asyncio.run(_on_a_connection(database_url, _create_schema)):
        return [SCHEMA.name]
    from adapters.postgres.db import versions  # noqa: PLC0415 - it is heavy, and seldom needed

    return versions.upgrade(database_url)


def pending(database_url: str) -> list[str]:
    """The versions that the database lacks, oldest first. Raises DatabaseUnavailable."""
    if asyncio.run(_on_a_connection(database_url, _is_current)):
        return []
    from adapters.postgres.db import versions  # noqa: PLC0415 - as above

    return versions.pending(database_url)


def newest() -> str:
    """The version that the code expects: the name of each begins with it, and they grow."""
    names = [path.stem for path in (FOLDER / "versions").glob("*.py")]
    return "_".join(max(names).split("_")[:4])


def unusable(database_url: str, reason: object) -> DatabaseUnavailable:
    shown = without_password(database_url)
    return DatabaseUnavailable(f"The database {shown} cannot be used: {reason}")


async def _on_a_connection(
    database_url: str, question: Callable[[Connection], Awaitable[bool]]
) -> bool:
    try:
        connection = await asyncpg.connect(
            for_asyncpg(database_url), server_settings={"lock_timeout": LOCK_TIMEOUT}
        )
        try:
            return await question(connection)
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise unusable(database_url, error) from error


async def _is_current(connection: Connection) -> bool:
    version, encoding, known = await connection.fetchrow(SERVER)
    have = await connection.fetchval(CURRENT) if known else None
    if version < OLDEST * 10_000:
        raise DatabaseUnavailable(
            f"The database is PostgreSQL {version // 10_000}; {OLDEST} or later is needed."
        )
    if encoding != "UTF8":
        raise DatabaseUnavailable(f"The database is encoded as {encoding}; UTF8 is needed.")
    return bool(have == [newest()])


async def _create_schema(connection: Connection) -> bool:
    """Creates the schema in an empty database; returns False and changes nothing in another."""
    await connection.execute("set lock_timeout = 0")
    await connection.execute("select pg_advisory_lock($1)", MIGRATION_LOCK)
    if not await connection.fetchval(IS_EMPTY):
        return False
    async with connection.transaction():
        await connection.execute(SCHEMA.read_text(encoding="utf-8"))
        await connection.execute(VERSION_TABLE)
        await connection.execute("insert into alembic_version values ($1)", newest())
    return True
