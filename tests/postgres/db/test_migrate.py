"""The tables of the code and of the migrations are one, and bringing a database up is safe."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, NullPool
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.postgres.db.migrate import FOLDER, pending, upgrade
from adapters.postgres.db.programs import DatabaseUnavailable
from adapters.postgres.db.tables import metadata
from adapters.postgres.db.urls import for_asyncpg

# Everything a table is made of, as PostgreSQL itself spells it.
SHAPE = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid) AS fallback, l.collname, a.attidentity::text,
               a.attgenerated::text, a.attstorage::text, a.attcompression::text
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_collation l ON l.oid = a.attcollation
        WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    """,
    "constraints": """
        SELECT conrelid::regclass::text AS table, conname, pg_get_constraintdef(oid) AS rule
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    """,
    "indexes": """
        SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    """,
    "tables": """
        SELECT relname, relkind::text, relpersistence::text, reloptions FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
    """,
    "functions and triggers": """
        SELECT pg_get_functiondef(oid) AS definition FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
        UNION ALL
        SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    """,
}


Shape = dict[str, set[tuple[str, ...]]]


async def shape(url: str) -> Shape:
    """What stands in a database, without the one table that is Alembic's own."""
    connection = await asyncpg.connect(for_asyncpg(url))
    try:
        return {
            what: {
                tuple(map(str, row))
                for row in await connection.fetch(query)
                if not row[0].startswith("alembic_version")
            }
            for what, query in SHAPE.items()
        }
    finally:
        await connection.close()


async def on_a_connection(url: str, question: Callable[[Connection], Any]) -> Any:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(question)
    finally:
        await engine.dispose()


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def test_the_tables_of_the_code_and_of_the_migrations_are_one(
    database_url, empty_database_url
):
    await on_a_connection(empty_database_url, metadata.create_all)

    of_the_code = await shape(empty_database_url)
    of_the_migrations = await shape(database_url)
    apart = {what: of_the_code[what] ^ of_the_migrations[what] for what in SHAPE}

    assert of_the_code["columns"] != set()
    assert {what: rows for what, rows in apart.items() if rows} == {}


async def test_alembic_sees_no_difference_either(database_url):
    assert await on_a_connection(database_url, differences) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE stock ALTER COLUMN on_hand TYPE bigint",
        "ALTER TABLE stock ALTER COLUMN on_hand SET DEFAULT 1",
        "ALTER TABLE stock ADD CONSTRAINT surprise CHECK (on_hand < 10)",
        'ALTER TABLE stock ALTER COLUMN sku TYPE text COLLATE "default"',
        "ALTER TABLE stock SET (fillfactor = 33)",
        "CREATE INDEX surprise ON stock (on_hand)",
        "DROP TABLE stock CASCADE",
    ],
)
async def test_a_difference_would_be_seen(database_url, change):
    before = await shape(database_url)
    await on_a_connection(database_url, lambda connection: connection.exec_driver_sql(change))

    after = await shape(database_url)

    assert after != before


def test_a_second_upgrade_finds_nothing_to_do(empty_database_url):
    first = upgrade(empty_database_url)
    second = upgrade(empty_database_url)

    assert first != []
    assert (second, pending(empty_database_url)) == ([], [])


def test_four_who_upgrade_at_once_do_it_once(empty_database_url):
    with ThreadPoolExecutor(4) as nodes:
        ran = list(nodes.map(upgrade, [empty_database_url] * 4))

    assert sorted(map(len, ran))[:3] == [0, 0, 0]
    assert pending(empty_database_url) == []


def test_versions_are_named_by_date_time_and_when_they_run():
    names = [path.stem for path in (FOLDER / "versions").glob("*.py")]

    odd = [
        name for name in names if not re.fullmatch(r"\d{4}(_\d\d){2}_\d{4}_(pre|post)_\w+", name)
    ]

    assert names != []
    assert odd == []


async def test_a_busy_table_stops_a_version_and_nothing_is_half_done(database_url):
    held = await asyncpg.connect(for_asyncpg(database_url))
    await held.execute("DELETE FROM alembic_version")
    async with held.transaction():
        await held.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseUnavailable, match="lock timeout"):
            await asyncio.to_thread(upgrade, database_url)
    await held.close()


def test_a_database_that_nobody_serves_gets_a_sentence():
    with pytest.raises(DatabaseUnavailable, match=r"hylla:\*\*\*@127.0.0.1:1/hylla cannot be used"):
        upgrade("postgresql://hylla:secret@127.0.0.1:1/hylla")
