from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.inventory.confidence import STALE, Sight, confidence, doubted_from, score, sights
from domain.inventory.stock_levels import Cause, Change, Move, Shelf, Source
from tests.support.examples import HARBOUR, MUG, NOON

DAY = timedelta(days=1)
EARLIER, LATER = NOON - DAY, NOON + DAY


def sure(seen: float | None = 0, misses: int = 0, shrink: float = 0.0) -> float:
    """How sure we are of goods that were seen so many days ago."""
    at = None if seen is None else NOON - seen * DAY
    return confidence(Shelf(HARBOUR, MUG, seen_at=at, misses=misses, shrink=shrink), NOON).score


def a_move(cause: Cause, at: datetime = NOON, name: str = "x", **change: int) -> Move:
    return Move(Change(HARBOUR, MUG, **change), Source(cause, name, "test", at))


@pytest.mark.parametrize(
    ("facts", "score"),
    [
        ({"seen": None}, 1.0),
        ({"seen": 0}, 1.0),
        ({"seen": 90}, 0.75),
        ({"seen": 180}, 0.625),
        ({"seen": 36500}, STALE),
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
        (a_move(Cause.COUNT, name="cnt_1"), Sight(NOON, NOON, counted=True)),
        (a_move(Cause.COUNT, name="imp_1", on_hand=5), Sight(NOON)),
        (a_move(Cause.COUNT, name="count:receipt:r-1", on_hand=1), None),
        (a_move(Cause.SET, on_hand=5), Sight(NOON, NOON)),
        (a_move(Cause.SALE, on_hand=-1), Sight(NOON, NOON)),
        (a_move(Cause.RECEIVED, on_hand=5), Sight(NOON, NOON)),
        (a_move(Cause.HANDOVER, on_hand=-1, allocated=-1, staged=-1), Sight(NOON)),
        (a_move(Cause.SHORT_PICK, staged=2), Sight(NOON, NOON)),
        (a_move(Cause.SHORT_PICK, staged=-2, allocated=-2), Sight(NOON, NOON)),
        (a_move(Cause.SHORT_PICK, on_hand=-1, staged=2), Sight(NOON, missed_at=NOON, misses=1)),
        (a_move(Cause.SHORT_PICK, on_hand=-1), Sight(missed_at=NOON, misses=1)),
        (a_move(Cause.SHORT_PICK, allocated=-1), None),
        (a_move(Cause.ORDER, allocated=1), None),
        (a_move(Cause.HOLD, held=1), None),
        (a_move(Cause.LOST, on_hand=-1), None),
    ],
)
def test_what_a_move_says_of_its_shelf(move, sight):
    assert sights([move]).get((HARBOUR, MUG)) == sight


def test_of_many_moves_the_latest_is_what_was_seen():
    moves = [
        a_move(Cause.SALE, LATER, on_hand=-1),
        a_move(Cause.SHORT_PICK, NOON, on_hand=-1),
        a_move(Cause.SALE, EARLIER, on_hand=-1),
    ]

    assert sights(moves) == {(HARBOUR, MUG): Sight(LATER, LATER, NOON, 1)}


@given(st.integers(0, 3), st.floats(0, 0.9), st.floats(0.01, 1))
def test_a_doubt_begins_when_it_was_foretold(misses: int, shrink: float, below: float):
    shelf = Shelf(HARBOUR, MUG, seen_at=NOON, misses=misses, shrink=shrink)
    doubted = doubted_from(shelf, below)

    if doubted is None:
        assert (score(shelf, NOON + DAY) < below) == (score(shelf, NOON + 9000 * DAY) < below)
    elif doubted - NOON > DAY:
        assert score(shelf, doubted - timedelta(minutes=1)) >= below
        assert score(shelf, doubted + timedelta(minutes=1)) < below
