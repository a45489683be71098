"""Requests to the public API that several tests make: order edits."""

from typing import Any

from tests.support.examples import MUG
from tests.support.shop import Shop


async def edit(shop: Shop, headers: dict[str, str], name: str, key: str = "", **wish: Any) -> Any:
    return await shop.client.patch(
        f"/v1/orders/{name}",
        json=wish,
        headers={"Idempotency-Key": key or shop.fresh()} | headers,
    )


def of(quantity: int, sku: str = MUG) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": quantity}]
