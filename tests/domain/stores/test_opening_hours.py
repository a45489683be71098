"""When a store is open, and when work that takes opening time is done."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.stores.opening_hours import (
    InvalidOpeningHours,
    is_open,
    next_opening_at,
    parse_hours,
    ready_at,
)

AMSTERDAM = "Europe/Amsterdam"
EVERY_DAY = "Mo-Su 09:00-18:00"


def at(text: str, zone: str = AMSTERDAM, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Mon: 10-9:30; Thurs: 10-9; Sun: 11-7", "Mo 10:00-21:30; Th 10:00-21:00; Su 11:00-19:00"),
        ("Mon: 10-9; Tue: 10-9; Wed: 11-8", "Mo-Tu 10:00-21:00; We 11:00-20:00"),
        ("Sun: 12:30-5:30", "Su 12:30-17:30"),
        ("Sun: 1-5:30", "Su 13:00-17:30"),
        ("Sat: 7-12", "Sa 07:00-12:00"),
        ("Sat: 12-12", "Sa 12:00-24:00"),
        ("Fri: 6-2", "Fr 18:00-26:00"),
        ("Fri: 5-4; Sat: 10-8", "Fr 17:00-28:00, Sa 10:00-20:00"),
        ("Mon: 8-11:59", "Mo 08:00-23:59"),
        ("Mon: 12-11:59", "Mo 12:00-23:59"),
        ("Mon: 0-5", "Mo 00:00-05:00"),
        ("Mon: 06:00-22:00", "Mo 06:00-22:00"),
        ("Mon: 6-22", "Mo 06:00-22:00"),
        ("Mon: 22:00-02:00", "Mo 22:00-26:00"),
        ("Mon: 10-0", "Mo 10:00-24:00"),
        ("Mon: 9am-5pm; Tue: 12 p.m. to 8 p.m.", "Mo 09:00-17:00; Tu 12:00-20:00"),
        ("Mon-Fri: 9-5; Sat, Sun: 10-4", "Mo-Fr 09:00-17:00; Sa-Su 10:00-16:00"),
        ("Sat-Mon: 9-5", "Mo,Sa-Su 09:00-17:00"),
        ("Mon: 9-12, 1-5", "Mo 09:00-12:00,13:00-17:00"),
        ("Mon: 9-12; Mon: 1-5", "Mo 09:00-12:00,13:00-17:00"),
        ("daily 10-8", "10:00-20:00"),
        ("MONDAY:10-8", "Mo 10:00-20:00"),
        ("Mon: 10-8; Sun: closed", "Mo 10:00-20:00"),
        ("Mon: closed", "closed"),
        ("Mon-Sun: 24 hours", "24/7"),
        ("Mon-Sun: 0-11:59", "24/7"),
        ("Mo-Fr 09:00-17:00; PH off", "Mo-Fr 09:00-17:00; PH closed"),
        ("24/7", "24/7"),
        ("  ", ""),
    ],
)
def test_hours_mean_what_their_writer_meant(written: str, meant: str):
    assert parse_hours(written) == meant


@pytest.mark.parametrize(
    "nonsense",
    [
        "whenever",
        "Mon",
        "Mon: 10",
        "Mon: 10-",
        "Mon: 10:75-9",
        "Mon: 99-3",
        "Someday: 10-9",
        "10-9",
    ],
)
def test_what_is_no_hours_is_refused_by_name(nonsense: str):
    with pytest.raises(InvalidOpeningHours) as refusal:
        parse_hours(nonsense)

    assert refusal.value.errors[0]["pointer"] == "/hours"


DAYS = st.sampled_from(["Mon", "Tue", "Wed", "Thurs", "Fri", "Sat", "Sun"])
CLOCK = st.builds("{}:{:02}".format, st.integers(0, 12), st.sampled_from([0, 15, 30, 45]))


@given(st.dictionaries(DAYS, st.tuples(CLOCK, CLOCK), min_size=1))
def test_what_was_read_once_reads_the_same_again(week: dict[str, tuple[str, str]]):
    written = "; ".join(f"{day}: {opens}-{closes}" for day, (opens, closes) in week.items())

    once = parse_hours(written)

    assert parse_hours(once) == once


@given(DAYS, CLOCK, CLOCK)
def test_a_store_that_opens_is_open_for_some_time_and_at_most_a_day(day, opens, closes):
    hours = parse_hours(f"{day}: {opens}-{closes}")
    monday = datetime(2026, 11, 23, tzinfo=UTC)

    first = next_opening_at(hours, "UTC", monday)
    open_minutes = sum(
        is_open(hours, "UTC", monday + timedelta(minutes=minute))
        for minute in range(0, 8 * 24 * 60, 15)
    )

    assert first is not None
    assert 0 < open_minutes * 15 <= 2 * 24 * 60


@pytest.mark.parametrize(
    ("hours", "now", "minutes", "ready"),
    [
        # Monday the 23rd of November 2026.
        (EVERY_DAY, "2026-11-23T10:00", 60, "2026-11-23T11:00+01:00"),
        (EVERY_DAY, "2026-11-23T17:30", 60, "2026-11-24T09:30+01:00"),
        (EVERY_DAY, "2026-11-23T17:00", 60, "2026-11-23T18:00+01:00"),
        (EVERY_DAY, "2026-11-23T18:00", 60, "2026-11-24T10:00+01:00"),
        (EVERY_DAY, "2026-11-23T03:00", 0, "2026-11-23T09:00+01:00"),
        (EVERY_DAY, "2026-11-23T17:30", 60 * 19, "2026-11-26T09:30+01:00"),
        ("Mo-Fr 09:00-18:00", "2026-11-27T17:59", 60, "2026-11-30T09:59+01:00"),
        (f"{EVERY_DAY}; 2026 Nov 24 off", "2026-11-23T17:30", 60, "2026-11-25T09:30+01:00"),
        ("Fr 18:00-26:00, Sa 10:00-20:00", "2026-11-28T01:30", 60, "2026-11-28T10:30+01:00"),
        ("24/7", "2026-11-23T23:30", 60, "2026-11-24T00:30+01:00"),
        ("", "2026-11-23T23:30", 60, "2026-11-24T00:30+01:00"),
        ("off", "2026-11-23T23:30", 60, None),
        ("2020 Jan 1 10:00-12:00", "2026-11-23T23:30", 60, None),
        # The night of the 29th of March 2026 has no hour from 2 to 3.
        ("24/7", "2026-03-29T01:30", 120, "2026-03-29T04:30+02:00"),
        ("Mo-Su 00:00-04:00", "2026-03-29T01:30", 60, "2026-03-29T03:30+02:00"),
        ("Mo-Su 00:00-02:30,09:00-18:00", "2026-03-29T01:30", 60, "2026-03-29T09:30+02:00"),
        # The night of the 25th of October 2026 has the hour from 2 to 3 twice.
        ("24/7", "2026-10-25T01:30", 120, "2026-10-25T02:30+01:00"),
        ("Mo-Su 00:00-04:00", "2026-10-25T01:30", 180, "2026-10-25T03:30+01:00"),
        ("Mo-Su 00:00-02:30,09:00-18:00", "2026-10-25T00:30", 180, "2026-10-25T02:30+01:00"),
    ],
)
def test_work_is_done_when_so_much_opening_time_has_passed(hours, now, minutes, ready):
    done = ready_at(hours, AMSTERDAM, at(now), minutes)

    assert (done and done.isoformat(timespec="minutes")) == ready


def test_work_that_begins_in_the_first_of_two_equal_hours_goes_on_through_the_second():
    begun = at("2026-10-25T02:15", fold=0)

    done = ready_at("24/7", AMSTERDAM, begun, 60)

    assert done is not None
    assert done == at("2026-10-25T02:15", fold=1)
    assert done.astimezone(UTC) - begun.astimezone(UTC) == timedelta(hours=1)


@pytest.mark.parametrize(("country", "open_then"), [("NL", False), ("", True), ("IN", True)])
def test_public_holidays_are_those_of_the_country(country: str, open_then: bool):
    christmas = at("2026-12-25T12:00")

    assert is_open(f"{EVERY_DAY}; PH off", AMSTERDAM, christmas, country) is open_then


NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 2 * 366 * 24 * 60).map(
    lambda minutes: NEW_YEAR + timedelta(minutes=minutes)
)
WEEKS = st.sampled_from(
    [
        "24/7",
        EVERY_DAY,
        "Mo-Su 00:00-02:30,09:00-18:00",
        "Fr 18:00-26:00, Sa 10:00-20:00",
        "Mo 09:00-09:30",
    ]
)
ZONES = st.sampled_from([AMSTERDAM, "America/Chicago", "Australia/Lord_Howe", "Asia/Kolkata"])


@given(WEEKS, ZONES, INSTANTS, st.integers(0, 600), st.integers(1, 600))
def test_two_pieces_of_work_take_as_long_as_one(hours, zone, now, first, second):
    done = ready_at(hours, zone, now, first)
    assert done is not None

    assert ready_at(hours, zone, done, second) == ready_at(hours, zone, now, first + second)


@given(WEEKS, ZONES, INSTANTS, st.integers(1, 600))
def test_work_ends_while_the_store_is_open_or_as_it_closes(hours, zone, now, minutes):
    done = ready_at(hours, zone, now, minutes)

    assert done is not None
    assert done >= now + timedelta(minutes=minutes)
    assert is_open(hours, zone, done - timedelta(seconds=1))
