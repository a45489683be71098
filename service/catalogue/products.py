"""What the office decides of a product by hand; everything else comes in with its files."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from domain.catalogue.products import Product, ProductMissing, revised
from domain.inventory.change_feed import retold
from domain.kernel.ids import Sku
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Units


@tried_again
async def change(
    units: Units, sku: Sku, told: Mapping[str, Any], *, key: RequestKey | None
) -> Product:
    """Change the fields that are told; a repeat changes nothing.

    Where its stock is no longer counted it never runs out. What it is promised to stays promised,
    and its shelves are kept all the same.

    Raises:
        ProductMissing, SkuRetired.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Product):
            return first
        known = (await unit.products.lock([sku])).get(sku)
        if known is None:
            raise ProductMissing(sku)
        product = revised(known, replace(known, **told), frozenset(told))
        if product != known:
            await unit.products.put([product])
            await unit.stock.retell(retold(known, product))
        await unit.requests.answer(key, product)
    return product
