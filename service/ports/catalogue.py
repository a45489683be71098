"""Where the shop sells, and what."""

from collections.abc import Collection, Sequence
from typing import Protocol

from domain.catalogue import Made, Product
from domain.ids import (
    Sku,
    StoreId,
)
from domain.stores import Store


class Stores(Protocol):
    async def get(self, store: StoreId) -> Store:
        """Raises Missing."""

    async def by_id(self, stores: Collection[StoreId]) -> dict[StoreId, Store]:
        """Those that exist."""

    async def all(self) -> dict[StoreId, Store]:
        """Every store."""

    async def stamp(self) -> int:
        """Another number than before whenever a store was told otherwise."""

    async def lock(self, stores: Collection[StoreId]) -> dict[StoreId, Store]:
        """Those that exist, kept as they are until the unit ends, and for this unit to change."""

    async def share(self, stores: Collection[StoreId]) -> dict[StoreId, Store]:
        """Those that exist, kept as they are until the unit ends; others may share them.

        Whoever claims something new of a location shares it first, before any shelf: so nobody
        disables it at that moment.
        """

    async def draining(self) -> list[StoreId]:
        """Those that take in nothing new, and wait for the rest to be over."""

    async def page(self, after: StoreId, limit: int, *, pickup: bool | None = None) -> list[Store]:
        """In the order of their keys, from the one behind `after` on."""

    async def near(
        self, latitude: float, longitude: float, radius_km: float
    ) -> list[tuple[Store, float]]:
        """Those within the radius with their distance in km, the nearest first."""

    async def put(self, stores: Sequence[Store]) -> None:
        """Write each store, new or known, as it is now."""


class Products(Protocol):
    async def get(self, sku: Sku) -> Product:
        """Raises Missing."""

    async def by_sku(self, skus: Collection[Sku]) -> dict[Sku, Product]:
        """Those that exist, active or retired, with the parts of kits and their relations."""

    async def lock(self, skus: Collection[Sku]) -> dict[Sku, Product]:
        """Those that exist, kept as they are until the unit ends."""

    async def known(self, skus: Collection[Sku]) -> set[Sku]:
        """Which of them exist."""

    async def made_of(self, skus: Collection[Sku]) -> dict[Sku, Made]:
        """What those that exist are made of, and the parts of the kits among them."""

    async def called(self, gtins: Collection[str]) -> dict[str, Sku]:
        """What bears each of these barcodes, in 14 digits; the active first."""

    async def search(
        self, *, gtin: str | None, query: str | None, after: Sku, limit: int
    ) -> list[Product]:
        """By barcode, and by a part of the sku, the category or a name in any language.

        In the order of their skus, from the one behind `after` on.
        """

    async def variants(self, sku: Sku, *, after: Sku, limit: int) -> list[Product]:
        """The product and its siblings of one group, in the order of their skus after `after`."""

    async def kits_of(self, skus: Collection[Sku]) -> list[Product]:
        """The kits that any of these is a part of."""

    async def put(self, products: Sequence[Product]) -> None:
        """Write each product, new or known, as it is now."""
