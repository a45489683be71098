"""A file as a stream of lines: CSV, a JSON array, or one JSON object a line.

Only one line is in memory at a time. A line is named by where it starts: the physical line of a
CSV or NDJSON file (a header is line 1), the place in a JSON array (the first element is 1).
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, BinaryIO, Final

import ijson
import msgspec
from msgspec import Struct

from domain.kernel.errors import Invalid
from service.administration.imports import RefusedLine

MAX_LINE_LENGTH: Final = 1 << 20
MAX_DEPTH: Final = 50
_OPENING: Final = frozenset({"start_map", "start_array"})
_CLOSING: Final = frozenset({"end_map", "end_array"})
_LONE_SURROGATE = re.compile("[\udc80-\udcff]")
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_BOM: Final = b"\xef\xbb\xbf"


class FileUnreadable(Invalid):
    """No line of the file can be read."""

    code = "file_unreadable"


class FileFormat(StrEnum):
    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"


class SourceLine(Struct, frozen=True):
    """The values of one line, by the names of its columns."""

    number: int
    record: dict[str, Any]


def read_lines(
    file: BinaryIO, hint: FileFormat | None = None, known: Callable[[str], bool] = lambda _: True
) -> Iterator[SourceLine | RefusedLine]:
    """Yields each line of `file`, which is at its start and seekable.

    Raises:
        FileUnreadable: it is empty, not UTF-8 text, not in the format of its name, or has no usable
            header: one with at least one `known` column.
    """
    seen = _detect_format(file)
    match hint or seen:
        case FileFormat.CSV:
            return _csv_lines(file, known)
        case FileFormat.JSON if seen is FileFormat.CSV:
            raise FileUnreadable("The file is not JSON: it begins with neither [ nor {.")
        case FileFormat.JSON if seen is FileFormat.JSON:
            return _json_lines(file)
        case _:
            return _ndjson_lines(file)


def _detect_format(file: BinaryIO) -> FileFormat:
    start = file.read(4096)
    file.seek(0)
    if start.startswith(_UTF_16):
        raise FileUnreadable("The file is UTF-16; please save it as UTF-8.")
    match start.removeprefix(_BOM).lstrip()[:1]:
        case b"":
            raise FileUnreadable("The file is empty.")
        case b"[":
            return FileFormat.JSON
        case b"{":
            return FileFormat.NDJSON
        case _:
            return FileFormat.CSV


def _text_lines(file: BinaryIO) -> Iterator[str]:
    """Bytes that are not UTF-8 stay as lone surrogates, so that only their line is refused."""
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    try:
        while line := text.readline(MAX_LINE_LENGTH):
            if len(line) == MAX_LINE_LENGTH:
                raise FileUnreadable(f"A line is longer than {MAX_LINE_LENGTH:,} characters.")
            yield line
    finally:
        if not file.closed:  # the reader may have stopped early and closed it
            text.detach()


def _csv_lines(file: BinaryIO, known: Callable[[str], bool]) -> Iterator[SourceLine | RefusedLine]:
    lines = _text_lines(file)
    first = next(lines, "")
    delimiter = max(",;\t", key=first.count)
    header = next(csv.reader([first], delimiter=delimiter), [])
    columns = [column.strip() for column in header]
    if not any(columns) or _LONE_SURROGATE.search(first) or _CONTROL.search("".join(columns)):
        raise FileUnreadable("The file does not start with a header of column names in UTF-8.")
    if len(set(columns)) < len(columns):
        raise FileUnreadable("The header names a column twice.")
    if not any(map(known, columns)):
        raise FileUnreadable("The header is of no use: none of the columns is mapped or known.")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number = 2
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as trouble:
            yield RefusedLine(number, "unreadable", f"The line is not CSV: {trouble}.")
        else:
            if row:
                yield _csv_line(number, columns, row)
        number = 2 + reader.line_num


def _csv_line(number: int, columns: list[str], row: list[str]) -> SourceLine | RefusedLine:
    if len(row) != len(columns):
        detail = f"The line has {len(row)} cells, the header {len(columns)}."
        return RefusedLine(number, "wrong_columns", detail)
    if _LONE_SURROGATE.search("\0".join(row)):
        return _not_utf8(number)
    return SourceLine(number, dict(zip(columns, row, strict=True)))


def _ndjson_lines(file: BinaryIO) -> Iterator[SourceLine | RefusedLine]:
    for number, line in enumerate(_text_lines(file), start=1):
        if _LONE_SURROGATE.search(line):
            yield _not_utf8(number)
        elif line.strip():
            try:
                yield _json_line(number, msgspec.json.decode(line))
            except (msgspec.DecodeError, RecursionError) as trouble:
                yield RefusedLine(number, "unreadable", f"The line is not JSON: {trouble}.")


def _json_lines(file: BinaryIO) -> Iterator[SourceLine | RefusedLine]:
    """Yields the lines of a JSON array; after a syntax error, one refused line ends them."""
    if file.read(len(_BOM)) != _BOM:
        file.seek(0)
    number = 0
    try:
        for number, element in enumerate(_iterate_elements(_BoundedReader(file)), start=1):
            yield _json_line(number, element)
    except (ijson.JSONError, UnicodeDecodeError, ElementTooLarge) as trouble:
        why = str(trouble).partition("\n")[0]  # the rest would repeat the file
        yield RefusedLine(number + 1, "unreadable", f"The JSON cannot be read from here on: {why}.")


class ElementTooLarge(Exception):
    """One element would fill the memory."""


class _BoundedReader:
    """A file that limits the bytes of one element."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes_read = 0

    def read(self, size: int = -1) -> bytes:
        if self.bytes_read > MAX_LINE_LENGTH:
            raise ElementTooLarge(f"an element is longer than {MAX_LINE_LENGTH:,} bytes")
        chunk = self._file.read(size)
        self.bytes_read += len(chunk)
        return chunk


def _iterate_elements(file: _BoundedReader) -> Iterator[object]:
    """Each element of an array, built from events that know no paths: these grow with the depth."""
    depth = 0
    builder = ijson.ObjectBuilder()
    for event, value in ijson.basic_parse(file):
        depth -= event in _CLOSING
        inside = depth > 0
        if inside:
            builder.event(event, value)
        depth += event in _OPENING
        if depth > MAX_DEPTH:
            raise ElementTooLarge(f"an element is nested more than {MAX_DEPTH} deep")
        if inside and depth == 1:
            yield builder.value
            builder = ijson.ObjectBuilder()
            file.bytes_read = 0


def _json_line(number: int, element: object) -> SourceLine | RefusedLine:
    if not isinstance(element, dict):
        return RefusedLine(number, "not_an_object", "The line is not a JSON object.")
    return SourceLine(number, element)


def _not_utf8(number: int) -> RefusedLine:
    return RefusedLine(number, "not_utf8", "The line has bytes that are not UTF-8.")
