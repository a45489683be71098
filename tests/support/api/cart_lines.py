"""Requests to the public API that several tests make: cart lines."""

from typing import Any

from tests.support.api.carts import a_cart
from tests.support.examples import HARBOUR, HILL, MUG
from tests.support.shop import Shop

THERE = {"method": "pickup", "store": HILL}


async def put_at(shop: Shop, cart: dict[str, Any], at: str, quantity: int, **more: Any) -> Any:
    address = f"/v1/carts/{cart['id']}/lines/{MUG}{at and '?'}{at}"
    body = {"quantity": quantity, **more}
    return await shop.client.put(address, json=body, headers=cart["headers"])


async def a_split_cart(shop: Shop, headers: dict[str, str]) -> dict[str, Any]:
    """Two mugs at the harbour, three on the hill."""
    cart = await a_cart(shop, headers)
    await put_at(shop, cart, f"store={HARBOUR}", 2)
    await put_at(shop, cart, f"store={HILL}", 3)
    return cart
