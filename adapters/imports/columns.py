"""From the columns of a file to the fields of a kind, and from these to a thing."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

import re2
from msgspec import Struct, ValidationError, convert

from adapters.imports import values
from adapters.imports.kinds import KindOfFile
from adapters.imports.lines import Line
from domain.kernel.errors import DomainError, InvalidField
from service.administration.imports import ImportEntry, ImportOptions, RefusedLine

T = TypeVar("T", bound=Struct)

_NOTHING: Final = object()
_LONGEST_PATTERN: Final = 200
_QUIET: Final = re2.Options()
_QUIET.log_errors = False
_AT: Final = " - at `$."
"""What stands between the rule and the field in a sentence of msgspec."""
_LENGTH: Final = "of length "
"""What such a sentence says of a text, a list or an object that is too long or too short."""


class Told(Struct, Generic[T], frozen=True):
    """An entry, with what folding and telling lines apart need to know of it."""

    entry: ImportEntry[T]
    key: tuple[str, ...]
    seen_at: float = 0.0


class Columns(Generic[T]):
    """Reads the lines of one file as things of one kind."""

    def __init__(self, kind: KindOfFile[T], options: ImportOptions) -> None:
        """Raises WrongField where an option names what the kind does not have."""
        for option, chosen in (
            ("map", options.columns),
            ("set", options.constants),
            ("pattern", options.patterns),
        ):
            for field in chosen:
                _must_know(kind, option, field)
        if options.distinct is not None and (options.distinct,) != kind.key:
            key = " and ".join(kind.key)
            raise InvalidField(
                "distinct", "not_the_key", f"must name what tells lines apart: {key}"
            )
        self._kind = kind
        self._columns = options.columns
        self._constants = options.constants
        self._patterns = {
            field: _compiled(field, pattern) for field, pattern in options.patterns.items()
        }

    def use(self, column: str) -> bool:
        """Whether a column of that name tells a field, by itself or because it is mapped."""
        return column in self._columns.values() or self._kind.knows(column)

    def tell(self, line: Line) -> Told[T] | RefusedLine:
        """The thing that `line` tells, or why it tells none."""
        try:
            return self._told(line)
        except DomainError as no:
            return RefusedLine.of(line.number, no)
        except ValidationError as trouble:
            rule, _, field = str(trouble).partition(_AT)
            detail = f"{field.strip('`') or 'The line'}: {rule.replace('`', '')}."
            return RefusedLine(line.number, "length" if _LENGTH in rule else "invalid", detail)

    def _told(self, line: Line) -> Told[T]:
        cells = dict(self._cells(line.record))
        self._must_match(cells)
        told = {field: self._value(field, cell) for field, cell in cells.items() if _full(cell)}
        told = _gathered(told, self._kind.objects)
        seen_at = told.get("seen_at")
        settled = self._kind.settle(told)
        thing = convert(settled, self._kind.thing)
        named = {field.partition(".")[0] for field in cells}
        named |= settled.keys() - self._kind.defaults
        given = frozenset(named.intersection(self._kind.thing.__struct_fields__))
        key = tuple(str(settled.get(field, "")) for field in self._kind.key)
        return Told(
            ImportEntry(line.number, thing, given), key, seen_at.timestamp() if seen_at else 0.0
        )

    def _cells(self, record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """What is said of each field, once: by a constant, by its mapped column, by its own."""
        yield from self._constants.items()
        for field, column in self._columns.items():
            if field not in self._constants:
                cell = _step(record, column)
                if cell is not _NOTHING:
                    yield field, cell
        for column, cell in record.items():
            taken = column in self._constants or column in self._columns
            if not taken and self._kind.knows(column):
                yield column, cell

    def _must_match(self, cells: Mapping[str, Any]) -> None:
        for field, pattern in self._patterns.items():
            cell = cells.get(field)
            spelled = self._value(field, cell) if _full(cell) else ""
            if not pattern.fullmatch(str(spelled)):
                raise InvalidField(field, "pattern", f"does not match '{pattern.pattern}'")

    def _value(self, field: str, cell: object) -> Any:
        read = self._kind.fields.get(field, values.text)  # a part of an object is text
        try:
            return read(cell)
        except values.TooLong as trouble:
            raise InvalidField(field, "length", str(trouble)) from None
        except ValueError as trouble:
            raise InvalidField(field, "unreadable", str(trouble)) from None


def _must_know(kind: KindOfFile[Any], option: str, field: str) -> None:
    if not kind.knows(field):
        known = ", ".join(kind.fields)
        raise InvalidField(option, "unknown_field", f"names {field!r}; the fields are {known}")


def _compiled(field: str, pattern: str) -> Any:
    """The pattern in RE2, which takes no longer for a text than the text is long."""
    if len(pattern) > _LONGEST_PATTERN:
        raise InvalidField("pattern", "too_long", f"has more than {_LONGEST_PATTERN} characters")
    try:
        return re2.compile(pattern, _QUIET)
    except re2.error as trouble:
        rule = f"for {field} is no regular expression of RE2: {trouble.args[0].decode()}"
        raise InvalidField("pattern", "not_a_pattern", rule) from None
    except UnicodeEncodeError:
        raise InvalidField("pattern", "not_a_pattern", f"for {field} is not UTF-8") from None


def _full(cell: object) -> bool:
    return not values.is_empty(cell)


def _step(record: Mapping[str, Any], column: str) -> Any:
    """The cell of `column`; a dot that is not part of a name steps into an object."""
    if column in record:
        return record[column]
    cell: Any = record
    for name in column.split("."):
        if not isinstance(cell, Mapping) or name not in cell:
            return _NOTHING
        cell = cell[name]
    return cell


def _gathered(told: Mapping[str, Any], objects: frozenset[str]) -> dict[str, Any]:
    """`options.size` and `options.colour` as one `options`."""
    whole: dict[str, Any] = {field: value for field, value in told.items() if "." not in field}
    for field, value in told.items():
        head, dot, part = field.partition(".")
        if dot and head in objects:
            whole[head] = whole.get(head, {}) | {part: value}
    return whole
