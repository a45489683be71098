"""How the address of a database is spelt: as users write it, as SQLAlchemy and asyncpg read it.

Inside the project an address is SQLAlchemy's, with the driver's name; one that goes through a
socket names the folder of the socket: `postgresql+asyncpg://hylla@/hylla?host=/path`.
"""

from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

SPELLINGS: Final = frozenset({"postgresql", "postgres", "postgresql+asyncpg"})


def for_sqlalchemy(address: str) -> str:
    """The address with the driver named, and libpq's `sslmode` as asyncpg's `ssl`.

    Raises:
        ValueError: it is no address of a PostgreSQL database.
    """
    url = _parse(address)
    query = {("ssl" if name == "sslmode" else name): value for name, value in url.query.items()}
    return _spell(url.set(drivername="postgresql+asyncpg", query=query))


def for_asyncpg(address: str) -> str:
    """The address as asyncpg, libpq and `psql` read it."""
    url = _parse(address)
    query = {("sslmode" if name == "ssl" else name): value for name, value in url.query.items()}
    return _spell(url.set(drivername="postgresql", query=query))


def with_database(address: str, database: str) -> str:
    """The same server, another database."""
    return _spell(make_url(address).set(database=database))


def without_password(address: str) -> str:
    """The address as users write it and as it may be shown."""
    return make_url(for_asyncpg(address)).render_as_string(hide_password=True)


def _parse(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise ValueError("it is not written as postgresql://user@host/database") from None
    if url.drivername not in SPELLINGS:
        raise ValueError(f"it names {url.drivername}, and only postgresql is understood")
    if not url.database:
        raise ValueError("it names no database: postgresql://user@host/database")
    return url


def _spell(url: URL) -> str:
    return url.render_as_string(hide_password=False)
