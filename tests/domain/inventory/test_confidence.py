from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.inventory.confidence import (
    STALE_AFTER,
    Sighting,
    assess_confidence,
    confidence_score,
    to_sightings,
    uncertain_from,
)
from domain.inventory.stock_levels import (
    MovementReason,
    PostingSource,
    StockDelta,
    StockLevel,
    StockPosting,
)
from tests.support.examples import HARBOUR, MUG, NOON

DAY = timedelta(days=1)
EARLIER, LATER = NOON - DAY, NOON + DAY


def sure(seen: float | None = 0, misses: int = 0, shrink: float = 0.0) -> float:
    """How sure we are of goods that were seen so many days ago."""
    at = None if seen is None else NOON - seen * DAY
    return assess_confidence(
        StockLevel(HARBOUR, MUG, seen_at=at, misses=misses, shrink=shrink), NOON
    ).score


def a_move(
    cause: MovementReason, at: datetime = NOON, name: str = "x", **change: int
) -> StockPosting:
    return StockPosting(StockDelta(HARBOUR, MUG, **change), PostingSource(cause, name, "test", at))


@pytest.mark.parametrize(
    ("facts", "score"),
    [
        ({"seen": None}, 1.0),
        ({"seen": 0}, 1.0),
        ({"seen": 90}, 0.75),
        ({"seen": 180}, 0.625),
        ({"seen": 36500}, STALE_AFTER),
        ({"seen": -1}, 1.0),  # a till whose clock is ahead
        ({"misses": 1}, 0.5),
        ({"misses": 2}, 0.25),
        ({"seen": None, "misses": 1}, 0.5),
        ({"seen": 90, "misses": 1}, 0.375),
        ({"shrink": 0.5}, 0.5),
        ({"shrink": 1.0}, 0.0),
    ],
)
def test_how_sure_we_are(facts, score):
    assert sure(**facts) == score


FACTS = st.tuples(st.floats(0, 10_000), st.integers(0, 50), st.floats(0, 1, allow_subnormal=False))


@given(FACTS, FACTS)
def test_longer_unseen_missed_more_often_or_shrunk_more_we_are_never_surer(one, other):
    better = [min(pair) for pair in zip(one, other, strict=True)]
    worse = [max(pair) for pair in zip(one, other, strict=True)]

    assert 0 <= sure(*worse) <= sure(*better) <= 1


@pytest.mark.parametrize(
    ("move", "sight"),
    [
        (a_move(MovementReason.COUNT, name="cnt_1"), Sighting(NOON, NOON, counted=True)),
        (a_move(MovementReason.COUNT, name="imp_1", on_hand=5), Sighting(NOON)),
        (a_move(MovementReason.COUNT, name="count:receipt:r-1", on_hand=1), None),
        (a_move(MovementReason.SET, on_hand=5), Sighting(NOON, NOON)),
        (a_move(MovementReason.SALE, on_hand=-1), Sighting(NOON, NOON)),
        (a_move(MovementReason.RECEIVED, on_hand=5), Sighting(NOON, NOON)),
        (a_move(MovementReason.HANDOVER, on_hand=-1, allocated=-1, staged=-1), Sighting(NOON)),
        (a_move(MovementReason.SHORT_PICK, staged=2), Sighting(NOON, NOON)),
        (a_move(MovementReason.SHORT_PICK, staged=-2, allocated=-2), Sighting(NOON, NOON)),
        (
            a_move(MovementReason.SHORT_PICK, on_hand=-1, staged=2),
            Sighting(NOON, missed_at=NOON, misses=1),
        ),
        (a_move(MovementReason.SHORT_PICK, on_hand=-1), Sighting(missed_at=NOON, misses=1)),
        (a_move(MovementReason.SHORT_PICK, allocated=-1), None),
        (a_move(MovementReason.ORDER, allocated=1), None),
        (a_move(MovementReason.HOLD, held=1), None),
        (a_move(MovementReason.LOST, on_hand=-1), None),
    ],
)
def test_what_a_move_says_of_its_shelf(move, sight):
    assert to_sightings([move]).get((HARBOUR, MUG)) == sight


def test_of_many_moves_the_latest_is_what_was_seen():
    moves = [
        a_move(MovementReason.SALE, LATER, on_hand=-1),
        a_move(MovementReason.SHORT_PICK, NOON, on_hand=-1),
        a_move(MovementReason.SALE, EARLIER, on_hand=-1),
    ]

    assert to_sightings(moves) == {(HARBOUR, MUG): Sighting(LATER, LATER, NOON, 1)}


@given(st.integers(0, 3), st.floats(0, 0.9), st.floats(0.01, 1))
def test_a_doubt_begins_when_it_was_foretold(misses: int, shrink: float, below: float):
    level = StockLevel(HARBOUR, MUG, seen_at=NOON, misses=misses, shrink=shrink)
    doubted = uncertain_from(level, below)

    if doubted is None:
        assert (confidence_score(level, NOON + DAY) < below) == (
            confidence_score(level, NOON + 9000 * DAY) < below
        )
    elif doubted - NOON > DAY:
        assert confidence_score(level, doubted - timedelta(minutes=1)) >= below
        assert confidence_score(level, doubted + timedelta(minutes=1)) < below
