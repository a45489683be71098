"""The shape of the database, brought up to what the code expects: one history, forward only.

A version is a file in `migrations/versions`, named by date, time, `pre` or `post` and what it
does. A `pre` version runs before the new code does and must suit the old code too; a `post` version
tidies up once no old code runs any more. Alembic, which runs them, is a tenth of what a worker
weighs, so it is loaded only where there is something to do.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.postgres.addresses import for_sqlalchemy, without_password
from adapters.postgres.programs import DatabaseUnavailable

FOLDER: Final = Path(__file__).parents[2] / "migrations"
CURRENT: Final = "select version_num from alembic_version"
KNOWN: Final = "select to_regclass('alembic_version') is not null"
OLDEST: Final = 15
TURN: Final = 0x48796C6C61  # "Hylla": one number that all who migrate a database wait on
LOCK_TIMEOUT: Final = "4s"
STATEMENT_TIMEOUT: Final = "5s"

T = TypeVar("T")


def upgrade(database_url: str) -> list[str]:
    """Run every version that the database lacks and return their names.

    Several may call it at once: one works, the others wait and find nothing left to do. A version
    that must wait too long for a table gives up and changes nothing, so that the shop stays open.

    Raises:
        DatabaseUnavailable: nobody answers, it is too old, or a version could not be run.
    """
    return _ask(database_url, _upgrade)


def pending(database_url: str) -> list[str]:
    """The versions that the database lacks, oldest first."""
    return _ask(database_url, _pending)


def config(connection: Connection | None = None) -> Any:
    """What Alembic needs to know; there is no alembic.ini."""
    from alembic.config import Config  # noqa: PLC0415 - costs nothing where nothing is to be done

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
        from alembic import command  # noqa: PLC0415 - as above

        command.upgrade(config(connection), "head")
    return lacking


def newest() -> str:
    """The version that the code expects: the name of each begins with it, and they grow."""
    names = [path.stem for path in (FOLDER / "versions").glob("*.py")]
    return "_".join(max(names).split("_")[:4])


def _pending(connection: Connection) -> list[str]:
    known = connection.execute(text(KNOWN)).scalar_one()
    if known and connection.execute(text(CURRENT)).scalars().all() == [newest()]:
        return []
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    have = MigrationContext.configure(connection).get_current_heads()
    scripts = ScriptDirectory.from_config(config())
    lacking = scripts.iterate_revisions("head", have or "base", assert_relative_length=False)
    return [Path(script.path).stem for script in lacking if script.revision not in have][::-1]


def _ask(database_url: str, question: Callable[[Connection], T]) -> T:
    return asyncio.run(_ask_on_a_connection(database_url, question))


async def _ask_on_a_connection(database_url: str, question: Callable[[Connection], T]) -> T:
    engine = create_async_engine(for_sqlalchemy(database_url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_check)
            return await connection.run_sync(question)
    except (DBAPIError, asyncpg.PostgresError, OSError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise DatabaseUnavailable(
            f"The database {without_password(database_url)} cannot be used: {reason}"
        ) from error
    finally:
        await engine.dispose()


def _check(connection: Connection) -> None:
    version, encoding = connection.execute(
        text(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
        )
    ).one()
    connection.commit()
    if version < OLDEST * 10_000:
        raise DatabaseUnavailable(
            f"The database is PostgreSQL {version // 10_000}; {OLDEST} or later is needed."
        )
    if encoding != "UTF8":
        raise DatabaseUnavailable(f"The database is encoded as {encoding}; UTF8 is needed.")
