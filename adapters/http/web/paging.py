"""Lists in pages: `limit`, an opaque `cursor`, and where the next page starts."""

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter
from msgspec import Struct

from domain.kernel.errors import Invalid

T = TypeVar("T")
K = TypeVar("K")

MAX_LIMIT: Final = 200
MAX_BIGINT: Final = 2**63 - 1
"""Values that a database can search for."""
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="How many items at most.")]
Cursor = Annotated[
    str | None,
    QueryParameter(max_length=500, description="`next_cursor` of the page before, unchanged."),
]


class Page(Struct, Generic[T], frozen=True):
    """`next_cursor` is null on the last page."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(position: Any) -> str:
    """A position, such as the key of the last item, as an opaque cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def decode_cursor(cursor: str | None, kind: type[K]) -> K | None:
    """The position in `cursor`; None at the start.

    Raises:
        Invalid: no cursor of ours.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position = msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=kind)
        _ensure_storable(position)
    except (ValueError, RecursionError):
        error = {
            "parameter": "cursor",
            "in": "query",
            "code": "cursor",
            "detail": "no cursor of ours",
        }
        raise Invalid("cursor: send next_cursor unchanged.", errors=[error]) from None
    return position


def _ensure_storable(position: object) -> None:
    """Raise ValueError for a value that no column can hold."""
    for part in position if isinstance(position, tuple) else (position,):
        if isinstance(part, str) and "\0" in part:
            raise ValueError("a text with U+0000")
        if isinstance(part, int) and abs(part) > MAX_BIGINT:
            raise ValueError("a number without end")


def to_page(found: Sequence[T], limit: int, position: Any) -> Page[T]:
    """Return the first `limit` of `found`, which was read with one more to see if more follow.

    `position` returns the position of an item.
    """
    items = list(found[:limit])
    more = len(found) > limit
    return Page(items, encode_cursor(position(items[-1])) if more else None)
