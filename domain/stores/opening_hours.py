"""Opening hours of a store: as people write them, stored as OSM opening hours.

People leave out am and pm. `10-9:30` is from ten in the morning to half past nine at night,
`0-11:59` the whole day, `6-2` an evening that ends after midnight. OSM text (`Mo-Sa 10:00-21:30; PH
off`) is unambiguous and is the stored form. Empty text is a store without stated hours; it counts
as always open, since nothing forbids it.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from opening_hours import (  # type: ignore[attr-defined]  # the library's stub lacks the error
    OpeningHours,
    State,
    UnknownCountryError,
    validate,
)

from domain.kernel.errors import InvalidField

Span = tuple[int, int]
"""Start and end, in minutes after midnight; past 1440 it ends on the next day."""

_DAY: Final = 24 * 60
_HALF_DAY: Final = 12 * 60
_LAST_MINUTE: Final = _DAY - 1
_ALWAYS: Final = "24/7"

_DAYS: Final = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_NAME = (
    r"mo(?:n(?:day)?)?|tu(?:e(?:s(?:day)?)?)?|we(?:d(?:nesday)?)?|th(?:u(?:r(?:s(?:day)?)?)?)?"
    r"|fr(?:i(?:day)?)?|sa(?:t(?:urday)?)?|su(?:n(?:day)?)?"
)
_DASH = r"\s*(?:-|–|—|to|until)\s*"  # noqa: RUF001 - the dashes people type
_DAY_RANGE = re.compile(rf"({_NAME})(?:{_DASH}({_NAME}))?")
_PART = re.compile(
    rf"(?P<days>daily|(?:{_NAME})(?:(?:{_DASH}|\s*(?:,|&|and|/)\s*)(?:{_NAME}))*)\.?"
    r"(?:\s*:\s*|\s+)(?P<times>\S.*)"
)
_TIME = r"(\d{1,2})(?:[:.]([0-5]\d))?\s*(am|pm|a\.m\.|p\.m\.)?"
_TIMES = re.compile(rf"{_TIME}{_DASH}{_TIME}")
_CLOSED: Final = frozenset({"closed", "off"})
_WHOLE_DAY: Final = frozenset({"24 hours", "24h", "open 24 hours", "24/7"})


class InvalidOpeningHours(InvalidField):
    """Neither OSM opening hours nor days and times as people write them."""

    def __init__(self, part: str) -> None:
        rule = f"has no opening hours in {part!r}; write `Mon: 10-9:30; Sun: 11-7` or OSM text"
        super().__init__("hours", "hours_unreadable", rule)


@lru_cache(maxsize=4096)
def parse_hours(text: str) -> str:
    """Parses `text` to OSM opening hours, normalised; empty when no hours are given.

    A day that people leave out is closed. Parsing a parsed text changes nothing.

    Raises:
        InvalidOpeningHours: it is neither OSM text nor days with times.
    """
    written = text.strip()
    if not written:
        return ""
    return str(OpeningHours(written if validate(written) else _to_osm(written)).normalize())


def is_open(hours: str, time_zone: str, at: datetime, country: str = "") -> bool:
    span = next(_open_spans(hours, time_zone, at, country), None)
    return span is not None and span[0] <= at


def next_opening_at(hours: str, time_zone: str, at: datetime, country: str = "") -> datetime | None:
    """The next instant the store is open, `at` itself if it is; None when it never will be."""
    return ready_at(hours, time_zone, at, 0, country)


def ready_at(
    hours: str, time_zone: str, now: datetime, prep_minutes: int, country: str = ""
) -> datetime | None:
    """The instant when `prep_minutes` of opening time have passed since `now`; None when never.

    Work stops when the store closes and goes on when it opens: at 17:30, an hour's work in a store
    that closes at 18:00 is done half an hour after the next opening. The answer bears the store's
    own offset.
    """
    return _ready_at(hours, time_zone, now.astimezone(UTC), prep_minutes, country)


@lru_cache(maxsize=4096)
def _ready_at(
    hours: str, time_zone: str, now: datetime, prep_minutes: int, country: str
) -> datetime | None:
    """Cached, since a page of goods queries the same stores at one moment."""
    left = timedelta(minutes=prep_minutes)
    for opens, closes in _open_spans(hours, time_zone, now, country):
        begins = max(opens, now)
        if closes is None or closes - begins >= left:
            return (begins + left).astimezone(ZoneInfo(time_zone))
        left -= closes - begins
    return None


def spans_on_day(
    hours: str, time_zone: str, at: datetime, country: str = ""
) -> list[tuple[datetime, datetime]] | None:
    """Start and end of the day of `at`, in the store's own time; None when no hours are given.

    An evening that ends after midnight belongs to the day it begins on.
    """
    if not hours:
        return None
    zone = ZoneInfo(time_zone)
    today = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    tomorrow = today + timedelta(days=1)
    found = []
    for opens, closes in _open_spans(hours, time_zone, today, country):
        if opens >= tomorrow:
            break
        through = opens < today and (closes is None or closes >= tomorrow)
        if opens >= today or through:
            begins = max(opens, today.astimezone(UTC))
            ends = min(closes or tomorrow, begins + timedelta(days=1), key=datetime.timestamp)
            found.append((begins.astimezone(zone), ends.astimezone(zone)))
    return found


def _open_spans(
    hours: str, time_zone: str, after: datetime, country: str
) -> Iterator[tuple[datetime, datetime | None]]:
    """Open periods after `after`, in UTC, where an hour is an hour; the last may have no end.

    The library looks at the clock on the wall and takes the second of two equal hours in autumn. A
    start one day early gives right results, and so a right promise, through that hour.
    """
    zone = ZoneInfo(time_zone)
    early = (after - timedelta(days=1)).astimezone(zone)
    for opens, closes, state, _ in _calendar(hours, time_zone, country).intervals(early):
        until = closes and closes.astimezone(UTC)
        if state == State.OPEN and (until is None or until > after):
            yield opens.astimezone(UTC), until


@lru_cache(maxsize=4096)
def _calendar(hours: str, time_zone: str, country: str) -> OpeningHours:
    zone = ZoneInfo(time_zone)
    try:
        return OpeningHours(hours or _ALWAYS, timezone=zone, country=country or None)
    except UnknownCountryError:  # the library knows no public holidays there
        return OpeningHours(hours or _ALWAYS, timezone=zone)


# --- hours as people write them -------------------------------------------------------------------


def _to_osm(written: str) -> str:
    week: dict[int, list[Span]] = {}
    for part in filter(None, (part.strip() for part in re.split(r"[;\n]", written))):
        found = _PART.fullmatch(part.lower())
        if not found:
            raise InvalidOpeningHours(part)
        spans = _spans(found["times"], part)
        for day in _days(found["days"]):
            week.setdefault(day, []).extend(spans)
    rules = [
        f"{_DAYS[day]} {','.join(map(_format_span, spans))}" for day, spans in week.items() if spans
    ]
    late = any(until > _DAY for spans in week.values() for _, until in spans)
    # After `;` a day's own rule would cut off the hours that the evening before left it.
    return (", " if late else "; ").join(rules) or "off"


def _days(text: str) -> list[int]:
    if text == "daily":
        return list(range(7))
    days: list[int] = []
    for first, last in _DAY_RANGE.findall(text):
        start = _day(first)
        length = (_day(last) - start) % 7 if last else 0
        days += [(start + step) % 7 for step in range(length + 1)]
    return days


def _day(name: str) -> int:
    return _DAYS.index(name[:2].capitalize())


def _spans(times: str, part: str) -> list[Span]:
    if times in _CLOSED:
        return []
    if times in _WHOLE_DAY:
        return [(0, _DAY)]
    found = [_TIMES.fullmatch(piece.strip()) for piece in re.split(r",|&|\band\b", times)]
    spans = [_span(times.groups(default="")) for times in found if times]
    if len(spans) < len(found) or any(opens >= _DAY or until > 2 * _DAY for opens, until in spans):
        raise InvalidOpeningHours(part)
    return spans


def _span(written: Sequence[str]) -> Span:
    """From (hour, minute, half of the day) twice; omitted parts are inferred.

    An opening from 1 to 6 is in the afternoon; a closing is so many half days later that it comes
    after the opening. A time that names its half of the day or starts with a zero needs no
    inference, and a closing from 13 on means that its opening is on the 24-hour clock too.
    """
    opens, closes = _minutes(*written[:3]), _minutes(*written[3:])
    if _is_ambiguous(written[:3]) and 1 <= opens // 60 <= 6 and closes // 60 <= 12:  # noqa: PLR2004
        opens += _HALF_DAY
    if tuple(written[3:]) == ("11", "59", ""):
        closes = _LAST_MINUTE
    while closes <= opens:
        closes += _HALF_DAY if _is_ambiguous(written[3:]) else _DAY
    # People who write 11:59 leave out the whole day's last minute only because it has no name.
    return (0, _DAY) if (opens, closes) == (0, _LAST_MINUTE) else (opens, closes)


def _is_ambiguous(time: Sequence[str]) -> bool:
    hour, _, half = time
    return not half and not hour.startswith("0")


def _minutes(hour: str, minute: str, half: str) -> int:
    hours = int(hour) % 12 if half else int(hour)
    return (hours + 12 * half.startswith("p")) * 60 + int(minute or 0)


def _format_span(span: Span) -> str:
    return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in span)
