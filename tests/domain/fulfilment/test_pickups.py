from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fulfilment.fulfilments import (
    FulfilmentLine,
    InvalidState,
    PickedQuantities,
    UnexpectedItem,
    deltas_between,
    settled_units,
)
from domain.fulfilment.pickups import (
    TRANSITIONS,
    AlreadyCollected,
    PickingIncomplete,
    Pickup,
    PickupState,
)
from domain.kernel.errors import DomainError
from domain.kernel.ids import OrderId, PickupId
from tests.support.examples import HARBOUR, MUG, NOON, TEA_SET, TEAPOT


def a_pickup(*lines: FulfilmentLine) -> Pickup:
    return Pickup(
        id=PickupId("pku_1"),
        order=OrderId("ord_1"),
        store=HARBOUR,
        state=PickupState.PLACED,
        lines=list(lines) or [mugs(3)],
        promised_from=NOON,
        promised_until=NOON,
        placed_at=NOON,
        changed_at=NOON,
    )


def mugs(quantity: int) -> FulfilmentLine:
    return FulfilmentLine(MUG, "Mug", quantity, {MUG: 1})


def picked(pickup: Pickup, *, short: bool = False, **units: int) -> Pickup:
    found = {
        sku.upper().replace("_", "-"): PickedQuantities(count, short)
        for sku, count in units.items()
    }
    return pickup.pick(found, NOON)


def made_ready(pickup: Pickup) -> Pickup:
    return pickup.mark_ready(bin="A1", revision=1, code_hash=b"hash", collect_by=NOON, now=NOON)


def test_a_pickup_goes_from_placed_to_collected_and_takes_its_goods_off_the_shelf():
    placed = a_pickup()
    ready = made_ready(picked(placed.accept(NOON), mug=3))
    collected = ready.hand_over({MUG: 3}, by="till", now=NOON)

    assert collected.state is PickupState.COLLECTED
    assert [
        (change.on_hand, change.allocated, change.staged)
        for step in ((None, placed), (placed, ready), (ready, collected))
        for change in deltas_between(*step)
    ] == [(0, 3, 0), (0, 0, 3), (-3, -3, -3)]


def test_every_state_but_the_last_can_be_left_and_nothing_leads_out_of_collected():
    assert TRANSITIONS.keys() == set(PickupState)
    assert not TRANSITIONS[PickupState.COLLECTED]


@pytest.mark.parametrize(
    "repeat",
    [
        lambda: a_pickup().accept(NOON),
        lambda: picked(a_pickup(), mug=3),
        lambda: made_ready(picked(a_pickup(), mug=3)),
    ],
)
def test_a_verb_that_is_repeated_changes_nothing(repeat: Callable[[], Pickup]):
    once = repeat()
    verbs = {
        PickupState.ACCEPTED: lambda: once.accept(NOON + timedelta(minutes=1)),
        PickupState.PICKING: lambda: picked(once, mug=3),
        PickupState.READY: lambda: made_ready(once),
    }

    assert verbs[once.state]() is once


def test_ready_needs_every_line_picked_or_declared_short():
    half = picked(a_pickup(mugs(2), FulfilmentLine(TEAPOT, "Pot", 1, {TEAPOT: 1})), mug=2)

    with pytest.raises(PickingIncomplete) as refusal:
        made_ready(half)

    assert refusal.value.facts == {"missing": [TEAPOT]}
    assert made_ready(picked(half, teapot=0, short=True)).state is PickupState.READY


def test_what_a_picker_does_not_find_is_taken_off_the_shelf_and_not_sold_again():
    before = a_pickup()
    after = picked(before, mug=2, short=True)
    change = deltas_between(before, after)[0]

    assert (change.on_hand, change.allocated, change.staged) == (-1, -1, 2)


def test_a_pickup_of_which_nothing_is_found_is_short():
    assert picked(a_pickup(), mug=0, short=True).state is PickupState.SHORT


def test_a_kit_claims_its_parts_and_hands_them_over_together():
    before = a_pickup(FulfilmentLine(TEA_SET, "Set", 2, {TEAPOT: 1, MUG: 2}))
    ready = made_ready(picked(before, tea_set=2))
    after = ready.hand_over({TEA_SET: 1}, by="till", now=NOON)

    assert {change.sku: change.allocated for change in deltas_between(None, before)} == {
        MUG: 4,
        TEAPOT: 2,
    }
    assert {change.sku: change.on_hand for change in deltas_between(ready, after)} == {
        MUG: -2,
        TEAPOT: -1,
    }


def test_a_kit_that_is_short_frees_its_parts_but_blames_none_of_them():
    before = a_pickup(FulfilmentLine(TEA_SET, "Set", 1, {TEAPOT: 1, MUG: 2}))
    after = picked(before, tea_set=0, short=True)

    assert [(change.on_hand, change.allocated) for change in deltas_between(before, after)] == [
        (0, -2),
        (0, -1),
    ]


def test_more_than_was_ordered_or_something_else_cannot_be_picked():
    with pytest.raises(UnexpectedItem):
        picked(a_pickup(), mug=4)
    with pytest.raises(UnexpectedItem):
        picked(a_pickup(), teapot=1)


def test_picked_goods_stay_promised_after_a_cancellation_until_they_are_put_back():
    picking = picked(a_pickup(), mug=2)
    cancelled = picking.cancel("customer", NOON)
    put_back = cancelled.put_back(NOON)

    assert [(c.allocated, c.staged) for c in deltas_between(picking, cancelled)] == [(-1, 0)]
    assert [(c.allocated, c.staged) for c in deltas_between(cancelled, put_back)] == [(-2, -2)]


def test_a_collected_pickup_says_so_and_cannot_be_cancelled():
    collected = made_ready(picked(a_pickup(), mug=3)).hand_over({MUG: 3}, by="till", now=NOON)

    with pytest.raises(AlreadyCollected):
        collected.hand_over({MUG: 1}, by="till", now=NOON)
    with pytest.raises(AlreadyCollected):
        collected.cancel("customer", NOON)


def test_a_pickup_that_is_not_ready_is_not_handed_over():
    with pytest.raises(InvalidState):
        a_pickup().hand_over({MUG: 1}, by="till", now=NOON)


def test_some_lines_can_be_declined_while_the_others_go_on():
    both = a_pickup(mugs(2), FulfilmentLine(TEAPOT, "Pot", 1, {TEAPOT: 1}))
    one = both.decline("not_found", [TEAPOT], NOON)

    assert one.state is PickupState.PLACED
    assert settled_units(both, one) == ({}, {TEAPOT: 1})
    assert one.decline("not_found", None, NOON).state is PickupState.DECLINED


steps = st.lists(
    st.one_of(
        st.just(lambda p: p.accept(NOON)),
        st.just(lambda p: p.cancel("customer", NOON)),
        st.just(lambda p: p.expire(NOON)),
        st.just(lambda p: p.put_back(NOON)),
        st.sampled_from(["broken", "not_found"]).map(
            lambda reason: lambda p: p.decline(reason, None, NOON)
        ),
        st.just(made_ready),
        st.builds(
            lambda sku, count, short: lambda p: p.pick({sku: PickedQuantities(count, short)}, NOON),
            st.sampled_from([MUG, TEA_SET]),
            st.integers(0, 4),
            st.booleans(),
        ),
        st.builds(
            lambda sku, count: lambda p: p.hand_over({sku: count}, by="till", now=NOON),
            st.sampled_from([MUG, TEA_SET]),
            st.integers(1, 4),
        ),
    ),
    max_size=12,
)


@given(steps)
def test_whatever_happens_to_a_pickup_its_claims_and_the_shelf_add_up(verbs):
    start = a_pickup(mugs(3), FulfilmentLine(TEA_SET, "Set", 2, {TEAPOT: 1, MUG: 2}))
    now, allocated, staged, gone = start, 0, 0, 0
    for change in deltas_between(None, start):
        allocated += change.allocated
    for verb in verbs:
        before = now
        try:
            now = verb(before)
        except DomainError:
            continue
        for change in deltas_between(before, now):
            allocated, staged = allocated + change.allocated, staged + change.staged
            gone -= change.on_hand
    claims = now.allocations()

    assert allocated == sum(claim.open for claim in claims)
    assert 0 <= staged <= allocated
    assert all(0 <= line.remaining <= line.quantity for line in now.lines)
    missing = sum(line.missing for line in now.lines if not line.is_kit)
    assert gone == sum(claim.consumed for claim in claims) + missing
    assert all(claim.open >= 0 and claim.released >= 0 for claim in claims)
