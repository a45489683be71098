"""Goods on their way from one store to another.

    in_transit → closed

They leave one shelf when they are sent and reach another as they are received, at once or bit by
bit. In between they lie on neither. A transfer is closed when all of it was received, or by
whoever says that nothing more will come: what is missing then is its discrepancy, and the store
that sent it is not touched again.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from domain.ids import Sku, StoreId, TransferId
from domain.refusals import Conflict, Invalid
from domain.stock import Cause, Change, NotEnoughStock, Place, Shelf, Shortage, Source


class TransferState(StrEnum):
    IN_TRANSIT = "in_transit"
    CLOSED = "closed"


_S = TransferState
MOVES: Final[Mapping[TransferState, frozenset[TransferState]]] = {
    _S.IN_TRANSIT: frozenset({_S.IN_TRANSIT, _S.CLOSED}),
    _S.CLOSED: frozenset(),
}


class TransferClosed(Conflict):
    code = "transfer_closed"

    def __init__(self, transfer: "Transfer") -> None:
        super().__init__(
            "Nothing more is received of a transfer that is closed.",
            facts={"state": transfer.state.value, "closed_at": transfer.closed_at},
        )


class NotSent(Invalid):
    """More is said to have come than was sent; each such line is named."""

    code = "not_sent"

    def __init__(self, lines: Mapping[Sku, tuple[int, int]]) -> None:
        """`lines` are those that cannot be: what was sent of each, and what is said to be here."""
        errors = [
            {"sku": sku, "sent": sent, "received": received}
            for sku, (sent, received) in lines.items()
        ]
        super().__init__(f"More has come than was sent of {', '.join(lines)}.", errors=errors)


class TransferLine(Struct, frozen=True):
    """Units of one SKU that were sent, and how many of them were received so far."""

    sku: Sku
    quantity: int
    received: int = 0

    @property
    def missing(self) -> int:
        return self.quantity - self.received


class Transfer(Struct, frozen=True, kw_only=True):
    id: TransferId
    origin: StoreId
    destination: StoreId
    lines: list[TransferLine]
    sent_by: str
    sent_at: datetime
    state: TransferState = TransferState.IN_TRANSIT
    closed_by: str = ""
    closed_at: datetime | None = None
    version: int = 1

    def in_transit(self, line: TransferLine) -> int:
        return line.missing if self.state is TransferState.IN_TRANSIT else 0

    def discrepancy(self, line: TransferLine) -> int:
        """Units that were sent and never came."""
        return line.missing if self.state is TransferState.CLOSED else 0

    @property
    def departure(self) -> Source:
        return Source(Cause.TRANSFER_OUT, self.id, self.sent_by, self.sent_at)

    def arrival(self, by: str, now: datetime) -> Source:
        """Each receipt is a source of its own: the version that it left the transfer at."""
        return Source(Cause.TRANSFER_IN, f"{self.id}.{self.version}", by, now)

    def leaving(self) -> list[Change]:
        return [Change(self.origin, line.sku, on_hand=-line.quantity) for line in self.lines]

    def arrived_since(self, before: "Transfer") -> list[Change]:
        """What was received between `before` and this."""
        known = {line.sku: line.received for line in before.lines}
        return [
            Change(self.destination, line.sku, on_hand=line.received - known[line.sku])
            for line in self.lines
            if line.received > known[line.sku]
        ]

    def after_receiving(
        self, totals: Mapping[Sku, int], *, last: bool, by: str, now: datetime
    ) -> "Transfer":
        """The transfer once so much of each SKU has come in all; `last` says that no more will.

        A total that is not above the known one changes nothing: it was told before, or is late.

        Raises:
            NotSent: more has come than was sent.
            TransferClosed: more has come after all was said to have come.
        """
        self._must_have_sent(totals)
        lines = [
            replace(line, received=max(line.received, totals.get(line.sku, 0)))
            for line in self.lines
        ]
        is_over = last or not any(line.missing for line in lines)
        state = TransferState.CLOSED if is_over else TransferState.IN_TRANSIT
        is_closed = self.state is TransferState.CLOSED
        if lines == self.lines and (is_closed or not is_over):
            return self
        if state not in MOVES[self.state]:
            raise TransferClosed(self)
        after = replace(self, lines=lines, state=state, version=self.version + 1)
        return replace(after, closed_by=by, closed_at=now) if is_over else after

    def _must_have_sent(self, totals: Mapping[Sku, int]) -> None:
        sent = {line.sku: line.quantity for line in self.lines}
        wrong = {
            sku: (sent.get(sku, 0), total)
            for sku, total in totals.items()
            if total > sent.get(sku, 0) or sku not in sent
        }
        if wrong:
            raise NotSent(wrong)


def must_be_there(transfer: Transfer, shelves: Mapping[Place, Shelf]) -> None:
    """Only what nobody was promised may be sent. Safety stock may: it is kept from shoppers only.

    Raises:
        NotEnoughStock: every line that is short is named.
    """
    free = {place: max(0, shelf.available) for place, shelf in shelves.items()}
    short = [
        Shortage(line.sku, transfer.origin, line.quantity, free.get((transfer.origin, line.sku), 0))
        for line in transfer.lines
    ]
    if short := [one for one in short if one.available < one.wanted]:
        raise NotEnoughStock(short, {(one.store, one.sku): [one.sku] for one in short})
