"""Requests to the public API that several tests make: order views."""

from typing import Any

from tests.support.api.carts import a_cart, put
from tests.support.api.orders import order
from tests.support.examples import MUG
from tests.support.shop import Shop

HOME = {"street": "Sample street 1", "city": "Stockholm", "country": "SE"}


async def sent_home(shop: Shop, me: dict[str, str], key: str = "once", **lines: int) -> Any:
    """An order that is sent home, as its checkout answers."""
    cart = await a_cart(shop, me)
    for sku, quantity in lines.items():
        await put(
            shop, cart["id"], cart["headers"], sku.upper(), quantity, fulfilment={"method": "ship"}
        )
    return (await order(shop, cart, key=key, address=HOME)).json()


async def seen(shop: Shop, me: dict[str, str], name: str) -> Any:
    return (await shop.client.get(f"/v1/orders/{name}", headers=me)).json()


def line_of(told: Any, sku: str = MUG) -> dict[str, int]:
    words = ("quantity", "cancelled", "picked", "ready", "collected", "shipped", "returned")
    return {word: next(one for one in told["lines"] if one["sku"] == sku)[word] for word in words}
