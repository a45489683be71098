"""Changes of single products by the office; all other changes arrive in files."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from domain.catalogue.products import Product, ProductNotFound, apply_update
from domain.inventory.change_feed import republished
from domain.kernel.ids import Sku
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units


@retry_on_conflict
async def update_product(
    units: Units, sku: Sku, told: Mapping[str, Any], *, key: IdempotencyKey | None
) -> Product:
    """Changes the given fields; a repeat changes nothing.

    A product whose stock is no longer counted never runs out. Existing allocations stay, and its
    stock levels are still recorded.

    Raises:
        ProductNotFound, SkuRetired.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Product):
            return first
        known = (await unit.catalogue.products.lock([sku])).get(sku)
        if known is None:
            raise ProductNotFound(sku)
        product = apply_update(known, replace(known, **told), frozenset(told))
        if product != known:
            await unit.catalogue.products.upsert([product])
            await unit.inventory.stock_levels.republish(republished(known, product))
        await unit.foundation.idempotency.save_answer(key, product)
    return product
