"""Requests to the public API that several tests make: checkout batches."""

from typing import Any

from msgspec import convert

from domain.foundation.callers import Caller, Role
from domain.kernel.errors import DomainError
from service.foundation.ports import IdempotencyKey
from service.orders.checkout.build_order import Checkout, CheckoutCommand
from tests.support.api.orders import CHECKOUT
from tests.support.place_cart import place_cart
from tests.support.shop import Shop


def wish(shop: Shop, cart: dict[str, Any], key: str = "", **more: Any) -> CheckoutCommand:
    """A guest's, who comes with the cart's token."""
    caller = Caller(Role.SHOP, "key_page", cart=cart["id"])
    checkout = convert(CHECKOUT | more, Checkout)
    asked = IdempotencyKey(f"key_page:{cart['id']}", key or shop.fresh(), b"what was asked")
    return CheckoutCommand(caller, cart["id"], checkout, "en", asked)


async def in_a_round_of_its_own(shop: Shop, cart: dict[str, Any]) -> str:
    """How a cart fares that is placed by another process: only locks know of the others."""
    try:
        await place_cart(shop.units, wish(shop, cart))
    except DomainError as no:
        return no.error_code
    return "placed"
