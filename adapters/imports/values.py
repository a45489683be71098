"""What stands in a cell or under a name, read as what a field wants.

CSV knows only text, JSON has numbers, truth and lists; a field takes both. Each reader raises
ValueError with the end of the sentence that starts with the field's name.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from domain.ids import check_key
from domain.moments import RULE, is_within

Reader = Callable[[Any], Any]

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_WHOLE = re.compile(r"-?\d+\.0+")
_TRUE: Final = frozenset({"true", "yes", "y", "1"})
_FALSE: Final = frozenset({"false", "no", "n", "0"})


def is_empty(value: object) -> bool:
    """Nothing was told: no value, or only blanks."""
    return value is None or (isinstance(value, str) and not value.strip())


def text(value: object) -> str:
    if isinstance(value, (dict, list, bool)):
        raise ValueError("must be text")  # noqa: TRY004 - the file is wrong, not the program
    return _spelled(value).strip()


def key(value: object) -> str:
    """Byte for byte; a number becomes text, and what a spreadsheet made `17850.0` is `17850`."""
    if isinstance(value, (dict, list, bool)):
        raise ValueError("must be text or a number")  # noqa: TRY004 - the file is wrong
    spelled = _spelled(value)
    return spelled.partition(".")[0] if _WHOLE.fullmatch(spelled) else spelled


def sku(value: object) -> str:
    return check_key("sku", key(value))


def store(value: object) -> str:
    return check_key("store", key(value))


def number(value: object) -> float:
    try:
        return float(text(value))
    except ValueError:
        raise ValueError("must be a number") from None


def whole(value: object) -> int:
    """`12` or `12.0`, never `12.5`."""
    try:
        return int(key(value).strip())
    except ValueError:
        raise ValueError("must be a whole number") from None


def flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    spelled = text(value).lower()
    if spelled not in _TRUE | _FALSE:
        raise ValueError("must be true or false")
    return spelled in _TRUE


def instant(value: object) -> datetime:
    """ISO 8601; a time that names no offset is UTC."""
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        raise ValueError("must be a time such as 2026-11-23T10:15:00-06:00") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not is_within(moment):
        raise ValueError(RULE)
    return moment.astimezone(UTC)


def words(value: object) -> list[str]:
    """A JSON list, or text with `;` between."""
    items = value if isinstance(value, list) else text(value).split(";")
    return [word for word in map(text, items) if word]


def pairs(value: object) -> dict[str, str]:
    """A JSON object, also as text, or `size=M; colour=blue`."""
    if isinstance(value, dict):
        return {text(name): text(each) for name, each in value.items() if not is_empty(each)}
    written = text(value)
    if written.startswith("{"):
        return pairs(document(written))
    found = [pair.partition("=") for pair in written.split(";") if pair.strip()]
    if not all(equals and name.strip() and each.strip() for name, equals, each in found):
        raise ValueError("must be written as `name=value; name=value`")
    return {name.strip(): each.strip() for name, _, each in found}


def document(value: object) -> Any:
    """JSON, also as text in a cell."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise ValueError("must be JSON") from None


def _spelled(value: object) -> str:
    spelled = format(value, "f") if isinstance(value, Decimal) else str(value)
    if _UNSTORABLE.search(spelled):
        raise ValueError("must not hold U+0000 or half a character")
    return spelled
