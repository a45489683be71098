"""Requests to the public API that several tests make: carts."""

from typing import Any

from tests.support.examples import HARBOUR
from tests.support.shop import Shop

HERE = {"method": "pickup", "store": HARBOUR}


async def a_cart(shop: Shop, headers: dict[str, str], **lines: int) -> dict[str, Any]:
    """A cart whose lines are to be collected at the harbour, with the headers that open it."""
    started = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=headers)
    cart = started.json()
    opens = headers | ({"Cart-Token": cart["token"]} if "token" in cart else {})
    for sku, quantity in lines.items():
        name = sku.upper().replace("_", "-")
        await put(shop, cart["id"], opens, name, quantity)
    return {"id": cart["id"], "headers": opens}


async def put(
    shop: Shop, cart: str, headers: dict[str, str], sku: str, quantity: int, **more: Any
) -> Any:
    body = {"quantity": quantity, "fulfilment": HERE, **more}
    return await shop.client.put(f"/v1/carts/{cart}/lines/{sku}", json=body, headers=headers)
