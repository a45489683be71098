"""Readers of the values of cells and of JSON members, by the type of the field.

CSV knows only text, JSON has numbers, truth and lists; a field takes both. Each reader raises
ValueError with the end of the sentence that starts with the field's name.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from domain.kernel.ids import check_key
from domain.kernel.timestamps import RANGE_RULE, is_in_range

Reader = Callable[[Any], Any]

MAX_CELL_LENGTH: Final = 10_000
"""Characters in a cell."""
MAX_DIGITS: Final = 20
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_INTEGER_WITH_ZEROS = re.compile(r"-?[0-9]+\.0+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TRUE: Final = frozenset({"true", "yes", "y", "1"})
_FALSE: Final = frozenset({"false", "no", "n", "0"})


class CellTooLong(ValueError):
    """A cell exceeds the length limit; it is refused before any further parsing."""


def is_empty(value: object) -> bool:
    """Returns whether a value is missing or only blanks."""
    return value is None or (isinstance(value, str) and not value.strip())


def text(value: object) -> str:
    if isinstance(value, (dict, list, bool)):
        raise ValueError("must be text")  # noqa: TRY004 - the file is wrong, not the program
    return _to_text(value).strip()


def key(value: object) -> str:
    """Reads a key byte for byte; a number becomes text, a spreadsheet's `17850.0` is `17850`."""
    if isinstance(value, (dict, list, bool)):
        raise ValueError("must be text or a number")  # noqa: TRY004 - the file is wrong
    spelled = _to_text(value)
    return spelled.partition(".")[0] if _INTEGER_WITH_ZEROS.fullmatch(spelled) else spelled


def sku(value: object) -> str:
    return check_key("sku", key(value))


def store(value: object) -> str:
    return check_key("store", key(value))


def decimal_text(value: object) -> str:
    """A number as it is written, in the digits 0 to 9 and nothing between them."""
    written = text(value)
    if not _NUMBER.fullmatch(written):
        raise ValueError("must be a number")
    return written


def number(value: object) -> float:
    return float(decimal_text(value))


def integer(value: object) -> int:
    """`12` or `12.0`, never `12.5`."""
    written = key(value).strip()
    if not _INTEGER.fullmatch(written) or len(written) > MAX_DIGITS:
        raise ValueError("must be a whole number")
    return int(written)


def boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    spelled = text(value).lower()
    if spelled not in _TRUE | _FALSE:
        raise ValueError("must be true or false")
    return spelled in _TRUE


def timestamp(value: object) -> datetime:
    """ISO 8601; a time that names no offset is UTC."""
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        raise ValueError("must be a time such as 2026-11-23T10:15:00-06:00") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not is_in_range(moment):
        raise ValueError(RANGE_RULE)
    return moment.astimezone(UTC)


def calendar_date(value: object) -> date:
    """ISO 8601."""
    try:
        return date.fromisoformat(text(value))
    except ValueError:
        raise ValueError("must be a day such as 2026-11-23") from None


def text_list(value: object) -> list[str]:
    """A JSON list, or text with `;` between."""
    items = value if isinstance(value, list) else text(value).split(";")
    return [word for word in map(text, items) if word]


def text_mapping(value: object) -> dict[str, str]:
    """A JSON object, also as text, or `size=M; colour=blue`."""
    if isinstance(value, dict):
        return {text(name): text(each) for name, each in value.items() if not is_empty(each)}
    written = text(value)
    if written.startswith("{"):
        return text_mapping(json_value(written))
    found = [pair.partition("=") for pair in written.split(";") if pair.strip()]
    if not all(equals and name.strip() and each.strip() for name, equals, each in found):
        raise ValueError("must be written as `name=value; name=value`")
    return {name.strip(): each.strip() for name, _, each in found}


def json_value(value: object) -> Any:
    """JSON, also as text in a cell."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise ValueError("must be JSON") from None


def _to_text(value: object) -> str:
    if isinstance(value, Decimal) and abs(value.adjusted()) > MAX_CELL_LENGTH:
        raise CellTooLong(f"must have at most {MAX_CELL_LENGTH:,} digits")
    spelled = format(value, "f") if isinstance(value, Decimal) else str(value)
    if len(spelled) > MAX_CELL_LENGTH:
        raise CellTooLong(f"must have at most {MAX_CELL_LENGTH:,} characters")
    if _UNSTORABLE.search(spelled):
        raise ValueError("must not hold U+0000 or half a character")
    return spelled
