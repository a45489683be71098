"""Ports of fulfilment: pickups, shipments and allocations."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from domain.fulfilment.fulfilments import Allocation
from domain.fulfilment.pickups import Pickup, PickupState
from domain.fulfilment.shipments import Shipment, ShipmentState
from domain.kernel.ids import OrderId, PickupId, ShipmentId, StoreId


class Shipments(Protocol):
    async def add(self, *shipments: Shipment) -> None: ...

    async def get(self, shipment: ShipmentId) -> Shipment:
        """Raises NotFound."""

    async def get_for_update(self, shipment: ShipmentId) -> Shipment:
        """The shipment, locked until the unit ends. Raises NotFound."""

    async def update(self, shipment: Shipment) -> None:
        """Write a taken shipment back."""

    async def list_by_order(self, order: OrderId) -> Sequence[Shipment]:
        """The shipments of an order, in the order they were made."""

    async def list_by_store(
        self,
        store: StoreId,
        states: Collection[ShipmentState],
        *,
        after: ShipmentId | None,
        limit: int,
    ) -> Sequence[Shipment]:
        """A location's shipments in one of these states, oldest first."""


class Pickups(Protocol):
    async def add(self, *pickups: Pickup) -> None: ...

    async def get(self, pickup: PickupId) -> Pickup:
        """Raises NotFound."""

    async def get_for_update(self, pickup: PickupId) -> Pickup:
        """The pickup, locked until the unit ends. Raises NotFound."""

    async def update(self, pickup: Pickup) -> None:
        """Write a taken pickup back."""

    async def find_by_code(self, code_hash: bytes) -> Pickup | None:
        """The pickup that waits for this code, in any store; else the last one it opened."""

    async def list_by_store(
        self,
        store: StoreId,
        states: Collection[PickupState],
        *,
        after: PickupId | None,
        limit: int,
    ) -> Sequence[Pickup]:
        """A store's pickups in one of these states, oldest first."""

    async def list_by_order(self, order: OrderId) -> Sequence[Pickup]:
        """The pickups of an order, in the order they were made."""

    async def list_overdue(self, now: datetime, limit: int) -> list[PickupId]:
        """Ready ones whose time to collect is over."""


class Allocations(Protocol):
    async def upsert(self, allocations: Collection[Allocation]) -> None:
        """Keep each allocation as it is now; new ones are added."""
