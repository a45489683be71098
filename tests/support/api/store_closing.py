"""Requests to the public API that several tests make: store closing."""

from typing import Any

from tests.support.examples import HARBOUR
from tests.support.shop import Shop


async def disable(
    shop: Shop, *, store: str = HARBOUR, headers: dict[str, str] | None = None, **body: Any
) -> Any:
    return await shop.client.post(
        f"/v1/stores/{store}/disable", json=body, headers=headers or await shop.office()
    )


async def enable(shop: Shop, store: str = HARBOUR) -> Any:
    return await shop.client.post(
        f"/v1/stores/{store}/enable", json={}, headers=await shop.office()
    )
