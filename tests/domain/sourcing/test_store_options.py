"""Who can serve a whole cart, for all carts and all shelves."""

from collections import Counter
from datetime import timedelta
from itertools import permutations
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.inventory.stock_levels import StockLevel
from domain.sourcing.store_options import (
    CandidateStore,
    SplitOption,
    StockView,
    StoreShare,
    WantedItem,
    find_best_split,
    served_stores,
    stores_with_everything,
)
from domain.stores.promises import PickupPromise
from tests.support.examples import HARBOUR, HILL, MUG, NOON, TEA_SET, TEAPOT, a_store

MADE: Final[dict[str, dict[str, int] | None]] = {
    MUG: {MUG: 1},
    TEAPOT: {TEAPOT: 1},
    TEA_SET: {TEAPOT: 1, MUG: 2},
    "ENGRAVING": {},
    "GONE": None,
}
STORES = (HARBOUR, HILL, "lake", "moor")


def a_candidate(store: str = HARBOUR, hours: int = 1, km: float | None = None) -> CandidateStore:
    since = NOON + timedelta(hours=hours)
    return CandidateStore(a_store(store), PickupPromise(since, since), km)


def lying(own: dict[tuple[str, str], int] | None = None, **units: dict[str, int]) -> StockView:
    levels = {
        (store, sku): StockLevel(store, sku, count)
        for store, skus in units.items()
        for sku, count in skus.items()
    }
    return StockView(levels, own or {})


def wish(sku: str, quantity: int) -> WantedItem:
    return WantedItem(sku, quantity, MADE[sku])


wishes = st.dictionaries(st.sampled_from(sorted(MADE)), st.integers(1, 4), min_size=1).map(
    lambda wanted: [wish(sku, quantity) for sku, quantity in wanted.items()]
)
stocks = st.fixed_dictionaries(
    {
        store: st.fixed_dictionaries({MUG: st.integers(0, 6), TEAPOT: st.integers(0, 2)})
        for store in STORES
    }
)
held = st.dictionaries(
    st.tuples(st.sampled_from(STORES), st.sampled_from([MUG])), st.integers(1, 2)
)
places = st.lists(
    st.builds(
        a_candidate,
        st.sampled_from(STORES),
        st.integers(1, 3),
        st.sampled_from([None, 1.0, 2.0]),
    ),
    unique_by=lambda one: one.store.store,
    max_size=4,
)


@given(wishes, stocks, held, places)
def test_a_split_never_takes_more_than_lies_there_nor_more_than_is_wished(
    wanted, stock, own, candidates
):
    there = lying(own, **stock)
    split = find_best_split(wanted, candidates, there)
    for share in split.shares if split else ():
        store, taken = share.candidate.store.store, Counter[str]()
        for sku, units in share.units.items():
            for part, each in (MADE[sku] or {}).items():
                taken[part] += units * each
        for part, units in taken.items():
            assert units <= there.levels[store, part].sellable_for(own.get((store, part), 0))
    for one in wanted:
        shares = split.shares if split else ()
        units = sum(share.units.get(one.sku, 0) for share in shares)

        assert units <= (0 if one.parts is None else one.quantity)


@given(wishes, stocks, held, places)
def test_no_other_two_stores_would_have_been_better(wanted, stock, own, candidates):
    there = lying(own, **stock)
    every = [
        SplitOption(
            (StoreShare(one, units_of(wanted, here)), StoreShare(other, units_of(wanted, rest)))
        )
        for one, other in permutations(candidates, 2)
        if any(here := served_stores(wanted, one.store, there))
        and any(rest := served_stores(wanted, other.store, there, here))
    ]
    best = find_best_split(wanted, candidates, there)

    assert (best and best.sort_key) == min((split.sort_key for split in every), default=None)


@given(wishes, stocks, held, places, st.randoms())
def test_the_order_in_which_stores_are_looked_at_decides_nothing(
    wanted, stock, own, candidates, chance
):
    there, shuffled = lying(own, **stock), list(candidates)
    chance.shuffle(shuffled)

    assert find_best_split(wanted, candidates, there) == find_best_split(wanted, shuffled, there)
    assert stores_with_everything(wanted, candidates, there) == stores_with_everything(
        wanted, shuffled, there
    )


@given(wishes, stocks, held, places)
def test_a_store_that_serves_all_serves_every_line_in_full(wanted, stock, own, candidates):
    there = lying(own, **stock)
    for one in stores_with_everything(wanted, candidates, there):
        assert served_stores(wanted, one.store, there) == [line.quantity for line in wanted]


def units_of(wanted: list[WantedItem], counts: list[int]) -> dict[str, int]:
    return {one.sku: count for one, count in zip(wanted, counts, strict=True) if count}


def test_three_here_now_and_one_there():
    there = lying(harbour={MUG: 3}, hill={MUG: 1, TEAPOT: 1})
    split = find_best_split([wish(MUG, 4)], [a_candidate(), a_candidate(HILL, 2)], there)

    assert split
    assert [(one.candidate.store.store, dict(one.units)) for one in split.shares] == [
        (HARBOUR, {MUG: 3}),
        (HILL, {MUG: 1}),
    ]


def test_a_set_and_its_parts_are_not_served_from_the_same_units():
    there = lying(harbour={MUG: 3, TEAPOT: 1})

    assert served_stores([wish(TEA_SET, 1), wish(MUG, 2)], a_store(), there) == [1, 1]


def test_what_the_cart_holds_is_there_for_it():
    taken = {(HARBOUR, MUG): StockLevel(HARBOUR, MUG, 2, held=2)}

    assert served_stores([wish(MUG, 2)], a_store(), StockView(taken)) == [0]
    assert served_stores([wish(MUG, 2)], a_store(), StockView(taken, {(HARBOUR, MUG): 2})) == [2]


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        (a_candidate("lake", 1, 9.0), a_candidate("moor", 2, 1.0), "lake"),
        (a_candidate("lake", 1, 9.0), a_candidate("moor", 1, 1.0), "moor"),
        (a_candidate("lake", 1, 1.0), a_candidate("moor", 1, 1.0), "lake"),
    ],
)
def test_of_stores_with_as_much_the_earlier_wins_then_the_nearer_then_the_first_by_name(
    first, second, winner
):
    there = lying(harbour={MUG: 2}, lake={MUG: 1}, moor={MUG: 1})
    split = find_best_split([wish(MUG, 3)], [a_candidate(), first, second], there)

    assert split
    assert {share.candidate.store.store for share in split.shares} == {HARBOUR, winner}
