from hypothesis import given
from hypothesis import strategies as st

from domain.inventory.stock_levels import Shortage, StockDelta, StockLevel, shortages, sum_by_key
from domain.inventory.stocktaking import StockCount, apply_count
from tests.support.examples import HARBOUR, HILL, MUG, NOON, TEAPOT

small = st.integers(-50, 50)
changes = st.lists(
    st.builds(
        StockDelta,
        store=st.sampled_from([HARBOUR, HILL]),
        sku=st.sampled_from([MUG, TEAPOT]),
        on_hand=small,
        allocated=small,
        held=small,
    ),
    max_size=30,
)


def test_what_is_promised_or_kept_back_is_not_sellable():
    level = StockLevel(HARBOUR, MUG, on_hand=5, unavailable=1, allocated=1, held=1, safety_stock=1)

    assert (level.available, level.sellable) == (2, 1)


def test_a_shelf_that_is_promised_twice_over_sells_nothing_and_says_how_much_is_lacking():
    level = StockLevel(HARBOUR, MUG, on_hand=2, allocated=4)

    assert (level.available, level.sellable) == (-2, 0)


def test_a_shortage_names_what_is_wanted_and_what_is_there():
    levels = {(HARBOUR, MUG): StockLevel(HARBOUR, MUG, on_hand=3)}

    assert shortages({(HARBOUR, MUG): 4, (HARBOUR, TEAPOT): 1}, levels) == [
        Shortage(MUG, HARBOUR, 4, 3),
        Shortage(TEAPOT, HARBOUR, 1, 0),
    ]


def test_a_count_of_the_morning_still_feels_the_sale_of_noon():
    level = StockLevel(HARBOUR, MUG, on_hand=10)
    morning = StockCount(store=HARBOUR, sku=MUG, on_hand=8, counted_at=NOON)

    assert apply_count(morning, level, moved_since=-1) == StockDelta(HARBOUR, MUG, on_hand=-3)


@given(changes)
def test_changes_summed_do_the_same_in_any_order(many):
    assert sum_by_key(many) == sum_by_key(reversed(many))


@given(changes)
def test_a_place_is_changed_once_and_places_come_in_the_order_of_locks(many):
    places = [change.key for change in sum_by_key(many)]

    assert places == sorted(set(places))
