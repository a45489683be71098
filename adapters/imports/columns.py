"""From the columns of a file to the fields of a kind, and from these to a thing."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

import re2
from msgspec import Struct, ValidationError, convert

from adapters.imports import values
from adapters.imports.kinds import ImportSchema
from adapters.imports.lines import SourceLine
from domain.kernel.errors import DomainError, InvalidField
from service.administration.imports import ImportEntry, ImportOptions, RefusedLine

T = TypeVar("T", bound=Struct)

_MISSING: Final = object()
_MAX_PATTERN_LENGTH: Final = 200
_RE2_OPTIONS: Final = re2.Options()
_RE2_OPTIONS.log_errors = False
_PATH_MARKER: Final = " - at `$."
"""The text between the rule and the field in an error message of msgspec."""
_LENGTH_MARKER: Final = "of length "
"""The text in an error message of msgspec about a wrong length."""


class ParsedLine(Struct, Generic[T], frozen=True):
    """An entry, with the data needed to fold lines and to distinguish them."""

    entry: ImportEntry[T]
    key: tuple[str, ...]
    seen_at: float = 0.0


class ColumnMapping(Generic[T]):
    """Reads the lines of one file as things of one kind."""

    def __init__(self, kind: ImportSchema[T], options: ImportOptions) -> None:
        """Raises InvalidField where an option names a field that the kind does not have."""
        for option, chosen in (
            ("map", options.columns),
            ("set", options.constants),
            ("pattern", options.patterns),
        ):
            for field in chosen:
                _ensure_field(kind, option, field)
        if options.distinct is not None and (options.distinct,) != kind.key:
            key = " and ".join(kind.key)
            raise InvalidField(
                "distinct", "not_the_key", f"must name the identifying columns: {key}"
            )
        self._schema = kind
        self._columns = options.columns
        self._constants = options.constants
        self._patterns = {
            field: _compile_pattern(field, pattern) for field, pattern in options.patterns.items()
        }

    def is_used(self, column: str) -> bool:
        """Returns whether a column of that name gives a field, by itself or by its mapping."""
        return column in self._columns.values() or self._schema.has_field(column)

    def parse(self, line: SourceLine) -> ParsedLine[T] | RefusedLine:
        """Parses `line` into its entry, or refuses it with the reason."""
        try:
            return self._parse(line)
        except DomainError as no:
            return RefusedLine.of(line.number, no)
        except ValidationError as trouble:
            rule, _, field = str(trouble).partition(_PATH_MARKER)
            detail = f"{field.strip('`') or 'The line'}: {rule.replace('`', '')}."
            return RefusedLine(
                line.number, "length" if _LENGTH_MARKER in rule else "invalid", detail
            )

    def _parse(self, line: SourceLine) -> ParsedLine[T]:
        cells = dict(self._cells(line.record))
        self._check_patterns(cells)
        told = {
            field: self._parse_cell(field, cell)
            for field, cell in cells.items()
            if _has_value(cell)
        }
        told = _nest_fields(told, self._schema.nested_fields)
        seen_at = told.get("seen_at")
        settled = self._schema.normalize(told)
        thing = convert(settled, self._schema.record_type)
        named = {field.partition(".")[0] for field in cells}
        named |= settled.keys() - self._schema.default_fields
        given = frozenset(named.intersection(self._schema.record_type.__struct_fields__))
        key = tuple(str(settled.get(field, "")) for field in self._schema.key)
        return ParsedLine(
            ImportEntry(line.number, thing, given), key, seen_at.timestamp() if seen_at else 0.0
        )

    def _cells(self, record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yields the value of each field, once: a constant, its mapped column or its own one."""
        yield from self._constants.items()
        for field, column in self._columns.items():
            if field not in self._constants:
                cell = _get_path(record, column)
                if cell is not _MISSING:
                    yield field, cell
        for column, cell in record.items():
            taken = column in self._constants or column in self._columns
            if not taken and self._schema.has_field(column):
                yield column, cell

    def _check_patterns(self, cells: Mapping[str, Any]) -> None:
        for field, pattern in self._patterns.items():
            cell = cells.get(field)
            spelled = self._parse_cell(field, cell) if _has_value(cell) else ""
            if not pattern.fullmatch(str(spelled)):
                raise InvalidField(field, "pattern", f"does not match '{pattern.pattern}'")

    def _parse_cell(self, field: str, cell: object) -> Any:
        read = self._schema.fields.get(field, values.text)  # a part of an object is text
        try:
            return read(cell)
        except values.CellTooLong as trouble:
            raise InvalidField(field, "length", str(trouble)) from None
        except ValueError as trouble:
            raise InvalidField(field, "unreadable", str(trouble)) from None


def _ensure_field(kind: ImportSchema[Any], option: str, field: str) -> None:
    if not kind.has_field(field):
        known = ", ".join(kind.fields)
        raise InvalidField(option, "unknown_field", f"names {field!r}; the fields are {known}")


def _compile_pattern(field: str, pattern: str) -> Any:
    """The pattern in RE2, which takes no longer for a text than the text is long."""
    if len(pattern) > _MAX_PATTERN_LENGTH:
        raise InvalidField("pattern", "too_long", f"has more than {_MAX_PATTERN_LENGTH} characters")
    try:
        return re2.compile(pattern, _RE2_OPTIONS)
    except re2.error as trouble:
        rule = f"for {field} is no regular expression of RE2: {trouble.args[0].decode()}"
        raise InvalidField("pattern", "not_a_pattern", rule) from None
    except UnicodeEncodeError:
        raise InvalidField("pattern", "not_a_pattern", f"for {field} is not UTF-8") from None


def _has_value(cell: object) -> bool:
    return not values.is_empty(cell)


def _get_path(record: Mapping[str, Any], column: str) -> Any:
    """The cell of `column`; a dot that is not part of a name steps into an object."""
    if column in record:
        return record[column]
    cell: Any = record
    for name in column.split("."):
        if not isinstance(cell, Mapping) or name not in cell:
            return _MISSING
        cell = cell[name]
    return cell


def _nest_fields(told: Mapping[str, Any], objects: frozenset[str]) -> dict[str, Any]:
    """`options.size` and `options.colour` as one `options`."""
    whole: dict[str, Any] = {field: value for field, value in told.items() if "." not in field}
    for field, value in told.items():
        head, dot, part = field.partition(".")
        if dot and head in objects:
            whole[head] = whole.get(head, {}) | {part: value}
    return whole
