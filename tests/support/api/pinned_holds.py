"""Requests to the public API that several tests make: pinned holds."""

from typing import Any

from tests.support.shop import Shop


async def pin(shop: Shop, hold: str, attempt: str = "pay-1", **more: Any) -> Any:
    return await told(shop, hold, "pin", attempt=attempt, **more)


async def told(shop: Shop, hold: str, verb: str, **body: Any) -> Any:
    headers = await shop.office("payments")
    return await shop.client.post(f"/v1/holds/{hold}/{verb}", json=body, headers=headers)
