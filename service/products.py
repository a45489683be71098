"""What the office decides of a product by hand; everything else comes in with its files."""

from msgspec.structs import replace

from domain.catalogue import Product, ProductMissing, revised
from domain.feed import retold
from domain.ids import Sku
from service.ports.requests import RequestKey
from service.ports.unit import Units
from service.retries import tried_again


@tried_again
async def track(units: Units, sku: Sku, *, tracked: bool, key: RequestKey | None) -> Product:
    """Count its stock from now on, or count no more: it then never runs out.

    What it is promised to stays promised, and its shelves are kept all the same. A repeat changes
    nothing.

    Raises:
        ProductMissing, SkuRetired.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Product):
            return first
        known = (await unit.products.lock([sku])).get(sku)
        if known is None:
            raise ProductMissing(sku)
        product = revised(known, replace(known, tracked=tracked), frozenset({"tracked"}))
        if product != known:
            await unit.products.put([product])
            await unit.stock.retell(retold(known, product))
        await unit.requests.answer(key, product)
    return product
