from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fulfilment.fulfilments import (
    FulfilmentLine,
    InvalidState,
    PickedQuantities,
    UnexpectedItem,
    deltas_between,
)
from domain.fulfilment.shipments import (
    AlreadyShipped,
    Dispatch,
    ParcelAlreadyKnown,
    ParcelNotFound,
    Shipment,
    ShipmentState,
)
from domain.kernel.errors import DomainError
from domain.kernel.ids import OrderId, ShipmentId
from tests.support.examples import HARBOUR, MUG, NOON, TEAPOT

ALL = Dispatch("Sample Post", "SP1")


def a_shipment(*lines: FulfilmentLine) -> Shipment:
    return Shipment(
        id=ShipmentId("shp_1"),
        order=OrderId("ord_1"),
        store=HARBOUR,
        state=ShipmentState.PLACED,
        lines=list(lines) or [mugs(3)],
        placed_at=NOON,
        changed_at=NOON,
    )


def mugs(quantity: int) -> FulfilmentLine:
    return FulfilmentLine(MUG, "Mug", quantity, {MUG: 1})


def some(units: int, number: str = "SP1") -> Dispatch:
    return Dispatch("Sample Post", number, units={MUG: units})


def test_a_parcel_takes_its_goods_off_the_shelf_and_the_last_one_makes_it_shipped():
    placed = a_shipment()
    first = placed.send_parcel(some(2), NOON)
    last = first.send_parcel(Dispatch("Sample Post", "SP2"), NOON)

    assert (first.state, last.state) == (ShipmentState.PICKING, ShipmentState.SHIPPED)
    assert [
        (change.on_hand, change.allocated, change.staged)
        for step in ((placed, first), (first, last))
        for change in deltas_between(*step)
    ] == [(-2, -2, 0), (-1, -1, 0)]


def test_what_was_sent_had_been_picked_whether_somebody_wrote_it_down_or_not():
    picked = a_shipment().pick({MUG: PickedQuantities(2)}, NOON)
    sent = picked.send_parcel(ALL, NOON)

    assert [(line.picked, line.given, line.staged) for line in sent.lines] == [(3, 3, 0)]
    assert [change.staged for change in deltas_between(picked, sent)] == [-2]


def test_the_same_parcel_again_changes_nothing_and_with_other_goods_is_refused():
    sent = a_shipment().send_parcel(some(2), NOON)

    assert sent.send_parcel(some(2), NOON) is sent
    with pytest.raises(ParcelAlreadyKnown):
        sent.send_parcel(some(1), NOON)


def test_more_than_is_still_to_come_cannot_leave():
    sent = a_shipment().send_parcel(some(2), NOON)

    with pytest.raises(UnexpectedItem):
        sent.send_parcel(some(2, "SP2"), NOON)
    with pytest.raises(UnexpectedItem):
        sent.send_parcel(Dispatch("Sample Post", "SP2", units={TEAPOT: 1}), NOON)


def test_what_has_left_in_part_and_is_cancelled_is_what_was_sent():
    sent = a_shipment().send_parcel(some(1), NOON)
    cancelled = sent.cancel("customer", NOON)

    assert cancelled.state is ShipmentState.SHIPPED
    assert [(line.given, line.cancelled) for line in cancelled.lines] == [(1, 2)]
    with pytest.raises(AlreadyShipped):
        cancelled.cancel("customer", NOON)


def test_it_is_delivered_when_its_last_parcel_is():
    sent = a_shipment().send_parcel(some(1), NOON).send_parcel(Dispatch("Sample Post", "SP2"), NOON)
    first = sent.deliver_parcel("SP1", NOON)
    second = first.deliver_parcel("SP2", NOON)

    assert (first.state, second.state) == (ShipmentState.SHIPPED, ShipmentState.DELIVERED)
    assert second.deliver_parcel("SP2", NOON) is second
    with pytest.raises(ParcelNotFound):
        sent.deliver_parcel("SP3", NOON)


def test_when_all_that_left_has_arrived_the_end_of_the_rest_makes_it_delivered():
    arrived = a_shipment().send_parcel(some(1), NOON).deliver_parcel("SP1", NOON)
    short = arrived.pick({MUG: PickedQuantities(1, short=True)}, NOON)

    assert (arrived.state, short.state) == (ShipmentState.PICKING, ShipmentState.DELIVERED)


def test_what_is_over_is_not_sent():
    declined = a_shipment().decline("not_found", None, NOON)

    with pytest.raises(InvalidState):
        declined.send_parcel(ALL, NOON)


STEPS: list[Callable[[Shipment, int], Shipment]] = [
    lambda one, _: one.accept(NOON),
    lambda one, _: one.decline("damaged", None, NOON),
    lambda one, n: one.pick({MUG: PickedQuantities(n)}, NOON),
    lambda one, n: one.pick({MUG: PickedQuantities(n, short=True)}, NOON),
    lambda one, n: one.send_parcel(some(n, f"SP{n}-{len(one.parcels)}"), NOON),
    lambda one, _: one.send_parcel(Dispatch("Sample Post", "last"), NOON),
    lambda one, _: one.cancel("customer", NOON),
    lambda one, n: one.cancel_units({MUG: n}, "customer", NOON),
    lambda one, _: one.deliver_parcel("last", NOON),
    lambda one, _: one.put_back(NOON),
]


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 4)), max_size=12))
def test_whatever_is_done_no_unit_is_lost_or_doubled(steps):
    shipment = a_shipment(mugs(4))
    moved = [deltas_between(None, shipment)]
    for step, units in steps:
        try:
            after = step(shipment, units)
        except DomainError:
            continue
        moved.append(deltas_between(shipment, after))
        shipment = after
    [line], [claim] = shipment.lines, shipment.allocations()
    missing = line.missing

    assert line.given + line.cancelled + line.remaining == 4
    assert line.given == sum(parcel.units[MUG] for parcel in shipment.parcels)
    assert 0 <= line.staged <= claim.open
    assert sum(change.allocated for step in moved for change in step) == claim.open
    assert sum(change.on_hand for step in moved for change in step) == -line.given - missing
