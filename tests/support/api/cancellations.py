"""Requests to the public API that several tests make: cancellations."""

from typing import Any

from domain.fulfilment.shipments import Dispatch
from service.fulfilment.expire_pickups import SYSTEM_CALLER
from service.orders.apply_transition import apply_transition
from tests.support.api.carts import a_cart, put
from tests.support.api.order_views import HOME
from tests.support.api.orders import order
from tests.support.examples import MUG, TEAPOT, shelve
from tests.support.shop import Shop


async def cancel(shop: Shop, headers: dict[str, str], name: str, key: str = "", **wish: Any) -> Any:
    return await shop.client.post(
        f"/v1/orders/{name}/cancellations",
        json=wish,
        headers=headers | {"Idempotency-Key": key or shop.fresh()},
    )


async def mixed(shop: Shop, me: dict[str, str]) -> Any:
    """An order of two mugs to be collected at the harbour and two teapots to be sent."""
    await shelve(shop.units, mug=9, teapot=9)
    cart = await a_cart(shop, me, mug=2)
    await put(shop, cart["id"], cart["headers"], TEAPOT, 2, fulfilment={"method": "ship"})
    return (await order(shop, cart, address=HOME)).json()


async def send(shop: Shop, name: str, mugs: int) -> None:
    async with shop.units.begin() as unit:
        before = await unit.fulfilment.shipments.get_for_update(name)
        leaving = Dispatch("post", f"SE-{mugs}", "", {MUG: mugs})
        await apply_transition(unit, SYSTEM_CALLER, before, before.send_parcel(leaving, unit.now))
