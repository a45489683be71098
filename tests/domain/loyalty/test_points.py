"""The programme's arithmetic and the ledger's rules, for all inputs that matter."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.ids import MemberId
from domain.kernel.money import Money
from domain.loyalty.points import (
    EntryId,
    EntryKind,
    EntrySide,
    LotId,
    LoyaltyProgramme,
    PointsAccount,
    PointsBalance,
    PointsEntry,
    PointsLot,
    Posting,
    compute_line_points,
    deduct,
    pending_entry,
    post_activation,
    post_confirmation,
    post_repayment,
    spending_order,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GRANT = PointsLot(LotId("lot_mug"), "ord_1", "MUG", granted=10, earned_at=NOW, pending=10)


def lot(name: str, **more) -> PointsLot:
    defaults = {"purchase": "ord_0", "line": "TEAPOT", "granted": 100, "earned_at": NOW}
    return PointsLot(LotId(name), **{**defaults, **more})


def sums(postings: list[Posting]) -> dict[str, int]:
    balance = PointsBalance().apply(postings)
    return {
        name: getattr(balance, name)
        for name in ("pending", "available", "debt")
        if getattr(balance, name)
    }


@pytest.mark.parametrize(
    ("totals", "points"),
    [
        ([], []),
        ([1299], [12]),
        ([99], [0]),
        ([0], [0]),
        ([50, 50], [1, 0]),
        ([3333, 3333, 3334], [33, 33, 34]),
        ([199, 199, 199], [2, 2, 1]),
    ],
)
def test_a_line_earns_its_share_of_the_whole_units_paid(totals, points):
    assert compute_line_points([Money(total, "GBP") for total in totals]) == points


def test_a_currency_without_small_coins_earns_a_point_a_unit():
    assert compute_line_points([Money(120, "JPY"), Money(5, "JPY")]) == [120, 5]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50))
def test_the_lines_always_add_up_to_the_whole_units_of_the_sum(totals: list[int]):
    points = compute_line_points([Money(total, "EUR") for total in totals])

    assert sum(points) == sum(totals) // 100
    assert all(0 <= line - total // 100 <= 1 for line, total in zip(points, totals, strict=True))


def test_an_entry_that_does_not_balance_cannot_exist():
    odd = (
        Posting(PointsAccount.ISSUANCE, EntrySide.DEBIT, 1),
        Posting(PointsAccount.PENDING, EntrySide.CREDIT, 2),
    )

    with pytest.raises(AssertionError, match="1 debited, 2 credited"):
        PointsEntry(
            EntryId("ent_1"), MemberId("mem_1"), EntryKind.PROMISED, "ord_1", "ord_1", odd, NOW
        )


def test_a_promise_is_pending_until_it_is_confirmed_and_then_available():
    part = lot("lot_part", granted=4, origin=GRANT.id)
    told = [*pending_entry([GRANT]), *post_confirmation(GRANT, part)]

    assert sums(told) == {"pending": 6, "available": 4}
    assert part.apply(told).remaining == 4


def test_points_that_become_available_later_stay_pending_until_their_day():
    later = LoyaltyProgramme(activation_days=14).activates_at(NOW)
    part = lot("lot_part", granted=4, origin=GRANT.id, activates_at=later)
    told = [*pending_entry([GRANT]), *post_confirmation(GRANT, part)]
    waiting = part.apply(told)

    assert sums(told) == {"pending": 10}
    assert (waiting.pending, waiting.remaining) == (4, 0)
    assert sums([*told, *post_activation(waiting)]) == {"pending": 6, "available": 4}
    assert later == NOW + timedelta(days=14)


def test_what_is_cancelled_takes_only_pending_points():
    assert sums([*pending_entry([GRANT]), *deduct("ord_1", {"MUG": 10}, [GRANT])]) == {}


def test_nothing_is_taken_back_twice():
    spent = lot("lot_mug", purchase="ord_1", line="MUG", granted=10, reversed=8, pending=2)

    assert sum(p.points for p in deduct("ord_1", {"MUG": 10}, [spent])) == 2 * 2


def test_another_purchases_pending_points_are_left_alone():
    other = lot("lot_other", pending=50)
    grant = lot("lot_mug", purchase="ord_1", line="MUG", granted=10)

    assert sums(list(deduct("ord_1", {"MUG": 10}, [grant, other]))) == {"debt": 10}


def test_beyond_its_own_points_a_line_takes_what_would_be_spent_first_and_then_owes():
    grant = lot("lot_mug", purchase="ord_1", line="MUG", granted=100)
    own = lot("lot_own", purchase="ord_1", line="MUG", origin=grant.id, remaining=10)
    soon = lot("lot_soon", remaining=20, expires_at=NOW + timedelta(days=1))
    never = lot("lot_never", remaining=30, earned_at=NOW - timedelta(days=400))

    told = list(deduct("ord_1", {"MUG": 100}, [never, soon, own, grant]))

    assert [(p.lot, p.points) for p in told if p.side is EntrySide.DEBIT] == [
        ("lot_own", 10),
        ("lot_soon", 20),
        ("lot_never", 30),
        (None, 40),
    ]


def test_a_dated_lot_is_spent_before_one_that_never_expires_and_the_sooner_first():
    never = lot("lot_1", earned_at=NOW - timedelta(days=9))
    june = lot("lot_2", expires_at=NOW + timedelta(days=30))
    december = lot("lot_3", expires_at=NOW + timedelta(days=200), earned_at=NOW - timedelta(days=1))

    assert sorted([never, december, june], key=spending_order) == [june, december, never]


def test_what_becomes_available_repays_a_debt_first():
    became = [*post_confirmation(GRANT, lot("lot_part", granted=10))]

    assert sums(list(post_repayment(7, became))) == {"available": -7, "debt": -7}
    assert sums(list(post_repayment(70, became))) == {"available": -10, "debt": -10}
    assert list(post_repayment(0, became)) == []


@given(
    st.lists(st.tuples(st.sampled_from("MTC"), st.integers(0, 30)), max_size=12),
    st.dictionaries(st.sampled_from("MTC"), st.integers(1, 20), min_size=1),
)
def test_whatever_is_taken_back_lots_and_balance_stay_the_sum_of_the_postings(takes, granted):
    """Lines are granted, half of each is confirmed, and then points are taken back at random."""
    grants = [
        lot(f"lot_{line}", purchase="ord_1", line=line, granted=granted[line]) for line in granted
    ]
    parts = [
        lot(f"part_{g.line}", purchase="ord_1", line=g.line, granted=g.granted // 2, origin=g.id)
        for g in grants
        if g.granted > 1
    ]
    told = list(pending_entry(grants))
    lots = [found.apply(told) for found in [*grants, *parts]]
    for part in parts:
        grant = next(found for found in lots if found.id == part.origin)
        moves = list(post_confirmation(grant, part))
        told += moves
        lots = [found.apply(moves) for found in lots]
    for line, points in takes:
        moves = list(deduct("ord_1", {line: points}, lots))
        told += moves
        lots = [found.apply(moves) for found in lots]

    balance = PointsBalance().apply(told)
    assert balance.pending == sum(found.pending for found in lots)
    assert balance.available == sum(found.remaining for found in lots)
    assert balance.debt == 0, "what is there covers what was granted"
    assert all(0 <= found.pending + found.remaining <= found.granted for found in lots)
    for grant in (found for found in lots if found.origin is None):
        asked = sum(points for line, points in takes if line == grant.line)
        assert grant.reversed == min(asked, grant.granted)
