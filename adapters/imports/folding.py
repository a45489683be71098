"""Lines of one key, in a file of any length: folded into one entry, or distinguished.

The keys already read are in a temporary SQLite file, so that memory does not grow with the file.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct, structs

from adapters.imports.columns import ParsedLine
from service.administration.imports import ImportEntry, RefusedLine

T = TypeVar("T", bound=Struct)

_SEEN_TABLE: Final = "create table seen (key text primary key, line int, digest blob) without rowid"
_LINES_TABLE: Final = "create table noted (key text, seen_at real, line int, entry blob)"
_KEY_ENCODER: Final = msgspec.json.Encoder()


def _temporary_database(table: str) -> sqlite3.Connection:
    """A database that lives in a temporary file and dies with its connection."""
    scratch = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    scratch.execute("pragma journal_mode = off")
    scratch.execute(table)
    scratch.execute("begin")
    return scratch


def reject_contradictions(
    lines: Iterable[ParsedLine[T] | RefusedLine],
) -> Iterator[ImportEntry[T] | RefusedLine]:
    """Refuse a line that contradicts an earlier one of its key.

    Otherwise each reading of the same file would change the thing back and forth.
    """
    seen = _temporary_database(_SEEN_TABLE)
    try:
        for line in lines:
            yield line if isinstance(line, RefusedLine) else _check_contradiction(seen, line)
    finally:
        seen.close()


def _check_contradiction(
    seen: sqlite3.Connection, told: ParsedLine[T]
) -> ImportEntry[T] | RefusedLine:
    key = _KEY_ENCODER.encode(told.key)
    digest = blake2b(_KEY_ENCODER.encode(told.entry.value), digest_size=16).digest()
    added = seen.execute(
        "insert into seen values (?, ?, ?) on conflict do nothing", (key, told.entry.line, digest)
    )
    if added.rowcount:
        return told.entry
    ((line, before),) = seen.execute("select line, digest from seen where key = ?", (key,))
    if before == digest:
        return told.entry
    detail = f"The line has another value of {' '.join(told.key)} than line {line} does."
    return RefusedLine(told.entry.line, "contradiction", detail)


class LineMerger(Generic[T]):
    """All lines of one key become one thing: its most frequent name, all else from the latest."""

    def __init__(self, thing: type[T]) -> None:
        self._decoder = msgspec.msgpack.Decoder(ImportEntry[thing])  # type: ignore[valid-type]

    def merge(
        self, lines: Iterable[ParsedLine[T] | RefusedLine]
    ) -> Iterator[ImportEntry[T] | RefusedLine]:
        """Refused lines as they come, then one entry for each key."""
        noted = _temporary_database(_LINES_TABLE)
        try:
            for line in lines:
                if isinstance(line, RefusedLine):
                    yield line
                else:
                    _store_line(noted, line)
            order = noted.execute("select key, entry from noted order by key, seen_at, line")
            for _, rows in groupby(order, key=lambda row: row[0]):
                yield self._merge_rows(entry for _, entry in rows)
        finally:
            noted.close()

    def _merge_rows(self, rows: Iterable[bytes]) -> ImportEntry[T]:
        names: Counter[str] = Counter()
        lines: list[int] = []
        given: frozenset[str] = frozenset()
        for row in rows:
            latest = self._decoder.decode(row)
            names[getattr(latest.value, "name", "")] += 1
            lines.append(latest.line)
            given |= latest.given
        value = _with_commonest_name(latest.value, names)
        return ImportEntry(min(lines), value, given, folded=len(lines) - 1)


def _store_line(noted: sqlite3.Connection, told: ParsedLine[Any]) -> None:
    row = (
        _KEY_ENCODER.encode(told.key),
        told.seen_at,
        told.entry.line,
        msgspec.msgpack.encode(told.entry),
    )
    noted.execute("insert into noted values (?, ?, ?, ?)", row)


def _with_commonest_name(value: T, names: Counter[str]) -> T:
    """`value` by the name that most lines use; an empty one has no voice, the first wins a tie."""
    voices: Sequence[tuple[str, int]] = [(name, n) for name, n in names.most_common() if name]
    return structs.replace(value, name=voices[0][0]) if voices else value
