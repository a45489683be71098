"""Receipts of tills: goods that were sold or came back, receipt by receipt.

A receipt is a fact. It may come late, twice, in any order, from a clock that is wrong, and of goods
that were not on record: it is never refused, and it never counts twice.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from domain.catalogue.products import Quantity, parse_gtin
from domain.inventory.conditions import Condition
from domain.inventory.stock_levels import MovementReason, PostingSource, StockDelta, StockPosting
from domain.kernel.errors import Invalid, InvalidField
from domain.kernel.ids import OrderId, ReceiptId, Sku, StoreId
from domain.kernel.money import Money, is_currency
from domain.kernel.timestamps import Timestamp, ensure_representable
from domain.loyalty.points import compute_line_points
from domain.returns.dispositions import CONDITION_BY_DISPOSITION, Disposition

PENDING_RETURN: Final = "awaited"
ORDER_ID_PATTERN: Final = re.compile(r"ord_[0-9a-hjkmnp-tv-z]{26}")
"""The form of an order's id, which no sale of a till has."""
MAX_AMOUNT: Final = 10**15


class ReceiptKind(StrEnum):
    SALE = "sale"
    RETURN = "return"


class ReceiptLine(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """Units of one thing, named by its sku or by the barcode that was scanned."""

    quantity: Quantity
    sku: Sku | None = None
    gtin: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    unit_price: Money | None = None
    disposition: Disposition | None = None

    @property
    def item_code(self) -> str:
        """The till's own code of the product; a barcode in 14 digits, where it is one."""
        return self.sku if self.sku is not None else _normalise_gtin(self.gtin or "")

    def with_sku(self, called: Mapping[str, Sku]) -> "ReceiptLine":
        """The line with the SKU of its barcode; with the barcode itself where no SKU has it."""
        if self.sku is not None:
            return self
        return replace(self, sku=called.get(self.item_code, self.item_code))

    @property
    def total(self) -> int:
        """The amount in minor units."""
        return self.unit_price.amount * self.quantity if self.unit_price else 0


class ReceiptTender(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The payment of a part, in minor units of the receipt's currency."""

    type: Annotated[str, Meta(min_length=1, max_length=64)]
    amount: Annotated[int, Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]


class Receipt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A receipt as printed. A return names in `of` its sale or order, if known."""

    id: ReceiptId
    kind: ReceiptKind
    occurred_at: Timestamp
    lines: Annotated[tuple[ReceiptLine, ...], Meta(min_length=1, max_length=1000)]
    terminal: Annotated[str, Meta(max_length=64)] = ""
    store: StoreId | None = None
    member: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    of: ReceiptId | None = None
    tenders: Annotated[tuple[ReceiptTender, ...], Meta(max_length=100)] = ()

    def __post_init__(self) -> None:
        for position, line in enumerate(self.lines):
            if broken := _find_broken_rule(self.kind, line):
                field, code, rule = broken
                raise InvalidField(f"lines.{position}.{field}", code, rule)
        if self.kind is ReceiptKind.SALE and self.of is not None:
            raise InvalidField("of", "not_allowed", "belongs to a return")
        if self.of == self.id:
            raise InvalidField("of", "not_allowed", "names the receipt itself")
        if len({line.unit_price.currency for line in self.lines if line.unit_price}) > 1:
            raise InvalidField("lines", "one_currency", "must be in one currency")
        if sum(abs(line.total) for line in self.lines) > MAX_AMOUNT:
            raise InvalidField("lines", "maximum", "come to more than money has")
        ensure_representable("occurred_at", self.occurred_at)

    @property
    def original_order(self) -> OrderId | None:
        """The order that a return names, where it is no sale of a till."""
        return OrderId(self.of) if self.of and ORDER_ID_PATTERN.fullmatch(self.of) else None

    @property
    def original_sale(self) -> ReceiptId | None:
        """The sale of a till that a return names."""
        return None if self.original_order else self.of

    @property
    def source_id(self) -> str:
        """Its name in the ledgers."""
        return to_source_id(self.id)

    @property
    def digest(self) -> bytes:
        """The same for the same content, however it is spelt."""
        told = (
            self.kind,
            self.occurred_at.astimezone(UTC),
            self.terminal,
            self.member,
            self.of,
            self.lines,
            self.tenders,
        )
        return sha256(msgspec.json.encode(told)).digest()


class ReceiptOfOtherStore(Invalid):
    """A receipt of another store's till."""

    code = "other_store"

    def __init__(self) -> None:
        super().__init__("This receipt belongs to another store.")


class ReceiptIdReused(Invalid):
    code = "id_reused"

    def __init__(self, receipt: ReceiptId) -> None:
        super().__init__(f"The id {receipt!r} already belongs to another receipt.")


class ReceiptDiscrepancy(Struct, frozen=True):
    """A part of a receipt that could not be applied, although the receipt was."""

    pointer: str
    code: str
    detail: str


def to_source_id(receipt: ReceiptId) -> str:
    return f"receipt:{receipt}"


class StoredReceipt(Struct, frozen=True):
    """The records under an id; `awaited` is a sale that only its return has named so far."""

    store: StoreId
    kind: str
    digest: bytes

    @property
    def is_awaited(self) -> bool:
        return self.kind == PENDING_RETURN


class TradedLine(Struct, frozen=True):
    sku: Sku
    quantity: int


class TradedReceipt(Struct, frozen=True):
    """Goods of one sale: as they were sold, or as they came back."""

    sale: ReceiptId
    kind: ReceiptKind
    lines: list[TradedLine]


class BookedReceipt(Struct, frozen=True):
    """The booking of one receipt: its lines by the SKUs found for them, and its moment."""

    receipt: Receipt
    store: StoreId
    terminal: str
    actor: str
    occurred_at: datetime
    digest: bytes
    lines: tuple[ReceiptLine, ...]

    def to_postings(self, made_of: Mapping[Sku, Mapping[Sku, int]]) -> list[StockPosting]:
        """Computes the stock movements of a receipt, part by part of kits.

        `made_of` gives the parts of one unit of each known SKU.
        """
        sums = Counter[Sku]()
        conditions: dict[Sku, Counter[Condition]] = {}
        for line in self.lines:
            sign = _sign(self.receipt.kind, line.disposition)
            for part, each in made_of.get(line.item_code, {}).items():
                sums[part] += sign * each * line.quantity
                if line.disposition in CONDITION_BY_DISPOSITION:
                    blocked = conditions.setdefault(part, Counter())
                    blocked[CONDITION_BY_DISPOSITION[line.disposition]] += each * line.quantity
        source = PostingSource(
            MovementReason(self.receipt.kind.value),
            self.receipt.source_id,
            self.actor,
            self.occurred_at,
        )
        return [
            StockPosting(
                StockDelta(
                    self.store, sku, units, conditions[sku].total() if sku in conditions else 0
                ),
                source,
                conditions.get(sku, {}),
            )
            for sku, units in sums.items()
            if units
        ]

    def earned_points(self) -> dict[Sku, int]:
        """The points a member earns by it, line by line: one for each whole unit of money paid."""
        currency = next((line.unit_price.currency for line in self.lines if line.unit_price), "")
        if not currency:
            return {}
        paid = [
            Money(total, currency) for total in paid_amounts([line.total for line in self.lines])
        ]
        earned = Counter[Sku]()
        for line, points in zip(self.lines, compute_line_points(paid), strict=True):
            earned[line.item_code] += points
        return {sku: points for sku, points in earned.items() if points}


def paid_amounts(totals: Collection[int]) -> list[int]:
    """The amount paid for each line: a deduction, a total below zero, is taken off the others."""
    off = -sum(total for total in totals if total < 0)
    paid = []
    for total in totals:
        part = min(off, max(total, 0))
        off -= part
        paid.append(max(total, 0) - part)
    return paid


def returned_quantities(
    trades: Iterable[TradedReceipt],
) -> dict[ReceiptId, dict[Sku, tuple[int, int]]]:
    """Counts, for each sale and SKU, the units returned, at most all of them, and sold."""
    units: dict[ReceiptKind, Counter[tuple[ReceiptId, Sku]]] = {
        kind: Counter() for kind in ReceiptKind
    }
    for trade in trades:
        for line in trade.lines:
            units[trade.kind][trade.sale, line.sku] += line.quantity
    parts: dict[ReceiptId, dict[Sku, tuple[int, int]]] = {}
    for (sale, sku), sold in units[ReceiptKind.SALE].items():
        if returned := units[ReceiptKind.RETURN][sale, sku]:
            parts.setdefault(sale, {})[sku] = (min(returned, sold), sold)
    return parts


def _sign(kind: ReceiptKind, disposition: Disposition | None) -> int:
    """The change of the quantity on hand by one unit."""
    if kind is ReceiptKind.SALE:
        return -1
    return 0 if disposition is Disposition.MISSING else 1


def _find_broken_rule(kind: ReceiptKind, line: ReceiptLine) -> tuple[str, str, str] | None:
    """The field of a line that breaks a rule, and the rule."""
    if (line.sku is None) == (line.gtin is None):
        return ("sku", "sku_or_gtin", "names the line, or its gtin does")
    if line.unit_price and not is_currency(line.unit_price.currency):
        return ("unit_price.currency", "unknown_currency", "is no currency")
    if kind is ReceiptKind.RETURN and line.disposition is None:
        return ("disposition", "required", "says what becomes of the goods")
    if kind is ReceiptKind.SALE and line.disposition is not None:
        return ("disposition", "not_allowed", "belongs to a return")
    return None


def _normalise_gtin(gtin: str) -> str:
    try:
        return parse_gtin(gtin)
    except InvalidField:
        return gtin
