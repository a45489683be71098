"""Requests to the public API that several tests make: cart holds."""

from typing import Any

from tests.support.shop import Shop


async def hold(shop: Shop, cart: dict[str, Any], key: str = "") -> Any:
    return await shop.client.post(
        f"/v1/carts/{cart['id']}/hold",
        json={},
        headers=cart["headers"] | {"Idempotency-Key": key or shop.fresh()},
    )


async def look(shop: Shop, cart: dict[str, Any]) -> Any:
    return (await shop.client.get(f"/v1/carts/{cart['id']}", headers=cart["headers"])).json()


async def claim(shop: Shop, guest: dict[str, Any], me: dict[str, str]) -> Any:
    token = {"Cart-Token": guest["headers"]["Cart-Token"]}
    return await shop.client.post(f"/v1/carts/{guest['id']}/claim", json={}, headers=me | token)
