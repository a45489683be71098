from collections.abc import Mapping

import pytest

from domain.inventory.consignments import ConsignmentLine
from domain.inventory.stock_levels import InsufficientStock, StockLevel
from domain.inventory.transfers import (
    MoreThanSent,
    Transfer,
    TransferClosed,
    TransferState,
    ensure_in_stock,
)
from domain.kernel.ids import Sku, TransferId
from tests.support.examples import HARBOUR, HILL, MUG, NOON, TEAPOT


def a_transfer(**lines: int) -> Transfer:
    return Transfer(
        id=TransferId("trf_sample"),
        origin=HARBOUR,
        destination=HILL,
        lines=[ConsignmentLine(sku.upper(), count) for sku, count in lines.items()],
        sent_by="key_sample",
        sent_at=NOON,
    )


def received(
    transfer: Transfer, totals: Mapping[Sku, int] | None = None, *, last: bool = False
) -> Transfer:
    return transfer.receive(totals or {}, last=last, by="key_sample", now=NOON)


def missing(transfer: Transfer) -> list[tuple[int, int]]:
    return [(transfer.outstanding(line), transfer.discrepancy(line)) for line in transfer.lines]


def test_what_is_missing_is_in_transit_until_it_is_closed_and_a_discrepancy_then():
    partly = received(a_transfer(mug=10), {MUG: 8})
    closed = received(partly, last=True)

    assert (partly.state, missing(partly)) == (TransferState.IN_TRANSIT, [(2, 0)])
    assert (closed.state, missing(closed)) == (TransferState.CLOSED, [(0, 2)])


def test_it_is_closed_by_itself_when_all_has_come():
    partly = received(a_transfer(mug=2, teapot=1), {MUG: 2})
    whole = received(partly, {TEAPOT: 1})

    assert partly.state is TransferState.IN_TRANSIT
    assert (whole.state, missing(whole)) == (TransferState.CLOSED, [(0, 0), (0, 0)])


def test_totals_may_come_twice_and_in_any_order():
    first = received(a_transfer(mug=10), {MUG: 8})

    assert received(first, {MUG: 8}) is first
    assert received(first, {MUG: 3}) is first
    assert [change.on_hand for change in first.deltas_since(a_transfer(mug=10))] == [8]


def test_what_is_closed_hears_a_repeat_and_nothing_more():
    closed = received(a_transfer(mug=10), {MUG: 8}, last=True)

    assert received(closed, {MUG: 8}) is closed
    assert received(closed, {MUG: 8}, last=True) is closed
    with pytest.raises(TransferClosed):
        received(closed, {MUG: 9})


def test_no_more_comes_than_was_sent():
    with pytest.raises(MoreThanSent) as refused:
        received(a_transfer(mug=10), {MUG: 11, TEAPOT: 0})

    assert refused.value.errors == [
        {"sku": MUG, "sent": 10, "received": 11},
        {"sku": TEAPOT, "sent": 0, "received": 0},
    ]


def test_only_what_nobody_was_promised_may_be_sent_and_safety_stock_may():
    level = StockLevel(HARBOUR, MUG, on_hand=9, unavailable=1, allocated=2, held=1, safety_stock=5)
    ensure_in_stock(a_transfer(mug=5), {(HARBOUR, MUG): level})
    with pytest.raises(InsufficientStock) as refused:
        ensure_in_stock(a_transfer(mug=6, teapot=1), {(HARBOUR, MUG): level})

    assert [(one["sku"], one["wanted"], one["available"]) for one in refused.value.errors] == [
        (MUG, 6, 5),
        (TEAPOT, 1, 0),
    ]
