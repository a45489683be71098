from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.inventory.stock_levels import (
    MovementReason,
    PostingSource,
    StockDelta,
    StockLevel,
    StockPosting,
)
from domain.inventory.stocktaking import Report, apply_late_report
from domain.kernel.errors import InvalidField
from domain.kernel.timestamps import clamp_to_now
from domain.pos.incidents import OpenClaim, find_at_risk, to_oversold
from domain.pos.receipts import (
    BookedReceipt,
    Receipt,
    ReceiptKind,
    TradedLine,
    TradedReceipt,
    paid_amounts,
    returned_quantities,
)
from tests.support.examples import HARBOUR, MUG, NOON, TEA_SET, TEAPOT

MINUTE = timedelta(minutes=1)
PARTS = {MUG: {MUG: 1}, TEA_SET: {TEAPOT: 1, MUG: 2}, "SERVICE": {}}


def a_receipt(*lines: dict[str, Any], **more: Any) -> Receipt:
    told = {
        "id": "r-1",
        "kind": "sale",
        "occurred_at": NOON.isoformat(),
        "lines": lines or [{"sku": MUG, "quantity": 1}],
    }
    return msgspec.json.decode(msgspec.json.encode(told | more), type=Receipt)


def a_book(receipt: Receipt) -> BookedReceipt:
    return BookedReceipt(
        receipt=receipt,
        store=HARBOUR,
        terminal="T1",
        actor="test",
        occurred_at=receipt.occurred_at,
        digest=receipt.digest,
        lines=receipt.lines,
    )


def moved(receipt: Receipt) -> dict[str, tuple[int, int]]:
    changes = [move.delta for move in a_book(receipt).to_postings(PARTS)]
    return {change.sku: (change.on_hand, change.unavailable) for change in changes}


def a_sale(units: int, at: datetime) -> StockPosting:
    return StockPosting(
        StockDelta(HARBOUR, MUG, on_hand=-units),
        PostingSource(MovementReason.SALE, "receipt:r-1", "test", at),
    )


def test_a_receipt_moves_each_sku_once_whatever_its_lines():
    receipt = a_receipt(
        {"sku": MUG, "quantity": 1},
        {"sku": TEA_SET, "quantity": 2},
        {"sku": "GHOST", "quantity": 5},
        {"sku": "SERVICE", "quantity": 1},
    )

    assert moved(receipt) == {MUG: (-5, 0), TEAPOT: (-2, 0)}


def test_what_comes_back_is_on_hand_and_only_what_is_sound_can_be_sold():
    ends = ["sellable", "damaged", "quarantine", "missing"]
    lines = [{"sku": MUG, "quantity": 1, "disposition": end} for end in ends]

    assert moved(a_receipt(*lines, kind="return")) == {MUG: (3, 2)}


def test_the_same_receipt_has_one_digest_however_it_is_spelt():
    elsewhere = NOON.astimezone(tz=None).isoformat()
    same = [a_receipt(), a_receipt(occurred_at=elsewhere), a_receipt(store=HARBOUR, tenders=[])]
    other = [a_receipt(occurred_at=(NOON + MINUTE).isoformat()), a_receipt(member="sample-1")]

    assert len({one.digest for one in same}) == 1
    assert len({one.digest for one in [*same, *other]}) == 3


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"lines": [{"quantity": 1}]}, "/lines/0/sku"),
        ({"lines": [{"sku": MUG, "gtin": "1", "quantity": 1}]}, "/lines/0/sku"),
        ({"kind": "return"}, "/lines/0/disposition"),
        ({"of": "r-0"}, "/of"),
        ({"kind": "return", "of": "r-1", "lines": [
            {"sku": MUG, "quantity": 1, "disposition": "missing"}]}, "/of"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_named(told: dict[str, Any], field: str):
    with pytest.raises(InvalidField) as no:
        a_receipt(**told)

    assert no.value.errors[0]["pointer"] == field


def test_nothing_happens_later_than_it_is_told():
    assert clamp_to_now(NOON, NOON - MINUTE) == NOON - MINUTE
    assert clamp_to_now(NOON, NOON + MINUTE) == NOON


@pytest.mark.parametrize(("minutes", "units"), [(-1, [-3, 3]), (0, [-3, 3]), (1, [-3])])
def test_a_count_has_felt_what_happened_before_it(minutes: int, units: list[int]):
    booked = apply_late_report([a_sale(3, NOON + minutes * MINUTE)], {(HARBOUR, MUG): Report(NOON)})

    assert [move.delta.on_hand for move in booked] == units
    assert {move.source.occurred_at for move in booked[1:]} <= {NOON}


def test_a_member_earns_for_what_was_paid_line_by_line():
    price = {"amount": 150, "currency": "SEK"}
    lines = [{"sku": sku, "quantity": 1, "unit_price": price} for sku in (MUG, TEAPOT, MUG)]
    off = {"sku": "COUPON", "quantity": 1, "unit_price": {"amount": -200, "currency": "SEK"}}

    assert a_book(a_receipt(*lines)).earned_points() == {MUG: 3, TEAPOT: 1}
    assert a_book(a_receipt(*lines, off)).earned_points() == {MUG: 1, TEAPOT: 1}
    assert a_book(a_receipt()).earned_points() == {}


@given(st.lists(st.integers(-(10**6), 10**6)))
def test_deductions_are_taken_off_once_and_never_below_nothing(totals: list[int]):
    paid = paid_amounts(totals)

    assert sum(paid) == max(0, sum(totals))
    assert all(0 <= part <= max(total, 0) for part, total in zip(paid, totals, strict=True))


def test_no_more_comes_back_of_a_sale_than_was_sold():
    def trade(kind: ReceiptKind, *units: int) -> TradedReceipt:
        return TradedReceipt("r-1", kind, [TradedLine(MUG, count) for count in units])

    sold, back = trade(ReceiptKind.SALE, 2, 3), trade(ReceiptKind.RETURN, 4)

    assert returned_quantities([back]) == {}
    assert returned_quantities([sold]) == {}
    assert returned_quantities([back, sold]) == {"r-1": {MUG: (4, 5)}}
    assert returned_quantities([sold, back, back]) == {"r-1": {MUG: (5, 5)}}


def a_claim(name: str, units: int, promised: int, placed: int = 0) -> OpenClaim:
    return OpenClaim(
        store=HARBOUR,
        sku=MUG,
        order=name,  # type: ignore[arg-type]
        group=name,
        units=units,
        promised_from=NOON + promised * MINUTE,
        placed_at=NOON + placed * MINUTE,
    )


def risks(there: int, *claims: OpenClaim) -> list[tuple[str, int]]:
    return [(risk.order, risk.units) for risk in find_at_risk(there, claims)]


def test_the_earliest_promise_is_kept_first_then_the_earliest_order():
    late, early, placed_first = (
        a_claim("late", 1, 60),
        a_claim("early", 2, 0, placed=5),
        a_claim("placed first", 2, 0),
    )

    assert risks(3, late, early, placed_first) == [("early", 1), ("late", 1)]
    assert risks(-4, late) == [("late", 1)]
    assert risks(5, late, early, placed_first) == []


@given(st.integers(-5, 30), st.lists(st.integers(1, 5)))
def test_the_units_at_risk_are_those_that_are_not_there(there: int, wanted: list[int]):
    claims = [a_claim(f"o-{number}", units, number) for number, units in enumerate(wanted)]

    assert sum(units for _, units in risks(there, *claims)) == max(0, sum(wanted) - max(there, 0))


@pytest.mark.parametrize(
    ("change", "after", "told"),
    [
        (-1, 0, ([], [])),
        (-1, -1, (["worse"], [])),
        (-1, -2, (["worse"], [])),
        (1, -1, ([], [])),
        (1, 0, ([], ["well"])),
        (1, 1, ([], [])),
        (4, 3, ([], ["well"])),
    ],
)
def test_a_shelf_is_told_of_when_it_gets_worse_and_when_it_is_well_again(change, after, told):
    place = (HARBOUR, MUG)
    worse, well = to_oversold(
        [StockDelta(*place, on_hand=change)],
        {place: StockLevel(*place, on_hand=after + 2, allocated=2)},
    )

    assert (worse, well) == tuple([place] * len(one) for one in told)
