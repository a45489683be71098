"""How much a remote channel may sell, from where, and what it shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.inventory.availability import AvailableQuantities, StockDisplayPolicy
from domain.inventory.sales_channels import (
    ChannelNotServed,
    ChannelPolicy,
    SalesChannel,
    ensure_served,
)
from domain.inventory.stock_levels import StockLevel, shortages
from domain.kernel.errors import InvalidField
from domain.kernel.ids import HoldId
from domain.orders.store_closing import OpenWork, StoreInUse, to_disabled, to_enabled
from domain.stores.stores import StoreDisabled, StoreKind, StoreState
from tests.support.examples import HARBOUR, HILL, MUG, a_store

few = st.integers(0, 50)
any_shelf = st.builds(
    StockLevel,
    st.just(HARBOUR),
    st.just(MUG),
    on_hand=st.integers(-50, 400),
    unavailable=few,
    allocated=few,
    held=few,
    safety_stock=few,
    buffer=few,
    serves=st.booleans(),
)


@given(any_shelf)
def test_a_channel_may_sell_what_is_left_after_the_five_parts_or_nothing(level: StockLevel):
    promised = level.unavailable + level.allocated + level.held
    left = level.on_hand - promised - level.safety_stock - level.buffer

    assert level.sellable == (max(0, left) if level.serves else 0)
    assert level.sellable_for(0) == level.sellable


@pytest.mark.parametrize(
    ("level", "own", "sellable"),
    [
        (StockLevel(HARBOUR, MUG, 3, held=1, buffer=3), 1, 1),  # the buffer came after the hold
        (StockLevel(HARBOUR, MUG, 3, held=1, serves=False), 1, 1),  # the store serves it no longer
        (StockLevel(HARBOUR, MUG, 3, held=1, buffer=1), 1, 2),
        (StockLevel(HARBOUR, MUG, 0, held=1, serves=False), 1, 0),  # the goods are gone
    ],
)
def test_what_somebody_holds_stays_theirs_whatever_is_kept_back_since(
    level: StockLevel, own: int, sellable: int
):
    assert level.sellable_for(own) == sellable
    wanted, levels = {(HARBOUR, MUG): sellable + 1}, {(HARBOUR, MUG): level}
    assert [short.available for short in shortages(wanted, levels, {(HARBOUR, MUG): own})] == [
        sellable
    ]


@pytest.mark.parametrize(
    ("store", "channel", "reason"),
    [
        (a_store(), "web", None),
        (a_store(), "app", None),
        (a_store(channels=("app",)), "app", None),
        (a_store(channels=("app",)), "web", "not_served"),
        (a_store(channels=()), "web", "not_served"),
        (a_store(state=StoreState.DRAINING), "web", "store_draining"),
        (a_store(state=StoreState.CLOSED, channels=("app",)), "web", "store_closed"),
    ],
)
def test_a_location_serves_every_channel_unless_it_names_some_while_it_is_active(
    store, channel: str, reason: str | None
):
    assert store.find_unavailable_reason(channel) == reason
    assert store.serves(channel) == (reason is None)


def test_whoever_sells_nothing_new_is_named_with_the_reason_but_for_what_is_held_there():
    stores = [a_store(HILL, channels=()), a_store(HARBOUR, state=StoreState.CLOSED)]
    with pytest.raises(ChannelNotServed) as refused:
        ensure_served("web", stores)

    assert refused.value.errors == [
        {"store": HARBOUR, "code": "store_closed"},
        {"store": HILL, "code": "not_served"},
    ]
    ensure_served("web", stores, {HARBOUR, HILL})


def test_goods_are_sent_only_to_a_location_that_is_active():
    a_store().ensure_active()
    for state in (StoreState.DRAINING, StoreState.CLOSED):
        with pytest.raises(StoreDisabled):
            a_store(state=state).ensure_active()


def test_only_a_store_has_tills_and_a_warehouse_hands_nothing_over():
    assert [kind for kind in StoreKind if kind.has_tills] == [StoreKind.STORE]
    assert [kind for kind in StoreKind if not kind.offers_pickup] == [StoreKind.WAREHOUSE]


def test_what_a_policy_leaves_open_is_as_the_settings_say():
    usual = StockDisplayPolicy(3, AvailableQuantities.CAPPED, 10)

    assert ChannelPolicy().to_display_policy(usual) == usual
    assert ChannelPolicy(low_at=0, quantities=AvailableQuantities.HIDDEN, most=5).to_display_policy(
        usual
    ) == StockDisplayPolicy(0, AvailableQuantities.HIDDEN, 5)


@pytest.mark.parametrize("name", ["", "Web", "a/b", "-web", "a" * 65, "web\n"])
def test_a_channel_is_named_in_small_letters_digits_and_dashes(name: str):
    with pytest.raises(InvalidField):
        SalesChannel(name)


def test_a_location_with_nothing_open_is_closed_at_once_and_one_in_use_drains_if_it_may():
    busy = OpenWork(holds_count=1, holds=[HoldId("hld_1")])
    draining = to_disabled(a_store(), busy, drain=True)

    assert to_disabled(a_store(), OpenWork(), drain=False).state is StoreState.CLOSED
    assert draining.state is StoreState.DRAINING
    assert to_disabled(draining, OpenWork(), drain=False).state is StoreState.CLOSED
    assert to_enabled(draining) == a_store()
    with pytest.raises(StoreInUse) as refused:
        to_disabled(draining, busy, drain=False)
    assert refused.value.facts["holds"] == ["hld_1"]
