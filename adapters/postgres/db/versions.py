"""Running the versions of the database, with Alembic, on a connection of SQLAlchemy."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.postgres.db.migrate import FOLDER, LOCK_TIMEOUT, unusable
from adapters.postgres.db.urls import for_sqlalchemy

TURN: Final = 0x48796C6C61  # "Hylla": one number that all who migrate a database wait on
STATEMENT_TIMEOUT: Final = "5s"


def upgrade(database_url: str) -> list[str]:
    """As `migrate.upgrade`."""
    return asyncio.run(_ask(database_url, _upgrade))


def pending(database_url: str) -> list[str]:
    """As `migrate.pending`."""
    return asyncio.run(_ask(database_url, _pending))


def config(connection: Connection | None = None) -> Config:
    """Returns Alembic's configuration; there is no alembic.ini."""
    known = Config(attributes={"connection": connection})
    known.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    known.set_main_option("path_separator", "os")
    return known


def _upgrade(connection: Connection) -> list[str]:
    # Waiting for one's turn may take as long as the other needs: the time-outs come after it.
    connection.execute(text("SELECT pg_advisory_lock(:turn)"), {"turn": TURN})
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()
    lacking = _pending(connection)
    connection.commit()
    if lacking:
        command.upgrade(config(connection), "head")
    return lacking


def _pending(connection: Connection) -> list[str]:
    have = MigrationContext.configure(connection).get_current_heads()
    scripts = ScriptDirectory.from_config(config())
    lacking = scripts.iterate_revisions("head", have or "base", assert_relative_length=False)
    return [Path(script.path).stem for script in lacking if script.revision not in have][::-1]


async def _ask(database_url: str, question: Callable[[Connection], list[str]]) -> list[str]:
    engine = create_async_engine(for_sqlalchemy(database_url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(question)
    except (DBAPIError, asyncpg.PostgresError, OSError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise unusable(database_url, reason) from error
    finally:
        await engine.dispose()
