"""The tables of the code and of the migrations are one, and bringing a database up is safe."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, NullPool
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.postgres.db import versions
from adapters.postgres.db.migrate import FOLDER, pending, upgrade
from adapters.postgres.db.pool import SESSION_SETTINGS
from adapters.postgres.db.programs import DatabaseUnavailable
from adapters.postgres.db.tables import metadata
from adapters.postgres.db.urls import for_asyncpg
from domain.foundation.events import Event
from migrations import renew

BEFORE_STANDARD_NAMES = "2026_11_26_0530"

RETURNED_PAYMENTS = """
    set session_replication_role = replica;
    insert into attempts (id, order_id, state, currency, amount_minor, authorised, captured,
        deadline, started_at, changed_at)
    values ('att_paid', 'ord_1', 'captured', 'SEK', 100, 100, 100, now(), now(), now()),
        ('att_held', 'ord_1', 'authorised', 'SEK', 100, 100, 0, now(), now(), now());
    insert into events (kind, body, recorded_at, due_at)
    select 'payment_returned', jsonb_build_object('type', 'payment_returned', 'order', 'ord_1',
        'attempt', id, 'amount', '{"amount": 100, "currency": "SEK"}'::jsonb,
        'at', '2026-11-26T12:00:00Z'), now(), now()
    from attempts order by id desc;
    insert into messages (id, kind, key, planned_for, not_after, created_at, changed_at)
    select 'msg_' || id, 'payment_returned', id, now(), now(), now(), now() from attempts;
"""
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
    "views": """
        SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'
    """,
    "functions and triggers": """
        SELECT pg_get_functiondef(oid) AS definition FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
        UNION ALL
        SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    """,
}


TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
"""
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
        } | {"rows": await rows(connection)}
    finally:
        await connection.close()


async def rows(connection: Any) -> set[tuple[str, ...]]:
    return {
        (table, *map(str, row.values()))
        for (table,) in await connection.fetch(TABLES)
        for row in await connection.fetch(f"select * from {table}")
    }


def upgrade_to(url: str, revision: str) -> None:
    """Run the versions up to `revision` in an empty database."""
    asyncio.run(versions.ask(url, lambda at: command.upgrade(versions.config(at), revision)))


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(for_asyncpg(url))
    await connection.execute(statement)
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


async def test_the_chain_of_versions_and_the_kept_schema_are_one(database_url, empty_database_url):
    await asyncio.to_thread(versions.upgrade, empty_database_url)

    of_the_chain = await shape(empty_database_url)
    of_the_kept_schema = await shape(database_url)
    apart = {what: of_the_chain[what] ^ of_the_kept_schema[what] for what in of_the_chain}

    assert of_the_chain["columns"] != set()
    assert {what: rows for what, rows in apart.items() if rows} == {}


async def test_the_tables_of_the_code_and_the_kept_schema_are_one(database_url, empty_database_url):
    await on_a_connection(empty_database_url, metadata.create_all)

    of_the_code = await shape(empty_database_url)
    of_the_kept_schema = await shape(database_url)

    assert of_the_code == of_the_kept_schema


def test_the_kept_schema_is_what_the_tables_give():
    assert renew.PATH.read_text(encoding="utf-8") == renew.schema(), "run: make schema"


async def test_alembic_sees_no_difference_either(database_url):
    assert await on_a_connection(database_url, differences) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE stock_levels ALTER COLUMN on_hand TYPE bigint",
        "ALTER TABLE stock_levels ALTER COLUMN on_hand SET DEFAULT 1",
        "ALTER TABLE stock_levels ADD CONSTRAINT surprise CHECK (on_hand < 10)",
        'ALTER TABLE stock_levels ALTER COLUMN sku TYPE text COLLATE "default"',
        "ALTER TABLE stock_levels SET (fillfactor = 33)",
        "CREATE INDEX surprise ON stock_levels (on_hand)",
        "DROP TABLE stock_levels CASCADE",
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

    assert first == ["schema.sql"]
    assert (second, pending(empty_database_url)) == ([], [])


def test_four_who_upgrade_at_once_do_it_once(empty_database_url):
    with ThreadPoolExecutor(4) as nodes:
        ran = list(nodes.map(upgrade, [empty_database_url] * 4))

    assert sorted(map(len, ran))[:3] == [0, 0, 0]
    assert pending(empty_database_url) == []


def test_versions_are_named_by_date_time_and_when_they_run():
    names = [path.stem for path in (FOLDER / "versions").glob("*.py")]

    odd = [
        name
        for name in names
        if not re.fullmatch(r"\d{4}(_\d\d){2}_\d{4}_(pre|post|stop)_\w+", name)
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


async def test_a_database_of_a_newer_build_is_refused_by_the_name_of_its_version(database_url):
    await execute(database_url, "update alembic_version set version_num = '2999_01_01_0000'")

    for ask in (upgrade, pending):
        with pytest.raises(DatabaseUnavailable, match="has version 2999_01_01_0000, which this"):
            await asyncio.to_thread(ask, database_url)


async def test_a_stop_version_waits_until_every_process_is_stopped(empty_database_url):
    await asyncio.to_thread(upgrade_to, empty_database_url, BEFORE_STANDARD_NAMES)
    process = await asyncpg.connect(
        for_asyncpg(empty_database_url), server_settings=SESSION_SETTINGS
    )
    pid = await process.fetchval("select pg_backend_pid()")

    with pytest.raises(DatabaseUnavailable, match=rf"2026_12_01_1200_stop.*process {pid} since"):
        await asyncio.to_thread(upgrade, empty_database_url)
    still_there = await process.fetchval("select to_regclass('stock') is not null")
    await process.close()
    ran = await asyncio.to_thread(upgrade, empty_database_url)

    assert still_there
    assert ran == ["2026_12_01_1200_stop_standard_names"]


async def test_names_inside_stored_answers_and_job_runs_are_renamed_too(empty_database_url):
    await asyncio.to_thread(upgrade_to, empty_database_url, BEFORE_STANDARD_NAMES)
    answer = b'{"id":"ord_1","pay_by":null,"paid_back":3,"bill":{"note":"\\"pay_by\\":"}}'
    connection = await asyncpg.connect(for_asyncpg(empty_database_url))
    await connection.execute(
        "insert into requests (principal, key, digest, answer, created_at)"
        " values ('p', 'k', '', $1, now()), ('p', 'none', '', null, now())",
        answer,
    )
    await connection.execute("insert into job_slots values ('follow_events', now(), 'node')")
    await asyncio.to_thread(upgrade, empty_database_url)

    kept = await connection.fetchval("select response from idempotency_keys where key = 'k'")
    job = await connection.fetchval("select job from job_runs")
    await connection.close()

    assert msgspec.json.decode(kept) == {
        "id": "ord_1",
        "payment_due_at": None,
        "refunded_minor": 3,
        "pricing": {"note": '"pay_by":'},
    }
    assert job == "process_events"


async def test_a_returned_payment_was_refunded_or_voided(empty_database_url):
    await asyncio.to_thread(upgrade_to, empty_database_url, BEFORE_STANDARD_NAMES)
    connection = await asyncpg.connect(for_asyncpg(empty_database_url))
    await connection.execute(RETURNED_PAYMENTS)
    await asyncio.to_thread(upgrade, empty_database_url)

    events = await connection.fetch("select kind, body from outbox_events order by id")
    messages = dict(await connection.fetch("select key, kind from messages"))
    await connection.close()

    assert [row["kind"] for row in events] == ["payment_refunded", "payment_voided"]
    for row in events:
        assert msgspec.json.decode(row["body"], type=Event).__struct_config__.tag == row["kind"]
    assert messages == {"att_paid": "payment_refunded", "att_held": "payment_voided"}


def test_a_database_that_nobody_serves_gets_a_sentence():
    with pytest.raises(DatabaseUnavailable, match=r"hylla:\*\*\*@127.0.0.1:1/hylla cannot be used"):
        upgrade("postgresql://hylla:secret@127.0.0.1:1/hylla")
