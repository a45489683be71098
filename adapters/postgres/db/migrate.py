"""Migrations of the schema to the version that the code expects: one history, forward only.

A version is a file in `migrations/versions`, named by date, time, `pre` or `post` and what it
does. A `pre` version runs before the new code does and must suit the old code too; a `post` version
tidies up once no old code runs any more.

The module that runs them (`versions.py`) takes a fifth of a worker's memory. It is loaded only
where a version is pending, which one query shows.
"""

import asyncio
from pathlib import Path
from typing import Final

import asyncpg

from adapters.postgres.db.programs import DatabaseUnavailable
from adapters.postgres.db.urls import for_asyncpg, without_password

FOLDER: Final = Path(__file__).parents[3] / "migrations"
OLDEST: Final = 15
LOCK_TIMEOUT: Final = "4s"
SERVER: Final = """
    select current_setting('server_version_num')::int, current_setting('server_encoding'),
        to_regclass('alembic_version') is not null
"""
CURRENT: Final = "select array_agg(version_num) from alembic_version"


def upgrade(database_url: str) -> list[str]:
    """Runs every version that the database lacks and returns their names.

    Several may call it at once: one works, the others wait and find nothing left to do. A version
    that must wait too long for a table gives up and changes nothing, so that the shop stays open.

    Raises:
        DatabaseUnavailable: it does not answer, is too old, or a version could not be run.
    """
    if asyncio.run(_is_current(database_url)):
        return []
    from adapters.postgres.db import versions  # noqa: PLC0415 - it is heavy, and seldom needed

    return versions.upgrade(database_url)


def pending(database_url: str) -> list[str]:
    """The versions that the database lacks, oldest first. Raises DatabaseUnavailable."""
    if asyncio.run(_is_current(database_url)):
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


async def _is_current(database_url: str) -> bool:
    try:
        connection = await asyncpg.connect(
            for_asyncpg(database_url), server_settings={"lock_timeout": LOCK_TIMEOUT}
        )
        try:
            version, encoding, known = await connection.fetchrow(SERVER)
            have = await connection.fetchval(CURRENT) if known else None
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise unusable(database_url, error) from error
    if version < OLDEST * 10_000:
        raise DatabaseUnavailable(
            f"The database is PostgreSQL {version // 10_000}; {OLDEST} or later is needed."
        )
    if encoding != "UTF8":
        raise DatabaseUnavailable(f"The database is encoded as {encoding}; UTF8 is needed.")
    return bool(have == [newest()])
