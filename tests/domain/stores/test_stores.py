from datetime import UTC, datetime

import pytest
from msgspec import structs

from domain.kernel.errors import Invalid
from domain.stores.stores import distance_km
from tests.support.examples import HARBOUR, NOON, a_store


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"country": "ZX"}, "country"),
        ({"latitude": None}, "latitude"),
        ({"hours": "whenever"}, "hours"),
        ({"exceptions": "sometimes"}, "hours"),
        ({"store": "a/b"}, "store"),
    ],
)
def test_a_store_that_cannot_be_is_refused_by_field(facts, field):
    with pytest.raises(Invalid) as refusal:
        structs.replace(a_store(), **facts)

    assert refusal.value.errors[0]["pointer"] == f"/{field}"


def test_an_exceptional_day_beats_the_ordinary_week():
    closed_today = a_store(exceptions="2026 Nov 23 off")

    assert a_store().is_open(NOON)
    assert not closed_today.is_open(NOON)
    assert closed_today.ready_at(NOON) == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def test_a_store_is_always_open_but_on_the_days_it_names():
    store = a_store(hours="", exceptions="2026 Nov 23 off")

    assert store.next_opening(NOON) == datetime(2026, 11, 23, 23, 0, tzinfo=UTC)


def test_distance_is_along_the_great_circle():
    quarter = 6371.0088 * 3.141592653589793 / 2

    assert distance_km(0, 0, 0, 90) == pytest.approx(quarter)
    assert distance_km(90, 0, 0, 17) == pytest.approx(quarter)
    assert distance_km(0, 179.5, 0, -179.5) == pytest.approx(111.19, abs=0.01)
    assert distance_km(59.3, 18, 59.3, 18) == 0


def test_a_store_that_is_nowhere_on_the_map_is_no_distance_away():
    assert a_store("nowhere").distance_from(59.3152, 18.0734) is None
    assert a_store(HARBOUR).distance_from(59.3152, 18.0734) == pytest.approx(0.91, abs=0.01)


def test_a_promise_is_made_to_the_full_minute():
    store = a_store("round-the-clock", hours="24/7", prep_minutes=60)
    asked = datetime(2026, 11, 23, 12, 0, 30, 500, tzinfo=UTC)

    assert store.ready_at(asked) == datetime(2026, 11, 23, 13, 1, tzinfo=UTC)
