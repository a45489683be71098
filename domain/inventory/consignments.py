"""Goods on their way to a store, from a supplier or from another store.

They come at once or bit by bit: the receiver reports the total of each that has come so far, so a
repeat is harmless. A consignment is closed when all of it has come, or when the receiver reports
that no more will come.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Self

from msgspec import Struct
from msgspec.structs import replace

from domain.inventory.stock_levels import MovementReason, PostingSource, StockDelta
from domain.kernel.errors import Conflict
from domain.kernel.ids import Sku, StoreId


class ConsignmentClosed(Conflict):
    """More units are reported for a closed consignment. Each kind has its own code."""

    def __init__(self, consignment: "Consignment") -> None:
        super().__init__(
            "Nothing more is received of what is closed.",
            facts={
                "state": consignment.state.value,
                "closed_at": consignment.closed_at,
            },
        )


class ConsignmentLine(Struct, frozen=True):
    """Units of one SKU that are to come, and how many of them were received so far."""

    sku: Sku
    quantity: int
    received: int = 0

    @property
    def missing(self) -> int:
        return max(0, self.quantity - self.received)


class Incoming(Struct, frozen=True):
    """Units of one SKU that a store waits for, and the day they are due on there, if it is known.

    `source` is the delivery or the transfer that brings them.
    """

    store: StoreId
    sku: Sku
    units: int
    due_on: date | None
    source: str


class Consignment(Struct, frozen=True, kw_only=True):
    """The common fields of a delivery and a transfer."""

    ARRIVAL_REASON: ClassVar[MovementReason]
    CLOSED_STATE: ClassVar[StrEnum]
    CLOSED_ERROR: ClassVar[type[ConsignmentClosed]]

    id: str
    destination: StoreId
    lines: list[ConsignmentLine]
    state: StrEnum
    due_on: date | None = None
    closed_by: str = ""
    closed_at: datetime | None = None
    version: int = 1

    @property
    def stores(self) -> set[StoreId]:
        """The stores whose business it is."""
        return {self.destination}

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    def outstanding(self, line: ConsignmentLine) -> int:
        """Units that are still to come."""
        return 0 if self.is_closed else line.missing

    def discrepancy(self, line: ConsignmentLine) -> int:
        """Units that never came."""
        return line.missing if self.is_closed else 0

    @property
    def incoming(self) -> list[Incoming]:
        """The units that the store waits for."""
        return [
            Incoming(self.destination, line.sku, self.outstanding(line), self.due_on, self.id)
            for line in self.lines
            if self.outstanding(line)
        ]

    def arrival_source(self, by: str, now: datetime) -> PostingSource:
        """Each receipt is a source of its own: the version that it left the consignment at."""
        return PostingSource(self.ARRIVAL_REASON, f"{self.id}.{self.version}", by, now)

    def deltas_since(self, before: "Consignment") -> list[StockDelta]:
        """The units received between `before` and this."""
        known = {line.sku: line.received for line in before.lines}
        return [
            StockDelta(self.destination, line.sku, on_hand=line.received - known[line.sku])
            for line in self.lines
            if line.received > known[line.sku]
        ]

    def receive(self, totals: Mapping[Sku, int], *, last: bool, by: str, now: datetime) -> Self:
        """The consignment after these totals of each SKU were received; `last`: no more will come.

        A total that is not above the known one changes nothing: it is a repeat, or late.

        Raises:
            ConsignmentClosed: more has come after the consignment was closed.
        """
        lines = [
            replace(line, received=max(line.received, totals.get(line.sku, 0)))
            for line in self.lines
        ]
        is_over = last or not any(line.missing for line in lines)
        if lines == self.lines and (self.is_closed or not is_over):
            return self
        if self.is_closed:
            raise self.CLOSED_ERROR(self)
        after = replace(self, lines=lines)
        return after.close(self.CLOSED_STATE, by, now) if is_over else after.with_next_version()

    def with_next_version(self) -> Self:
        return replace(self, version=self.version + 1)

    def close(self, state: StrEnum, by: str, now: datetime) -> Self:
        return replace(self, state=state, closed_by=by, closed_at=now).with_next_version()
