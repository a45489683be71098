"""Ports of stores."""

from collections.abc import Collection, Sequence
from typing import Protocol

from domain.kernel.ids import StoreId
from domain.stores.stores import Store


class Stores(Protocol):
    async def get(self, store: StoreId) -> Store:
        """Raises NotFound."""

    async def get_many(self, stores: Collection[StoreId]) -> dict[StoreId, Store]:
        """Those that exist."""

    async def list_all(self) -> dict[StoreId, Store]:
        """Every store."""

    async def get_version(self) -> int:
        """Returns a number that changes with every change of a store."""

    async def lock(self, stores: Collection[StoreId]) -> dict[StoreId, Store]:
        """Returns the stores that exist, locked for changes until the unit ends."""

    async def lock_shared(self, stores: Collection[StoreId]) -> dict[StoreId, Store]:
        """Returns the stores that exist, locked shared until the unit ends.

        A claim on a location locks it before any stock level, so that it is not disabled then.
        """

    async def list_draining(self) -> list[StoreId]:
        """Those that take in nothing new, and wait for the rest to be over."""

    async def list_page(
        self, after: StoreId, limit: int, *, pickup: bool | None = None
    ) -> list[Store]:
        """In the order of their keys, from the one behind `after` on."""

    async def list_near(
        self, latitude: float, longitude: float, radius_km: float
    ) -> list[tuple[Store, float]]:
        """Those within the radius with their distance in km, the nearest first."""

    async def upsert(self, stores: Sequence[Store]) -> None:
        """Write each store, new or known, as it is now."""
