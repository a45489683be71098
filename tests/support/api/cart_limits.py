"""Requests to the public API that several tests make: cart limits."""

from typing import Any

from tests.support.shop import Shop


async def claim(shop: Shop, guest: dict[str, Any], me: dict[str, str]) -> Any:
    token = {"Cart-Token": guest["headers"]["Cart-Token"]}
    return await shop.client.post(f"/v1/carts/{guest['id']}/claim", json={}, headers=me | token)
