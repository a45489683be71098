"""Ports of the point of sale: receipts and incidents."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.inventory.stock_levels import StockKey
from domain.kernel.ids import ReceiptId, StoreId
from domain.pos.incidents import (
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    OpenClaim,
    ShortAllocation,
    UnknownSku,
)
from domain.pos.receipts import BookedReceipt, StoredReceipt, TradedReceipt


class Receipts(Protocol):
    """Receipts of tills, each of them once and for ever."""

    async def add(self, books: Collection[BookedReceipt]) -> set[ReceiptId]:
        """Write down receipts, each id once; answers those that are new.

        Each is locked until the unit ends, and so is each sale that a return names.
        """

    async def get_stored(self, receipts: Collection[ReceiptId]) -> dict[ReceiptId, StoredReceipt]:
        """What is known under these ids."""

    async def filter_returned(self, sales: Collection[ReceiptId]) -> set[ReceiptId]:
        """Which of these sales a return has named."""

    async def list_trades(self, sales: Collection[ReceiptId]) -> Sequence[TradedReceipt]:
        """These sales, and every return that names one of them."""


class Incidents(Protocol):
    """Incidents. `StockLevels.apply` opens and settles those of oversold stock."""

    async def add_unknown(self, strangers: Collection[UnknownSku]) -> None:
        """Open an incident for each thing that nobody knows, or add to the one that is open."""

    async def open(self, kind: IncidentKind, places: Collection[StockKey]) -> None:
        """Open an incident at each place where none of the kind is open."""

    async def settle(self, kind: IncidentKind, well: Mapping[StockKey, datetime | None]) -> None:
        """What was open at these places was in order again: at a moment of each, or by now."""

    async def get(self, incident: IncidentId) -> Incident:
        """Raises IncidentNotFound."""

    async def get_for_update(self, incident: IncidentId) -> Incident:
        """The incident, locked until the unit ends. Raises IncidentNotFound."""

    async def update(self, incident: Incident) -> None:
        """Write a taken incident back."""

    async def list_page(
        self,
        store: StoreId,
        states: Collection[IncidentState],
        *,
        after: IncidentId | None,
        limit: int,
    ) -> Sequence[Incident]:
        """A store's incidents in one of these states, oldest first."""

    async def list_claims(self, places: Collection[StockKey]) -> Sequence[OpenClaim]:
        """What orders wait for at these places."""

    async def list_short(self, places: Collection[StockKey]) -> Sequence[ShortAllocation]:
        """Those of these shelves, of what is tracked, where less lies than orders are promised."""
