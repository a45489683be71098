"""Requests to the public API that several tests make: stock tracking."""

from typing import Any

from tests.support.examples import MUG
from tests.support.shop import Shop


async def track(shop: Shop, sku: str = MUG, *, tracked: bool) -> Any:
    return await shop.client.patch(
        f"/v1/products/{sku}", json={"tracked": tracked}, headers=await shop.office()
    )
