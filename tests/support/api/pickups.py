"""Requests to the public API that several tests make: pickups."""

from typing import Any

from tests.support.api.carts import a_cart
from tests.support.api.orders import order
from tests.support.examples import HARBOUR, shelve
from tests.support.shop import Shop


class Desk:
    """A store's counter with one pickup on it, and its customer."""

    def __init__(self, shop: Shop, me: dict[str, str], till: dict[str, str], pickup: str) -> None:
        self.shop, self.me, self.till, self.pickup = shop, me, till, pickup

    async def do(self, verb: str, body: Any = None, *, key: str = "", **headers: str) -> Any:
        return await self.shop.client.post(
            f"/v1/pickups/{self.pickup}/{verb}",
            json=body or {},
            headers=self.till | {"Idempotency-Key": key or self.shop.fresh()} | headers,
        )

    async def look(self) -> Any:
        return (await self.shop.client.get(f"/v1/pickups/{self.pickup}", headers=self.me)).json()

    async def cancel(self) -> Any:
        return await self.shop.client.post(
            f"/v1/pickups/{self.pickup}/cancel",
            json={},
            headers=self.me | {"Idempotency-Key": "changed-my-mind"},
        )

    async def make_ready(self, **lines: int) -> str:
        """Everything is picked and ready; the code that opens it."""
        found = [
            {"sku": sku.upper().replace("_", "-"), "quantity": count}
            for sku, count in lines.items()
        ]
        await self.do("accept")
        await self.do("pick", {"lines": found})
        assert (await self.do("ready", {"bin": "A1"})).status_code == 200
        code: str = (await self.look())["code"]
        return code


async def a_desk(shop: Shop, **lines: int) -> Desk:
    await shelve(shop.units, HARBOUR, mug=10, teapot=10)
    me = await shop.customer()
    cart = await a_cart(shop, me, **lines)
    placed = await order(shop, cart, key=cart["id"])
    pickup = placed.json()["groups"][0]["pickup"]
    return Desk(shop, me, await shop.till(HARBOUR), pickup)


async def points(desk: Desk) -> tuple[int, int]:
    """Pending and available."""
    answer = await desk.shop.client.get("/v1/me/rewards", headers=desk.me)
    balance = answer.json()["balance"]
    return balance["pending"], balance["available"]
