"""Database URLs: as users write them, and as SQLAlchemy and asyncpg read them.

Inside the project an address is SQLAlchemy's, with the driver's name; one that goes through a
socket names the folder of the socket: `postgresql+asyncpg://hylla@/hylla?host=/path`.
"""

from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

SPELLINGS: Final = frozenset({"postgresql", "postgres", "postgresql+asyncpg"})


def for_sqlalchemy(address: str) -> str:
    """The address with the driver named, and libpq's `sslmode` as asyncpg's `ssl`.

    Raises:
        ValueError: it is no address of a PostgreSQL database.
    """
    return _spell("postgresql+asyncpg", _parse(address), {"sslmode": "ssl"})


def for_asyncpg(address: str) -> str:
    """The address as asyncpg, libpq and `psql` read it."""
    return _spell("postgresql", _parse(address), {"ssl": "sslmode"})


def with_database(address: str, database: str) -> str:
    """The same server, another database."""
    url = urlsplit(address)
    return _spell(url.scheme, url._replace(path=f"/{quote(database)}"), {})


def without_password(address: str) -> str:
    """The address as users write it and as it may be shown."""
    url = urlsplit(for_asyncpg(address))
    login, at, host = url.netloc.rpartition("@")
    user, colon, _ = login.partition(":")
    shown = f"{user}:***@{host}" if colon else f"{login}{at}{host}"
    return _spell(url.scheme, url._replace(netloc=shown), {})


def _parse(address: str) -> SplitResult:
    url = urlsplit(address)
    if not url.scheme or "://" not in address:
        raise ValueError("it is not written as postgresql://user@host/database")
    if url.scheme not in SPELLINGS:
        raise ValueError(f"it names {url.scheme}, and only postgresql is understood")
    if not url.path.strip("/"):
        raise ValueError("it names no database: postgresql://user@host/database")
    return url


def _spell(scheme: str, url: SplitResult, renamed: dict[str, str]) -> str:
    query = [(renamed.get(name, name), value) for name, value in parse_qsl(url.query)]
    asked = f"?{urlencode(query, quote_via=quote, safe='')}" if query else ""
    return f"{scheme}://{url.netloc}{url.path}{asked}"
