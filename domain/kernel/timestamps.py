"""Timestamps in input: with their offset, and within the range of calendars."""

from datetime import UTC, datetime
from typing import Annotated, Final

from msgspec import Meta

from domain.kernel.errors import InvalidField

Timestamp = Annotated[datetime, Meta(tz=True)]
"""A Struct with such a field calls `must_be_within` itself; a type constraint cannot check it."""
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)
RANGE_RULE: Final = f"must be between the years {EARLIEST.year} and {LATEST.year}"


def is_in_range(moment: datetime) -> bool:
    """Whether `moment`, which has its offset, can be stored and used in date arithmetic."""
    return EARLIEST <= moment <= LATEST


def clamp_to_now(told: datetime, now: datetime) -> datetime:
    """The time of the event: a time later than `now`, from a clock that is ahead, becomes `now`.

    Left in the future, it would come after counts that have seen it.
    """
    return min(told, now)


def ensure_representable(field: str, moment: datetime | None) -> None:
    """Raises InvalidField."""
    if moment is not None and not is_in_range(moment):
        raise InvalidField(field, "out_of_range", RANGE_RULE)
