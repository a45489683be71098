"""Requests to the public API that several tests make: prices."""

from typing import Any

from tests.support.api.price_rules import put as put_rule
from tests.support.shop import Shop

MARKET: dict[str, Any] = {
    "currency": "SEK",
    "tax": {"default": "25", "categories": {"food": "12"}},
}


async def rule(shop: Shop, path: str, **body: Any) -> None:
    answer = await put_rule(shop, f"/v1/{path}", body)
    assert answer.status_code == 200, answer.text


async def coupon(shop: Shop, code: str = "SPRING", **terms: Any) -> None:
    body = {"kind": "percentage", "percent": "10", "code": code} | terms
    await rule(shop, f"promotions/{code.lower()}", **body)


async def put(shop: Shop, cart: dict[str, Any], path: str, body: Any = None) -> Any:
    return await shop.client.put(
        f"/v1/carts/{cart['id']}/{path}", json=body, headers=cart["headers"]
    )


async def take(shop: Shop, cart: dict[str, Any], code: str = "SPRING") -> Any:
    return await put(shop, cart, f"coupons/{code}")


async def uses(shop: Shop, name: str = "spring") -> int:
    answer = await shop.client.get(f"/v1/promotions/{name}", headers=await shop.office())
    return int(answer.json()["uses"])
