"""Requests to the public API that several tests make: price rules."""

from typing import Any

from tests.support.shop import Shop

METHOD: dict[str, Any] = {
    "names": {"en": "Post", "sv": "Post"},
    "price": {"amount": 4900, "currency": "SEK"},
    "countries": ["SE"],
    "free_from": {"amount": 50000, "currency": "SEK"},
    "days_min": 2,
    "days_max": 4,
    "tax_category": "carriage",
}


async def put(shop: Shop, path: str, body: dict[str, Any], **headers: str) -> Any:
    return await shop.client.put(path, json=body, headers=await shop.office() | headers)


def money(amount: int, currency: str = "SEK") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}
