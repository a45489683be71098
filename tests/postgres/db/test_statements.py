"""SQL with named parameters: resolved to positions, and understood by PostgreSQL."""

import importlib
import pkgutil
from collections.abc import Iterator

import asyncpg
import pytest

import adapters.postgres
from adapters.postgres.administration.invariants import INVARIANTS
from adapters.postgres.db.statements import Statement
from adapters.postgres.db.urls import for_asyncpg

PAGE = Statement("select sku from products where sku > :after and name <> :name limit :limit")


def test_names_become_positions_in_the_order_of_the_text():
    assert PAGE.sql == "select sku from products where sku > $1 and name <> $2 limit $3"
    assert PAGE(limit=5, after="A", name="B") == (PAGE.sql, "A", "B", 5)


def test_a_name_that_comes_twice_is_one_parameter():
    twice = Statement("select :sku::text[] where 'a:b' <> \":c\" and :sku is not null -- :d")

    assert twice.sql == "select $1::text[] where 'a:b' <> \":c\" and $1 is not null -- :d"
    assert twice(sku=["A"]) == (twice.sql, ["A"])


def test_values_without_a_name_fill_the_other_parameters_in_their_order():
    assert PAGE.arguments("A", 5, name="B") == ("A", "B", 5)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((), {"after": "A", "name": "B"}),
        (("A", "B", 5, 6), {}),
        ((), {"after": "A", "name": "B", "limit": 5, "offset": 1}),
        (("A", "B"), {"offset": 5}),
    ],
)
def test_a_missing_value_or_one_too_many_is_a_bug(
    values: tuple[object, ...], named: dict[str, object]
):
    with pytest.raises(TypeError, match="the parameters are"):
        PAGE(*values, **named)


def test_one_statement_is_made_from_another():
    assert Statement(f"{PAGE} for update").sql == f"{PAGE.sql} for update"


def statements() -> Iterator[tuple[str, Statement]]:
    for module in pkgutil.walk_packages(adapters.postgres.__path__, "adapters.postgres."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Statement):
                yield f"{module.name}.{name}", value


async def test_postgresql_understands_every_statement_and_invariant(database_url: str):
    connection = await asyncpg.connect(for_asyncpg(database_url))
    refused = {}
    known = dict(statements())
    for name, sql in [*((n, s.sql) for n, s in known.items()), *INVARIANTS.items()]:
        try:
            await connection.prepare(sql)
        except asyncpg.PostgresError as error:
            refused[name] = str(error)
    await connection.close()

    assert len(known) > 200
    assert refused == {}
