"""Quiet hours are hours on the customer's own wall, whatever the clock does there."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contact.preferences import Preferences, QuietHours
from domain.kernel.errors import InvalidField
from domain.kernel.time_zones import is_time_zone

ZONES = ["Europe/Oslo", "Europe/London", "Europe/Bucharest", "America/New_York", "Asia/Kolkata"]
ZONES += ["Australia/Lord_Howe", "Pacific/Apia", "UTC", "America/St_Johns"]

walls = st.times().map(lambda clock: f"{clock.hour:02}:{clock.minute:02}")
spans = st.tuples(walls, walls).filter(lambda span: span[0] != span[1])
CHANGES = [  # of the clocks in those zones, forward and back
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 6, tzinfo=UTC),
    datetime(2026, 11, 1, 5, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
]
moments = st.one_of(
    st.integers(1_400_000_000, 2_100_000_000).map(lambda at: datetime.fromtimestamp(at, UTC)),
    st.builds(
        lambda change, minutes: change + timedelta(minutes=minutes),
        st.sampled_from(CHANGES),
        st.integers(-2000, 2000),
    ),
)


def is_quiet(quiet: QuietHours, clock: time) -> bool:
    begin, end = time.fromisoformat(quiet.begin), time.fromisoformat(quiet.end)
    return begin <= clock < end if begin < end else not end <= clock < begin


@given(spans, moments, st.sampled_from(ZONES))
def test_a_message_waits_for_the_end_of_quiet_hours_and_no_longer(
    span: tuple[str, str], now: datetime, name: str
):
    quiet, zone = QuietHours(*span), ZoneInfo(name)
    over = quiet.next_allowed_at(now, zone)

    assert now <= over <= now + timedelta(hours=25)
    assert (over == now) == (not is_quiet(quiet, now.astimezone(zone).time()))
    assert quiet.next_allowed_at(over, zone) == over


@pytest.mark.parametrize(
    ("now", "span", "over"),
    [
        # An ordinary night.
        ("2026-11-23T22:30:00+01:00", ("21:00", "08:00"), "2026-11-24T08:00:00+01:00"),
        ("2026-11-24T07:59:59+01:00", ("21:00", "08:00"), "2026-11-24T08:00:00+01:00"),
        ("2026-11-24T08:00:00+01:00", ("21:00", "08:00"), "2026-11-24T08:00:00+01:00"),
        ("2026-11-23T20:59:59+01:00", ("21:00", "08:00"), "2026-11-23T20:59:59+01:00"),
        # A nap.
        ("2026-11-23T13:10:00+01:00", ("13:00", "14:00"), "2026-11-23T14:00:00+01:00"),
        # The spring night is an hour shorter; 02:30 does not exist and becomes 03:30.
        ("2026-03-28T23:00:00+01:00", ("21:00", "08:00"), "2026-03-29T08:00:00+02:00"),
        ("2026-03-28T23:00:00+01:00", ("21:00", "02:30"), "2026-03-29T03:30:00+02:00"),
        # The autumn night has 02:30 twice; the first one counts, until it has passed.
        ("2026-10-24T23:00:00+02:00", ("21:00", "02:30"), "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T02:10:00+01:00", ("21:00", "02:30"), "2026-10-25T02:30:00+01:00"),
    ],
)
def test_the_end_is_where_the_wall_clock_says(now: str, span: tuple[str, str], over: str):
    end = QuietHours(*span).next_allowed_at(datetime.fromisoformat(now), ZoneInfo("Europe/Oslo"))

    assert end == datetime.fromisoformat(over)


@pytest.mark.parametrize(
    "stated",
    [
        {"time_zone": "Mars/Olympus"},
        {"preferred_channels": ["sms", "sms"]},
    ],
)
def test_what_cannot_be_meant_is_refused(stated: dict[str, object]):
    with pytest.raises(InvalidField):
        Preferences(**stated)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["localtime", "Factory", "posixrules", "", "Europe/Atlantis"])
def test_a_zone_is_one_that_iana_names(name: str):
    assert not is_time_zone(name)


@pytest.mark.parametrize("name", ["Europe/Oslo", "UTC", "America/Argentina/Ushuaia"])
def test_a_zone_of_iana_is_one(name: str):
    assert is_time_zone(name)
