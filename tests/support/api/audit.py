"""Requests to the public API that several tests make: audit."""

from typing import Any

from tests.support.examples import HARBOUR
from tests.support.shop import Shop


async def order(shop: Shop, me: dict[str, str], lines: dict[str, int], coupon: str = "") -> str:
    """Order `lines` for pickup at the harbour; the pickup."""
    cart = (await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=me)).json()["id"]
    for sku, quantity in lines.items():
        put = await shop.client.put(
            f"/v1/carts/{cart}/lines/{sku}",
            json={"quantity": quantity, "fulfilment": {"method": "pickup", "store": HARBOUR}},
            headers=me,
        )
        assert put.status_code == 200, put.text
    if coupon:
        taken = await shop.client.put(f"/v1/carts/{cart}/coupons/{coupon}", headers=me)
        assert taken.status_code == 200, taken.text
    placed = await shop.client.post(
        f"/v1/carts/{cart}/checkout",
        json={
            "contact": {"name": "Sample Customer", "email": "sample-1@example.com"},
            "payment": {"method": "pay_at_pickup"},
        },
        headers=me | {"Idempotency-Key": cart},
    )
    assert placed.status_code == 201, placed.text
    return str(placed.json()["groups"][0]["pickup"])


async def step(
    shop: Shop, pickup: str, verb: str, body: dict[str, Any], headers: dict[str, str]
) -> Any:
    key = {"Idempotency-Key": f"{pickup}-{verb}"}
    done = await shop.client.post(f"/v1/pickups/{pickup}/{verb}", json=body, headers=headers | key)
    assert done.status_code == 200, done.text
    return done.json()


async def prepare(shop: Shop, pickup: str, lines: dict[str, int], till: dict[str, str]) -> None:
    await step(shop, pickup, "accept", {}, till)
    picked = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
    await step(shop, pickup, "pick", {"lines": picked}, till)
    await step(shop, pickup, "ready", {"bin": "A1"}, till)


async def audit(shop: Shop) -> Any:
    answer = await shop.client.get("/v1/audit", headers=await shop.office("audit"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def broken(shop: Shop) -> set[str]:
    return {found["name"] for found in (await audit(shop))["invariants"] if not found["ok"]}
