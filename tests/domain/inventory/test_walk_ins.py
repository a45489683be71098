import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.inventory.walk_ins import WalkInPolicy
from domain.kernel.errors import InvalidField


@pytest.mark.parametrize(
    ("walk_ins", "by_hand", "kept"),
    [
        (0, 0, 0),
        (1, 0, 2),  # the floor
        (3, 0, 3),
        (9, 0, 5),  # the cap
        (0, 4, 4),
        (3, 4, 4),  # by hand is the least
        (9, 7, 7),  # and above the cap all the same
    ],
)
def test_what_is_kept_back_for_so_many_who_walk_in(walk_ins: int, by_hand: int, kept: int):
    assert WalkInPolicy(active=True, floor=2, cap=5).kept_back(walk_ins, by_hand) == kept


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_nothing_is_ever_kept_back_below_what_is_by_hand(
    walk_ins: int, by_hand: int, floor: int, more: int
):
    on = WalkInPolicy(active=True, floor=floor, cap=floor + more)
    off = WalkInPolicy(active=False, floor=floor, cap=floor + more)

    assert by_hand <= on.kept_back(walk_ins, by_hand) <= max(by_hand, floor + more)
    assert off.kept_back(walk_ins, by_hand) == by_hand


def test_a_floor_above_the_cap_is_refused():
    with pytest.raises(InvalidField):
        WalkInPolicy(floor=3, cap=2)
