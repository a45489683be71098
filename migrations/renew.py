"""Writes `migrations/schema.sql` from the tables of the code: `python -m migrations.renew`."""

from pathlib import Path
from typing import Final

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from adapters.postgres.db.ledgers import RULES
from adapters.postgres.db.tables import CONTEXTS, FIRST_ROWS, VIEWS, metadata

PATH: Final = Path(__file__).with_name("schema.sql")
DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]
HEAD: Final = """\
-- The whole schema, for PostgreSQL 15 to 18. An empty database gets it in one step.
-- Written by `make schema` from the tables in `adapters/postgres/*/tables.py`.
"""


def main() -> None:
    PATH.write_text(schema(), encoding="utf-8")


def schema() -> str:
    """Every table with its indexes, each after those it refers to; the ledgers' rules; rows."""
    tables = [_table(table) for table in metadata.sorted_tables]
    views = [f"{view};\n" for view in VIEWS]
    rules = [f"{rule.strip()};\n" for rule in RULES]
    rows = [f"{row};" for row in FIRST_ROWS]
    ledgers = ["-- Ledgers: append-only, and balanced.", *rules]
    return "\n".join([HEAD, *tables, *views, *ledgers, "-- First rows.", *rows, ""])


def _table(table: Table) -> str:
    context = next(name for name, tables in CONTEXTS.items() if table.name in vars(tables))
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    return "\n".join([
        f"-- {context}",
        f"{_sql(CreateTable(table))};",
        *(f"{_sql(CreateIndex(index))};" for index in indexes),
        "",
    ])  # fmt: skip


def _sql(element: CreateTable | CreateIndex) -> str:
    text = str(element.compile(dialect=DIALECT))
    return "\n".join(line.replace("\t", "    ").rstrip() for line in text.strip().splitlines())


if __name__ == "__main__":
    main()
