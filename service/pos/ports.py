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
        """Returns the stored receipts of these ids."""

    async def filter_returned(self, sales: Collection[ReceiptId]) -> set[ReceiptId]:
        """Which of these sales a return has named."""

    async def list_trades(self, sales: Collection[ReceiptId]) -> Sequence[TradedReceipt]:
        """These sales, and every return that names one of them."""


class Incidents(Protocol):
    """Incidents. `StockLevels.apply` opens and settles those of oversold stock."""

    async def add_unknown(self, strangers: Collection[UnknownSku]) -> None:
        """Opens an incident for each unknown SKU, or adds to the open one."""

    async def open(self, kind: IncidentKind, places: Collection[StockKey]) -> None:
        """Open an incident at each place where none of the kind is open."""

    async def settle(self, kind: IncidentKind, well: Mapping[StockKey, datetime | None]) -> None:
        """Settles the incidents of these stock levels: at a time for each, or now."""

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
        """Returns the open claims of orders on these stock levels."""

    async def list_short(self, places: Collection[StockKey]) -> Sequence[ShortAllocation]:
        """Returns those stock levels of tracked SKUs with fewer units than are allocated."""
