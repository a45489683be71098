"""Goods on their way from one store to another.

    in_transit → closed

They leave one stock level when they are sent and enter another as they are received, at once or bit
by bit. In between they are in neither. A transfer is closed when all of it was received, or when
the receiver reports that no more will come: the missing units are then its discrepancy, and the
store that sent it is not touched again.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from domain.inventory.consignments import Consignment, ConsignmentClosed
from domain.inventory.stock_levels import (
    InsufficientStock,
    MovementReason,
    PostingSource,
    Shortage,
    StockDelta,
    StockKey,
    StockLevel,
)
from domain.kernel.errors import Invalid
from domain.kernel.ids import Sku, StoreId, TransferId


class TransferState(StrEnum):
    IN_TRANSIT = "in_transit"
    CLOSED = "closed"


class TransferClosed(ConsignmentClosed):
    code = "transfer_closed"


class MoreThanSent(Invalid):
    """More is reported as received than was sent; each such line is named."""

    code = "not_sent"

    def __init__(self, lines: Mapping[Sku, tuple[int, int]]) -> None:
        """`lines` are the impossible ones: the units sent of each, and the units reported here."""
        errors = [
            {"sku": sku, "sent": sent, "received": received}
            for sku, (sent, received) in lines.items()
        ]
        super().__init__(f"More has come than was sent of {', '.join(lines)}.", errors=errors)


class Transfer(Consignment, frozen=True, kw_only=True):
    ARRIVAL_REASON: ClassVar = MovementReason.TRANSFER_IN
    CLOSED_STATE: ClassVar = TransferState.CLOSED
    CLOSED_ERROR: ClassVar = TransferClosed

    id: TransferId
    state: TransferState = TransferState.IN_TRANSIT
    origin: StoreId
    sent_by: str
    sent_at: datetime

    @property
    def stores(self) -> set[StoreId]:
        return {self.origin, self.destination}

    @property
    def departure_source(self) -> PostingSource:
        return PostingSource(MovementReason.TRANSFER_OUT, self.id, self.sent_by, self.sent_at)

    def departure_deltas(self) -> list[StockDelta]:
        return [StockDelta(self.origin, line.sku, on_hand=-line.quantity) for line in self.lines]

    def receive(self, totals: Mapping[Sku, int], *, last: bool, by: str, now: datetime) -> Self:
        """Raises MoreThanSent too: more has come than was sent."""
        sent = {line.sku: line.quantity for line in self.lines}
        wrong = {
            sku: (sent.get(sku, 0), total)
            for sku, total in totals.items()
            if total > sent.get(sku, 0) or sku not in sent
        }
        if wrong:
            raise MoreThanSent(wrong)
        return super().receive(totals, last=last, by=by, now=now)


def ensure_in_stock(transfer: Transfer, levels: Mapping[StockKey, StockLevel]) -> None:
    """Checks that only unpromised units are sent. Safety stock may be: it limits shoppers only.

    Raises:
        InsufficientStock: every line that is short is named.
    """
    free = {place: max(0, level.available) for place, level in levels.items()}
    short = [
        Shortage(line.sku, transfer.origin, line.quantity, free.get((transfer.origin, line.sku), 0))
        for line in transfer.lines
    ]
    if short := [one for one in short if one.available < one.wanted]:
        raise InsufficientStock(short, {(one.store, one.sku): [one.sku] for one in short})
