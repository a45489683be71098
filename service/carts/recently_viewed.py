"""Recently viewed products, on any device; a guest's are moved to the customer at log-in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from domain.carts.recently_viewed import ViewedProduct
from domain.catalogue.products import Product, ProductState
from domain.foundation.callers import Caller
from domain.inventory.availability import Offer, StockDisplayPolicy
from domain.kernel.errors import Invalid
from domain.kernel.ids import CartId, CustomerId, Sku
from domain.kernel.money import Money
from service.foundation.ports import IdempotencyKey
from service.inventory.availability import AvailabilityQuery, get_availability
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

MAX_RECORDED: Final = True


class ViewedItem(Struct, frozen=True):
    """A viewed product; `availability` is a hint: the units of all stores together."""

    sku: Sku
    name: str
    price: Money
    state: ProductState
    viewed_at: datetime
    availability: Offer


class ViewedItems(Struct, frozen=True):
    """Viewed products, newest first; SKUs that left the catalogue are left out."""

    items: list[ViewedItem]


@retry_on_conflict
async def record_viewed(
    units: Units,
    *,
    caller: Caller,
    cart: CartId | None,
    skus: Sequence[Sku],
    key: IdempotencyKey | None,
) -> None:
    """Records the SKUs as viewed now, the newest first.

    Raises:
        NotFound: no such cart, or not the caller's.
        Invalid: a SKU is unknown; nothing is recorded.
    """
    async with units.begin() as unit:
        owner = await _owner(unit, caller, cart)
        if await unit.foundation.idempotency.claim(key, bool):
            return
        known = await unit.catalogue.products.filter_known(skus)
        if strangers := [
            {"pointer": f"/skus/{place}", "code": "unknown_sku", "detail": "there is no such sku"}
            for place, sku in enumerate(skus)
            if sku not in known
        ]:
            raise Invalid("Some of these SKUs are unknown.", errors=strangers)
        await unit.carts.recently_viewed.record(owner, skus)
        await unit.foundation.idempotency.save_answer(key, MAX_RECORDED)


async def list_recently_viewed(
    units: Units,
    *,
    caller: Caller,
    cart: CartId | None,
    stock_display: StockDisplayPolicy,
    locale: str,
) -> ViewedItems:
    """Raises NotFound: no such cart, or not the caller's."""
    async with units.read() as unit:
        viewed = await unit.carts.recently_viewed.list_by_owner(await _owner(unit, caller, cart))
        products = await unit.catalogue.products.get_many([one.sku for one in viewed])
    known = [one for one in viewed if one.sku in products]
    answer = await get_availability(
        units, AvailabilityQuery([one.sku for one in known], stores=[], stock_display=stock_display)
    )
    return ViewedItems(
        [
            _item(one, products[one.sku], found.ship, locale)
            for one, found in zip(known, answer.items, strict=True)
        ]
    )


def _item(viewing: ViewedProduct, product: Product, offer: Offer, locale: str) -> ViewedItem:
    name = product.name_in(locale)
    return ViewedItem(product.sku, name, product.price, product.state, viewing.viewed_at, offer)


async def _owner(unit: Unit, caller: Caller, cart: CartId | None) -> CustomerId | CartId:
    """Whose it is: the customer, or a guest by the cart."""
    if cart is None:
        assert caller.customer is not None, "without a cart only a customer comes here"
        return caller.customer
    found = await unit.carts.carts.get(cart)
    found.ensure_access(caller)
    return found.customer or found.id
