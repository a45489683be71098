"""Points: one ledger of balanced entries, from which every balance can be counted again.

A member has four accounts. `pending`, `available` and `held` are owed to the member, so a
credit makes them grow; `debt` is owed by the member, so a debit does. The programme's own
accounts are on the other side.

    event       debit      credit     lot
    promised    issuance   pending    a new one for each line of the purchase
    earned      issuance   available  a new one for each line that was paid at a till
                issuance   pending    the same, where points become available only later
    confirmed   pending    available  from the promise to a new lot: its clock starts now
                pending    pending    the same, where points become available only later
    activated   pending    available  the lot whose day has come
    repaid      available  debt       directly after points became available, from their lot
    reversed    pending    issuance   points of the line still pending, first
                available  issuance   then its available points, then any lot, oldest first
                debt       issuance   points already spent

An entry records one event: each (kind, source) is posted once, however often it repeats.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Final, NewType

from msgspec import Struct
from msgspec.structs import asdict, replace

from domain.kernel.ids import MemberId, Sku
from domain.kernel.money import Money, precision

LotId = NewType("LotId", str)
EntryId = NewType("EntryId", str)


class LoyaltyProgramme(Struct, frozen=True):
    """The retailer's rules for points. Default: one point for each whole unit of money paid.

    Points that were confirmed become available `activation_days` later. Days begin at midnight in
    `zone`, an IANA time zone.
    """

    activation_days: int = 0
    zone: str = "UTC"

    def activates_at(self, confirmed_at: datetime) -> datetime | None:
        """The time when points confirmed now become available; None for at once."""
        if self.activation_days == 0:
            return None
        return confirmed_at + timedelta(days=self.activation_days)


class PointsAccount(StrEnum):
    PENDING = "pending"
    AVAILABLE = "available"
    HELD = "held"
    DEBT = "debt"
    ISSUANCE = "issuance"


class EntrySide(StrEnum):
    DEBIT = "debit"
    CREDIT = "credit"


NORMAL_SIDES: Final[Mapping[PointsAccount, EntrySide]] = {
    PointsAccount.PENDING: EntrySide.CREDIT,
    PointsAccount.AVAILABLE: EntrySide.CREDIT,
    PointsAccount.HELD: EntrySide.CREDIT,
    PointsAccount.DEBT: EntrySide.DEBIT,
    PointsAccount.ISSUANCE: EntrySide.DEBIT,
}


class EntryKind(StrEnum):
    PROMISED = "promised"
    EARNED = "earned"
    CONFIRMED = "confirmed"
    ACTIVATED = "activated"
    REPAID = "repaid"
    REVERSED = "reversed"


class Posting(Struct, frozen=True):
    """`points` on one side of an account. On `issuance`, `lot` is the grant they belong to."""

    account: PointsAccount
    side: EntrySide
    points: int
    lot: LotId | None = None

    @property
    def balance_change(self) -> int:
        """The change of the account; negative where it shrinks."""
        return self.points if self.side is NORMAL_SIDES[self.account] else -self.points

    @property
    def reversed_points(self) -> int:
        """The part of a grant that is no longer given."""
        return max(0, -self.balance_change) if self.account is PointsAccount.ISSUANCE else 0


class PointsLot(Struct, frozen=True):
    """Points that came together and share their dates.

    The lot of a promise has no `origin`; the points that a handover confirms are a lot of their
    own, with that promise as its origin. `reversed` counts the points taken back of a promise,
    whichever lots they came from.
    """

    id: LotId
    purchase: str
    line: Sku
    granted: int
    earned_at: datetime
    origin: LotId | None = None
    pending: int = 0
    remaining: int = 0
    reversed: int = 0
    activates_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def is_promise(self) -> bool:
        """Whether pending points must still be earned, and do not only wait for their day."""
        return self.origin is None and self.activates_at is None

    def apply(self, postings: Iterable[Posting]) -> "PointsLot":
        """The lot when `postings` are made."""
        mine = [posting for posting in postings if posting.lot == self.id]
        grown = Counter[PointsAccount]()
        for posting in mine:
            grown[posting.account] += posting.balance_change
        return replace(
            self,
            pending=self.pending + grown[PointsAccount.PENDING],
            remaining=self.remaining + grown[PointsAccount.AVAILABLE],
            reversed=self.reversed + sum(posting.reversed_points for posting in mine),
        )


class PointsEntry(Struct, frozen=True):
    """The entry of one event in a member's points; its debits equal its credits."""

    id: EntryId
    member: MemberId
    kind: EntryKind
    source: str
    purchase: str
    postings: tuple[Posting, ...]
    occurred_at: datetime

    def __post_init__(self) -> None:
        debits = sum(posting.points for posting in self.postings if posting.side is EntrySide.DEBIT)
        credits_ = sum(
            posting.points for posting in self.postings if posting.side is EntrySide.CREDIT
        )
        assert debits == credits_, (
            f"{self.kind} {self.source}: {debits} debited, {credits_} credited"
        )


class Purchase(Struct, frozen=True):
    """A purchase that a member paid for at once, and the points of its lines."""

    id: str
    member: MemberId
    lines: Mapping[Sku, int]
    paid_at: datetime


class PointsBalance(Struct, frozen=True):
    """A member's points.

    `available` can be spent, `pending` will be earned, `held` pays for something right now, and
    `debt` is repaid by the points earned next.
    """

    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0

    def apply(self, postings: Iterable[Posting]) -> "PointsBalance":
        """The balance when `postings` are made; replaying all of them gives the balance itself."""
        sums = Counter(asdict(self))
        for posting in postings:
            sums[posting.account] += posting.balance_change
        return PointsBalance(**{name: sums[name] for name in self.__struct_fields__})


def compute_line_points(totals: Sequence[Money]) -> list[int]:
    """Points for lines paid with `totals`: one for each whole unit of money of their sum.

    Each line has its own whole units; the points that its fractions make together go to the lines
    with the largest remainders, earlier lines first. So the lines always add up to the sum.
    """
    if not totals:
        return []
    assert all(total.amount >= 0 for total in totals), "what was paid is never negative"
    assert len({total.currency for total in totals}) == 1, "one order has one currency"
    unit = 10 ** precision(totals[0].currency)
    points = [total.amount // unit for total in totals]
    left = sum(total.amount for total in totals) // unit - sum(points)
    by_remainder = sorted(range(len(totals)), key=lambda at: -(totals[at].amount % unit))
    for at in by_remainder[:left]:
        points[at] += 1
    return points


def pending_entry(grants: Iterable[PointsLot]) -> Iterator[Posting]:
    """A pending lot for each line of a purchase."""
    for grant in grants:
        yield from _post(
            grant.granted, PointsAccount.ISSUANCE, PointsAccount.PENDING, grant.id, grant.id
        )


def post_earning(lots: Iterable[PointsLot]) -> Iterator[Posting]:
    """Earns the points of a paid purchase at once: available, or pending until their day."""
    for lot in lots:
        account = PointsAccount.PENDING if lot.activates_at else PointsAccount.AVAILABLE
        yield from _post(lot.granted, PointsAccount.ISSUANCE, account, lot.id, lot.id)


def post_confirmation(promise: PointsLot, lot: PointsLot) -> Iterator[Posting]:
    """Points of a promise that `lot` takes over: available at once, or pending until its day."""
    account = PointsAccount.PENDING if lot.activates_at else PointsAccount.AVAILABLE
    yield from _post(lot.granted, PointsAccount.PENDING, account, promise.id, lot.id)


def post_activation(lot: PointsLot) -> Iterator[Posting]:
    """The day of a confirmed lot has come."""
    yield from _post(lot.pending, PointsAccount.PENDING, PointsAccount.AVAILABLE, lot.id, lot.id)


def post_repayment(debt: int, became: Iterable[Posting]) -> Iterator[Posting]:
    """Repays a debt with points that just became available, lot by lot."""
    for posting in became:
        if posting.account is PointsAccount.AVAILABLE and posting.side is EntrySide.CREDIT:
            part = min(debt, posting.points)
            debt -= part
            yield from _post(part, PointsAccount.AVAILABLE, PointsAccount.DEBT, posting.lot, None)


def deduct(
    purchase: str,
    lines: Mapping[Sku, int],
    lots: Collection[PointsLot],
    *,
    earned_only: bool = False,
) -> Iterator[Posting]:
    """Takes back so many points of each line of `purchase`; `lots` are its member's.

    With `earned_only`, points that later units will earn stay.
    """
    for line in sorted(lines):
        for grant in [lot for lot in lots if is_grant(lot, purchase, line)]:
            postings = list(_reverse(grant, lines[line], lots, earned_only=earned_only))
            lots = [lot.apply(postings) for lot in lots]
            yield from postings


def points_to_deduct(
    purchase: str, returned: Mapping[Sku, tuple[int, int]], lots: Iterable[PointsLot]
) -> dict[Sku, int]:
    """Points of each line still to be taken back, when so many units of those sold earn nothing.

    They came back, or their buyer never got them.
    """
    grants = {lot.line: lot for lot in lots if is_grant(lot, purchase, lot.line)}
    due = {
        line: grants[line].granted * back // sold - grants[line].reversed
        for line, (back, sold) in returned.items()
        if line in grants
    }
    return {line: points for line, points in due.items() if points > 0}


def cover(
    lines: Mapping[Sku, int], lots: Iterable[PointsLot], *, earned_only: bool = False
) -> bool:
    """Whether each line's own lots hold the points to be taken back of it."""
    there = Counter[Sku]()
    for lot in lots:
        there[lot.line] += lot.remaining + (0 if earned_only and lot.is_promise else lot.pending)
    return all(there[line] >= wanted for line, wanted in lines.items())


def is_grant(lot: PointsLot, purchase: str, line: Sku) -> bool:
    return lot.purchase == purchase and lot.line == line and lot.origin is None


def _reverse(
    grant: PointsLot, points: int, lots: Iterable[PointsLot], *, earned_only: bool
) -> Iterator[Posting]:
    """Takes back `points` of `grant`, at most the rest of it: from lots, then as a debt.

    Pending points of this very grant go first, then its available points, then the lots that would
    have been spent first. Pending points of other purchases stay, since the member has yet to earn
    it.
    """
    wanted = min(points, grant.granted - grant.reversed)
    ordered = sorted(lots, key=lambda lot: (not _belongs_to(lot, grant), *spending_order(lot)))
    sources = chain(
        (
            (PointsAccount.PENDING, lot, lot.pending)
            for lot in ordered
            if _belongs_to(lot, grant) and not (earned_only and lot.is_promise)
        ),
        ((PointsAccount.AVAILABLE, lot, lot.remaining) for lot in ordered),
    )
    for account, lot, there in sources:
        part = min(wanted, there)
        wanted -= part
        yield from _post(part, account, PointsAccount.ISSUANCE, lot.id, grant.id)
    yield from _post(wanted, PointsAccount.DEBT, PointsAccount.ISSUANCE, None, grant.id)


def spending_order(lot: PointsLot) -> tuple[bool, datetime, datetime, LotId]:
    """Points that expire soonest go first, then the oldest; points that never expire go last."""
    return (lot.expires_at is None, lot.expires_at or lot.earned_at, lot.earned_at, lot.id)


def _belongs_to(lot: PointsLot, grant: PointsLot) -> bool:
    return grant.id in {lot.id, lot.origin}


def _post(
    points: int,
    debit: PointsAccount,
    credit: PointsAccount,
    debit_lot: LotId | None,
    credit_lot: LotId | None,
) -> Iterator[Posting]:
    if points:
        yield Posting(debit, EntrySide.DEBIT, points, debit_lot)
        yield Posting(credit, EntrySide.CREDIT, points, credit_lot)
