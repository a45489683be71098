"""Contact preferences of a customer: the channels, the hours and the frequency."""

from datetime import datetime, time, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct, field

from domain.contact.channels import MessageChannel
from domain.kernel.errors import InvalidField
from domain.kernel.locales import Locale
from domain.kernel.patterns import anchored
from domain.kernel.time_zones import is_time_zone
from domain.kernel.timestamps import Timestamp, ensure_representable

WallTime = Annotated[
    str,
    Meta(
        pattern=anchored("([01][0-9]|2[0-3]):[0-5][0-9]"),
        description="hours and minutes, 24 h",
        extra_json_schema={"example": "21:00"},
    ),
]
Topic = Annotated[str, Meta(pattern=anchored("[a-z0-9_-]{1,64}"))]

MARKETING_PERIOD: Final = timedelta(days=7)
"""The period that `weekly_maximum` counts back."""


class QuietHours(Struct, frozen=True, forbid_unknown_fields=True):
    """Quiet hours, on the customer's own clock; `21:00` to `08:00` spans midnight."""

    begin: WallTime = field(name="from")
    end: WallTime = field(name="to")

    def __post_init__(self) -> None:
        if self.begin == self.end:
            raise InvalidField("quiet_hours.to", "no_length", "must differ from its beginning")

    def next_allowed_at(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The next time outside quiet hours: `now` itself, else the end of them.

        An end that the clock skips in spring comes when the clock has gone forward, one that
        comes twice in autumn the first time, unless that has passed.
        """
        here = now.astimezone(zone)
        begin, end = time.fromisoformat(self.begin), time.fromisoformat(self.end)
        clock = here.time()
        quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
        if not quiet:
            return now
        day = here.date() if clock < end else here.date() + timedelta(days=1)
        first = datetime.combine(day, end, zone)
        over = first if first.timestamp() > now.timestamp() else first.replace(fold=1)
        return over.astimezone(now.tzinfo)


class Preferences(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The stated preferences of a customer; none is assumed where none was stated.

    `weekly_maximum` counts advertising in seven days, on all channels together.
    """

    preferred_channels: Annotated[list[MessageChannel], Meta(max_length=len(MessageChannel))] = []
    locale: Locale | None = None
    time_zone: Annotated[str, Meta(max_length=64, examples=["Europe/Oslo"])] | None = None
    quiet_hours: QuietHours | None = None
    topics: Annotated[list[Topic], Meta(max_length=50)] = []
    snooze_until: Timestamp | None = None
    weekly_maximum: Annotated[int, Meta(ge=0, le=1000)] | None = None

    def __post_init__(self) -> None:
        if len(set(self.preferred_channels)) < len(self.preferred_channels):
            raise InvalidField("preferred_channels", "repeated", "must name each channel once")
        if self.time_zone is not None and not is_time_zone(self.time_zone):
            raise InvalidField("time_zone", "unknown_time_zone", "must be a name of the IANA list")
        ensure_representable("snooze_until", self.snooze_until)


NO_PREFERENCES: Final = Preferences()
