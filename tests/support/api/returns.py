"""Requests to the public API that several tests make: returns."""

from typing import Any

from tests.support.api.carts import a_cart
from tests.support.api.orders import order
from tests.support.api.pickups import Desk
from tests.support.examples import HARBOUR, HILL, MUG, shelve
from tests.support.shop import Shop

SOUND = {"sku": MUG, "quantity": 1, "disposition": "sellable"}


class Bought(Desk):
    """What somebody ordered and collected at the harbour."""

    order: str

    async def give_back(self, *lines: Any, at: Any = None, key: str = "", **more: Any) -> Any:
        """At the hill's till, unless it is somebody else."""
        return await self.shop.client.post(
            f"/v1/orders/{self.order}/returns",
            json={"lines": lines or [SOUND], **more},
            headers=(at or await self.shop.till(HILL))
            | {"Idempotency-Key": key or self.shop.fresh()},
        )

    async def announce(self, **more: Any) -> Any:
        wish = {"sku": MUG, "quantity": 1, "reason": "too small", **more}
        answer = await self.give_back(wish, at=self.me, channel="post")
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def tell(self, name: str, verb: str, body: Any = None, *, by: Any = None) -> Any:
        return await self.shop.client.post(
            f"/v1/returns/{name}/{verb}",
            json=body or {},
            headers=(by or self.till) | {"Idempotency-Key": self.shop.fresh()},
        )

    async def returned(self) -> dict[str, int]:
        answer = await self.shop.client.get(f"/v1/orders/{self.order}", headers=self.me)
        return {line["line"]: line["returned"] for line in answer.json()["lines"]}


async def bought(shop: Shop, **lines: int) -> Bought:
    await shelve(shop.units, HARBOUR, mug=10, teapot=10)
    me = await shop.customer()
    placed = (await order(shop, await a_cart(shop, me, **lines))).json()
    desk = Bought(shop, me, await shop.till(HARBOUR), placed["groups"][0]["pickup"])
    desk.order = placed["id"]
    code = await desk.make_ready(**lines)
    assert (await desk.do("handover", {"code": code})).status_code == 200
    return desk
