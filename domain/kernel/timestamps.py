"""Times that somebody tells: with their offset, and within what any calendar of a shop knows."""

from datetime import UTC, datetime
from typing import Annotated, Final

from msgspec import Meta

from domain.kernel.errors import InvalidField

Timestamp = Annotated[datetime, Meta(tz=True)]
"""Whoever takes one in a Struct of its own asks `must_be_within`; a rule of a type cannot."""
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)
RANGE_RULE: Final = f"must lie between the years {EARLIEST.year} and {LATEST.year}"


def is_in_range(moment: datetime) -> bool:
    """Whether `moment`, which has its offset, is one that can be kept and counted from."""
    return EARLIEST <= moment <= LATEST


def clamp_to_now(told: datetime, now: datetime) -> datetime:
    """When it happened: what a clock that is ahead calls later than `now`, happened now.

    Left in the future, it would come after counts that have seen it.
    """
    return min(told, now)


def ensure_representable(field: str, moment: datetime | None) -> None:
    """Raises InvalidField."""
    if moment is not None and not is_in_range(moment):
        raise InvalidField(field, "out_of_range", RANGE_RULE)
