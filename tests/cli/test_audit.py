"""`hylla audit` on a shop somebody meddled with."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres.administration.invariants import INVARIANTS
from adapters.postgres.db.urls import for_asyncpg
from tests.support.processes import hylla


@pytest.fixture
def meddled_with(database_url: str) -> str:
    """A shop with 5 mugs by its ledger, and 12 by its counter."""

    async def meddle() -> None:
        connection = await asyncpg.connect(for_asyncpg(database_url))
        await connection.execute(
            """
            insert into stores (store) values ('harbour');
            insert into stock_levels (store, sku, on_hand) values ('harbour', 'MUG', 12);
            insert into stock_movements
                (store, sku, kind, on_hand, cause, actor, occurred_at, recorded_at)
            values ('harbour', 'MUG', 'count', 5, 'count:1', 'test', now(), now());
            """
        )
        await connection.close()

    asyncio.run(meddle())
    return for_asyncpg(database_url)


def test_a_clean_shop_passes_and_says_how_much_was_checked(database_url, tmp_path: Path):
    options = ("--data", tmp_path, "--database-url", for_asyncpg(database_url))
    for_scripts = hylla("audit", "--json", *options)
    for_people = hylla("audit", *options)
    report = json.loads(for_scripts.stdout)

    assert (for_scripts.returncode, for_people.returncode) == (0, 0), for_scripts.stderr
    assert (sorted(report), report["ok"]) == (["invariants", "ok"], True)
    assert [found["name"] for found in report["invariants"]] == list(INVARIANTS)
    assert all(sorted(f) == ["broken", "checked", "name", "ok"] for f in report["invariants"])
    assert "All is well." in for_people.stdout


def test_a_broken_counter_is_named_repaired_and_then_gone(meddled_with, tmp_path: Path):
    options = ("--data", tmp_path, "--database-url", meddled_with)
    seen = hylla("audit", *options)
    repair = hylla("audit", "--json", "--repair", *options)
    repaired = json.loads(repair.stdout)
    again = hylla("audit", "--json", "--repair", *options)

    assert seen.returncode == 1
    assert "sku MUG, store harbour: expected 5, found 12" in seen.stdout
    assert repaired["ok"] is True
    assert [repair["broken"] for repair in repaired["repaired"]] == [
        {"about": {"store": "harbour", "sku": "MUG"}, "expected": 5, "actual": 12}
    ]
    assert (again.returncode, json.loads(again.stdout)["ok"]) == (0, True)
    assert "repaired" not in json.loads(again.stdout)


def test_a_dry_run_names_what_a_repair_would_set_and_changes_nothing(meddled_with, tmp_path: Path):
    options = ("--data", tmp_path, "--database-url", meddled_with)
    for_people = hylla("audit", "--repair", "--dry-run", *options)
    for_scripts = hylla("audit", "--json", "--repair", "--dry-run", *options)
    repair = hylla("audit", "--json", "--repair", *options)
    rehearsed, repaired = json.loads(for_scripts.stdout), json.loads(repair.stdout)

    assert (for_people.returncode, for_scripts.returncode) == (1, 1)
    named = "would repair on hand is what was moved: sku MUG, store harbour: expected 5, found 12"
    assert named in for_people.stdout
    assert "1 would be repaired." in for_people.stdout
    assert (rehearsed["dry_run"], "dry_run" in repaired) == (True, False)
    assert [(one["invariant"], one["broken"]) for one in rehearsed["repaired"]] == [
        (one["invariant"], one["broken"]) for one in repaired["repaired"]
    ]
    assert repaired["repaired"] != []


def test_a_dry_run_of_no_repair_is_wrong_usage(database_url, tmp_path: Path):
    options = ("--data", tmp_path, "--database-url", for_asyncpg(database_url))
    asked = hylla("audit", "--dry-run", *options)

    assert (asked.returncode, asked.stdout) == (2, "")
    assert "--dry-run shows what --repair would set" in asked.stderr


async def test_what_takes_too_long_is_unfinished_and_never_well(database_url, tmp_path: Path):
    options = ("--data", tmp_path, "--database-url", for_asyncpg(database_url))
    async with locked(database_url, "messages"):
        impatient = partial(asyncio.to_thread, hylla, HYLLA_AUDIT_TIMEOUT_SECONDS="1")
        for_people = await impatient("audit", *options)
        for_scripts = await impatient("audit", "--json", *options)
    report = json.loads(for_scripts.stdout)

    assert (for_people.returncode, for_scripts.returncode) == (1, 1)
    assert "1 unfinished: HYLLA_AUDIT_TIMEOUT_SECONDS gives each more time." in for_people.stdout
    assert "All is well." not in for_people.stdout
    assert report["ok"] is False
    assert [found for found in report["invariants"] if not found["ok"]] == [
        {
            "name": "messages_are_sent_once",
            "ok": False,
            "checked": 0,
            "broken": 0,
            "unfinished": True,
        }
    ]


@asynccontextmanager
async def locked(database_url: str, table: str) -> AsyncIterator[None]:
    """Nobody can read the table meanwhile."""
    connection = await asyncpg.connect(for_asyncpg(database_url))
    async with connection.transaction():
        await connection.execute(f"lock table {table}")
        yield
    await connection.close()


def test_a_mistyped_folder_is_no_empty_shop(tmp_path):
    audited = hylla("audit", "--data", tmp_path / "shpo")

    assert audited.returncode == 1
    assert "There is no shop in" in audited.stderr
    assert not (tmp_path / "shpo").exists()
