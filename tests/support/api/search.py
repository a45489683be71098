"""Requests to the public API that several tests make: search."""

from typing import Any

from tests.support.shop import Shop


async def find(shop: Shop, headers: dict[str, str], **asked: Any) -> list[str]:
    answer = await shop.client.get("/v1/orders", params=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]
