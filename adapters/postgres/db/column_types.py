"""Column types, and the project's naming convention of keys, checks and indexes."""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

Key = Text(collation="C")
Instant = TIMESTAMP(timezone=True)


def key(name: str, *args: Any, **kwargs: Any) -> Column[str]:
    """A column that holds a key or an id: compared byte for byte."""
    return Column(name, Key, *args, **{"nullable": False, **kwargs})


def words(name: str, **kwargs: Any) -> Column[str]:
    """Text for people; empty when there is none."""
    return Column(name, Text, **{"nullable": False, "server_default": text("''"), **kwargs})


def count(name: str, **kwargs: Any) -> Column[int]:
    """Whole units; 0 until something happens."""
    return Column(name, Integer, **{"nullable": False, "server_default": text("0"), **kwargs})


def minor(name: str, **kwargs: Any) -> Column[int]:
    """Money in whole minor units of the row's currency."""
    return Column(name, BigInteger, **{"nullable": False, **kwargs})


def document(name: str, empty: str = "{}", **kwargs: Any) -> Column[Any]:
    """Defines a JSON column that is read whole and never searched by its parts."""
    default = text(f"'{empty}'::jsonb")
    return Column(name, JSONB, **{"nullable": False, "server_default": default, **kwargs})


def instant(name: str, **kwargs: Any) -> Column[Any]:
    return Column(name, Instant, **{"nullable": False, **kwargs})


def version() -> Column[int]:
    return Column("version", BigInteger, nullable=False, server_default=text("1"))
