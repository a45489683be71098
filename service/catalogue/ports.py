"""Ports of the catalogue."""

from collections.abc import Collection, Sequence
from typing import Protocol

from domain.catalogue.products import Product, ProductWithParts
from domain.kernel.ids import Sku


class Products(Protocol):
    async def get(self, sku: Sku) -> Product:
        """Raises NotFound."""

    async def get_many(self, skus: Collection[Sku]) -> dict[Sku, Product]:
        """Those that exist, active or retired, with the parts of kits and their relations."""

    async def lock(self, skus: Collection[Sku]) -> dict[Sku, Product]:
        """Returns the products that exist, locked against changes until the unit ends."""

    async def filter_known(self, skus: Collection[Sku]) -> set[Sku]:
        """Which of them exist."""

    async def get_with_parts(self, skus: Collection[Sku]) -> dict[Sku, ProductWithParts]:
        """Returns the stock facts of products, with the parts of kits and of the kits' parts."""

    async def find_by_gtin(self, gtins: Collection[str]) -> dict[str, Sku]:
        """Returns the SKU of each barcode (GTIN-14); active products come first."""

    async def search(
        self, *, gtin: str | None, query: str | None, after: Sku, limit: int
    ) -> list[Product]:
        """By barcode, and by a part of the sku, the category or a name in any language.

        In the order of their skus, from the one behind `after` on.
        """

    async def list_variants(self, sku: Sku, *, after: Sku, limit: int) -> list[Product]:
        """The product and its siblings of one group, in the order of their skus after `after`."""

    async def list_kits_with(self, skus: Collection[Sku]) -> list[Product]:
        """The kits that any of these is a part of."""

    async def upsert(self, products: Sequence[Product]) -> None:
        """Write each product, new or known, as it is now."""
