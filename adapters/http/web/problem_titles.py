"""Loads the titles of problems (RFC 9457) from `titles/`: one TOML catalog for each language.

A problem whose code has no title gets the title of its status.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from domain.kernel.locales import LOCALES

CATALOGS: Final = Path(__file__).with_name("titles")

TranslatedTitle = tuple[str, ...]
"""One title in every language, in the order of `LOCALES`."""
Key = TypeVar("Key", int, str)


class Catalog(Struct, frozen=True, forbid_unknown_fields=True):
    """One language's titles."""

    statuses: dict[int, str]
    codes: dict[str, str]


def load_catalog(locale: str) -> Catalog:
    entries = tomllib.loads((CATALOGS / f"{locale}.toml").read_text(encoding="utf-8"))
    return msgspec.convert(entries, Catalog, str_keys=True)


def get_title(code: str, status: int, locale: str) -> str:
    title = TITLES_BY_CODE.get(code) or TITLES_BY_STATUS.get(status) or TITLES_BY_STATUS[400]
    return title[LOCALES.index(locale)]


def _join(tables: Sequence[Mapping[Key, str]]) -> dict[Key, TranslatedTitle]:
    """Joins one table per language; a title that a language lacks is the English one."""
    english = tables[0]
    return {key: tuple(table.get(key, english[key]) for table in tables) for key in english}


_LOADED: Final = [load_catalog(locale) for locale in LOCALES]
TITLES_BY_STATUS: Final = _join([catalog.statuses for catalog in _LOADED])
TITLES_BY_CODE: Final = _join([catalog.codes for catalog in _LOADED])
