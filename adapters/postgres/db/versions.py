"""Running the versions of the database, with Alembic, on a connection of SQLAlchemy."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, TypeVar

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.postgres.db.migrate import FOLDER, LOCK_TIMEOUT, MIGRATION_LOCK, unusable
from adapters.postgres.db.pool import SESSION_SETTINGS
from adapters.postgres.db.programs import DatabaseUnavailable
from adapters.postgres.db.urls import for_sqlalchemy

T = TypeVar("T")

STATEMENT_TIMEOUT: Final = "5s"
OTHER_PROCESSES: Final = text("""
    select string_agg(
        format('process %s since %s', pid, to_char(backend_start, 'YYYY-MM-DD HH24:MI')), ', '
        order by pid
    )
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name = :name
""").bindparams(name=SESSION_SETTINGS["application_name"])
"""Database sessions of running processes of Hylla; a migration's session has no such name."""


def upgrade(database_url: str) -> list[str]:
    """As `migrate.upgrade`."""
    return asyncio.run(ask(database_url, _upgrade))


def pending(database_url: str) -> list[str]:
    """As `migrate.pending`."""
    return asyncio.run(ask(database_url, _pending))


def config(connection: Connection | None = None) -> Config:
    """Returns Alembic's configuration; there is no alembic.ini."""
    known = Config(attributes={"connection": connection})
    known.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    known.set_main_option("path_separator", "os")
    return known


def _upgrade(connection: Connection) -> list[str]:
    # Another process may need long for its versions: the time-outs begin after the lock.
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()
    lacking = _pending(connection)
    _ensure_stopped(connection, lacking)
    connection.commit()
    if lacking:
        command.upgrade(config(connection), "head")
    return lacking


def _pending(connection: Connection) -> list[str]:
    have = MigrationContext.configure(connection).get_current_heads()
    scripts = ScriptDirectory.from_config(config())
    _ensure_known(have, {script.revision for script in scripts.walk_revisions()})
    lacking = scripts.iterate_revisions("head", have or "base", assert_relative_length=False)
    return [Path(script.path).stem for script in lacking if script.revision not in have][::-1]


def _ensure_known(have: Collection[str], known: Collection[str]) -> None:
    """Raises DatabaseUnavailable where the database has a version of a newer build."""
    if unknown := sorted(set(have) - set(known)):
        raise DatabaseUnavailable(
            f"The database has version {', '.join(unknown)}, which this build does not know: it was"
            " migrated by a newer build. Start that build, or restore the backup that was made"
            " before the upgrade."
        )


def _ensure_stopped(connection: Connection, lacking: list[str]) -> None:
    """Raises DatabaseUnavailable where a `stop` version is pending and a process is running."""
    stops = [name for name in lacking if "_stop_" in name]
    if stops and (others := connection.execute(OTHER_PROCESSES).scalar()):
        raise DatabaseUnavailable(
            f"Version {stops[0]} needs every other process stopped. These sessions of Hylla"
            f" are open: {others}. Stop them, make a backup, and start again."
        )


async def ask(database_url: str, question: Callable[[Connection], T]) -> T:
    """Returns the result of `question` on a connection; raises DatabaseUnavailable."""
    engine = create_async_engine(for_sqlalchemy(database_url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(question)
    except (DBAPIError, asyncpg.PostgresError, OSError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise unusable(database_url, reason) from error
    finally:
        await engine.dispose()
