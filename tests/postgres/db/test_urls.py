"""Addresses of databases: as people write them, and as each library reads them."""

import pytest

from adapters.postgres.db.urls import for_asyncpg, for_sqlalchemy, with_database, without_password


@pytest.mark.parametrize(
    ("written", "sqlalchemy", "asyncpg"),
    [
        (
            "postgresql://me:p%40ss@db.example:5433/hylla",
            "postgresql+asyncpg://me:p%40ss@db.example:5433/hylla",
            "postgresql://me:p%40ss@db.example:5433/hylla",
        ),
        ("postgres://db/hylla", "postgresql+asyncpg://db/hylla", "postgresql://db/hylla"),
        (
            "postgresql+asyncpg://hylla@/hylla?host=/var/run/shop",
            "postgresql+asyncpg://hylla@/hylla?host=%2Fvar%2Frun%2Fshop",
            "postgresql://hylla@/hylla?host=%2Fvar%2Frun%2Fshop",
        ),
        (
            "postgresql://db/hylla?sslmode=require",
            "postgresql+asyncpg://db/hylla?ssl=require",
            "postgresql://db/hylla?sslmode=require",
        ),
    ],
)
def test_an_address_has_one_spelling_for_each_library(written, sqlalchemy, asyncpg):
    assert for_sqlalchemy(written) == sqlalchemy
    assert for_asyncpg(written) == asyncpg
    assert for_asyncpg(for_sqlalchemy(written)) == asyncpg


@pytest.mark.parametrize("written", ["", "db", "mysql://db/hylla", "postgresql://db", "://x/y"])
def test_what_is_no_address_of_ours_is_refused(written):
    with pytest.raises(ValueError, match="it "):
        for_sqlalchemy(written)


def test_the_same_server_may_hold_another_database():
    assert with_database("postgresql://db/a?host=/x", "b") == "postgresql://db/b?host=%2Fx"


def test_a_password_is_not_shown():
    assert without_password("postgresql+asyncpg://me:hunter2@db/a") == "postgresql://me:***@db/a"
