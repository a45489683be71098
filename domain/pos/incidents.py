"""Incidents: stock problems that the shop found and a person should check.

An incident is about one SKU in one store. It is opened once, whatever comes again, and settled by
a person, or by the shop itself when things are in order again.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NewType

from msgspec import Struct
from msgspec.structs import replace

from domain.inventory.stock_levels import (
    MovementReason,
    StockDelta,
    StockKey,
    StockLevel,
    StockPosting,
)
from domain.kernel.errors import NotFound
from domain.kernel.ids import OrderId, Sku, StoreId
from domain.pos.receipts import BookedReceipt, ReceiptKind

IncidentId = NewType("IncidentId", str)


class IncidentKind(StrEnum):
    """`oversold`: more is promised than is there. `unknown_sku`: a till sold an unknown product.

    `count_due`: a picker did not find goods that should be there.
    """

    OVERSOLD = "oversold"
    UNKNOWN_SKU = "unknown_sku"
    COUNT_DUE = "count_due"


class IncidentState(StrEnum):
    OPEN = "open"
    SETTLED = "settled"


class OpenClaim(Struct, frozen=True):
    """Units of one SKU that an order waits for; `staged` of them are picked."""

    store: StoreId
    sku: Sku
    order: OrderId
    group: str
    units: int
    promised_from: datetime
    placed_at: datetime
    staged: int = 0

    @property
    def stock_key(self) -> StockKey:
        return (self.store, self.sku)


class OrderAtRisk(Struct, frozen=True):
    """An order that may not get all its goods: `units` of them are not there."""

    order: OrderId
    group: str
    units: int
    promised_from: datetime


class ShortAllocation(Struct, frozen=True):
    """A stock level with `there` units on hand, fewer than the claims on it."""

    stock_key: StockKey
    units_present: int
    allocations: list[OpenClaim]


class UnitsAtRisk(Struct, frozen=True):
    """Units of a SKU that a pickup or a shipment may go without."""

    sku: Sku
    units: int


class Incident(Struct, frozen=True, kw_only=True):
    """`units` is the shortage of the stock level, or the units sold of an unknown product.

    `since` and `until` are the first and the last moment at which it happened.
    """

    id: IncidentId
    store: StoreId
    sku: Sku
    kind: IncidentKind
    state: IncidentState
    units: int
    receipts: int
    since: datetime
    until: datetime
    opened_at: datetime
    changed_at: datetime
    note: str = ""
    settled_by: str = ""
    settled_at: datetime | None = None

    @property
    def stock_key(self) -> StockKey:
        return (self.store, self.sku)

    def settle(self, *, note: str, by: str, now: datetime) -> "Incident":
        return replace(
            self,
            state=IncidentState.SETTLED,
            note=note,
            settled_by=by,
            settled_at=now,
            changed_at=now,
        )


class IncidentNotFound(NotFound):
    """The incident does not exist; the answer is the same for one of another store."""


class UnknownSku(Struct, frozen=True):
    """An unknown product that a till sold or took back."""

    store: StoreId
    sku: Sku
    units: int
    receipts: int
    since: datetime
    until: datetime

    def merge(self, other: "UnknownSku") -> "UnknownSku":
        return UnknownSku(
            self.store,
            self.sku,
            self.units + other.units,
            self.receipts + other.receipts,
            min(self.since, other.since),
            max(self.until, other.until),
        )


def unknown_skus(books: Iterable[BookedReceipt], unknown: Collection[Sku]) -> list[UnknownSku]:
    """The unknown products on receipts, one entry for each; returned units are subtracted."""
    found: dict[StockKey, UnknownSku] = {}
    for book in books:
        sign = 1 if book.receipt.kind is ReceiptKind.SALE else -1
        units: dict[Sku, int] = {}
        for line in book.lines:
            if line.item_code in unknown:
                units[line.item_code] = units.get(line.item_code, 0) + sign * line.quantity
        for sku, count in units.items():
            told = UnknownSku(book.store, sku, count, 1, book.occurred_at, book.occurred_at)
            before = found.get((book.store, sku))
            found[book.store, sku] = before.merge(told) if before else told
    return list(found.values())


def find_at_risk(there: int, claims: Iterable[OpenClaim]) -> list[OrderAtRisk]:
    """The claims that get no units when `there` units are given out, the earliest promise first."""
    risks = []
    left = max(there, 0)
    for claim in sorted(claims, key=_allocation_priority):
        given = min(left, claim.units)
        left -= given
        if given < claim.units:
            risks.append(
                OrderAtRisk(claim.order, claim.group, claim.units - given, claim.promised_from)
            )
    return risks


def risks_by_fulfilment(levels: Iterable[ShortAllocation]) -> dict[str, list[UnitsAtRisk]]:
    """The units that each pickup or shipment may lack, in the order of SKUs."""
    found: dict[str, list[UnitsAtRisk]] = {}
    for short in sorted(levels, key=lambda short: short.stock_key):
        _, sku = short.stock_key
        for risk in find_at_risk(short.units_present, short.allocations):
            found.setdefault(risk.group, []).append(UnitsAtRisk(sku, risk.units))
    return found


def is_uncertain(claims: Iterable[OpenClaim]) -> list[OrderAtRisk]:
    """The claims that still wait for unpicked units, the earliest promise first."""
    return [
        OrderAtRisk(claim.order, claim.group, claim.units - claim.staged, claim.promised_from)
        for claim in sorted(claims, key=_allocation_priority)
        if claim.units > claim.staged
    ]


def _allocation_priority(claim: OpenClaim) -> tuple[datetime, datetime, str]:
    """Whose turn it is in fairness."""
    return (claim.promised_from, claim.placed_at, claim.group)


def to_missed(moves: Iterable[StockPosting]) -> list[StockKey]:
    """The places where a picker did not find goods that should be there: a count is due."""
    return [
        move.delta.key
        for move in moves
        if move.source.reason is MovementReason.SHORT_PICK and move.delta.on_hand < 0
    ]


def to_oversold(
    changes: Iterable[StockDelta], after: Mapping[StockKey, StockLevel]
) -> tuple[list[StockKey], list[StockKey]]:
    """Stock levels whose claims grew above the units on hand; and those in order again."""
    worse, well = [], []
    for change in changes:
        now = after[change.key].available
        before = now - (change.on_hand - change.unavailable - change.allocated - change.held)
        if now < 0 and now < before:
            worse.append(change.key)
        elif before < 0 <= now:
            well.append(change.key)
    return worse, well
