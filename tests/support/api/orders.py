"""Requests to the public API that several tests make: orders."""

from typing import Any

from tests.support.examples import (
    HARBOUR,
    MUG,
)
from tests.support.shop import Shop

CHECKOUT = {
    "contact": {"name": "Sample Customer", "email": "sample@example.com"},
    "payment": {"method": "pay_at_pickup"},
}


async def order(shop: Shop, cart: dict[str, Any], key: str = "once", **more: Any) -> Any:
    """Paid where it is collected; on account, where an address says that something is sent."""
    sends: dict[str, Any] = {"payment": {"method": "on_account"}} if more.get("address") else {}
    return await shop.client.post(
        f"/v1/carts/{cart['id']}/checkout",
        json=CHECKOUT | sends | more,
        headers=cart["headers"] | {"Idempotency-Key": key},
    )


async def level(shop: Shop, sku: str = MUG) -> tuple[int, int]:
    """On hand and allocated at the harbour."""
    async with shop.units.read() as unit:
        found = (await unit.inventory.stock_levels.list_by_skus([sku], [HARBOUR]))[HARBOUR, sku]
    return found.on_hand, found.allocated


async def figures(shop: Shop, query: str) -> Any:
    async with shop.units.read() as unit:
        return await unit.connection.fetchval(query)
