from typing import Any

import pytest

from domain.fulfilment.shipments import Dispatch
from service.fulfilment.expire_pickups import SYSTEM_CALLER
from service.orders.apply_transition import apply_transition
from tests.support.api.carts import a_cart
from tests.support.api.order_views import line_of, seen, sent_home
from tests.support.api.orders import order
from tests.support.api.pickups import Desk, a_desk
from tests.support.examples import HARBOUR, MUG, shelve
from tests.support.shop import Shop


async def test_a_line_tells_what_became_of_each_of_its_units(shop: Shop):
    desk = await a_desk(shop, mug=4)
    name = (await desk.look())["order"]
    await desk.do("accept")
    await desk.do("pick", {"lines": [{"sku": MUG, "quantity": 3, "short": True}]})
    picked = await seen(shop, desk.me, name)
    await desk.do("ready")
    ready = await seen(shop, desk.me, name)
    code = (await desk.look())["code"]
    await desk.do("handover", {"code": code, "lines": [{"sku": MUG, "quantity": 1}]})
    collected = await seen(shop, desk.me, name)

    told = {"quantity": 4, "cancelled": 1, "picked": 3, "shipped": 0, "returned": 0}
    assert line_of(picked) == told | {"ready": 0, "collected": 0}
    assert line_of(ready) == told | {"ready": 3, "collected": 0}
    assert line_of(collected) == told | {"ready": 2, "collected": 1}
    assert [group["state"] for group in collected["groups"]] == ["ready"]


async def test_parcels_are_followed_by_their_number(shop: Shop):
    await shelve(shop.units, mug=9)
    me = await shop.customer()
    placed = await sent_home(shop, me, mug=2)
    [group] = placed["groups"]
    async with shop.units.begin() as unit:
        before = await unit.fulfilment.shipments.get_for_update(group["shipment"])
        leaving = Dispatch("post", "SE-1", "https://carrier.example.com/SE-1", {MUG: 1})
        await apply_transition(unit, SYSTEM_CALLER, before, before.send_parcel(leaving, unit.now))
    told = await seen(shop, me, placed["id"])

    assert [(one["carrier"], one["tracking_number"], one["units"]) for one in parcels(told)] == [
        ("post", "SE-1", {MUG: 1})
    ]
    assert (group["state"], group["parcels"]) == ("placed", [])
    assert line_of(told)["shipped"] == 1


def parcels(told: Any) -> Any:
    [group] = told["groups"]
    return group["parcels"]


@pytest.mark.parametrize("again", ["one", "mine"])
async def test_a_checkout_and_every_later_look_tell_an_order_alike(shop: Shop, again: str):
    await shelve(shop.units, mug=9)
    me = await shop.customer()
    placed = await sent_home(shop, me, mug=2)
    mine = await shop.client.get("/v1/me/orders", headers=me)
    later = {"one": await seen(shop, me, placed["id"]), "mine": mine.json()["items"][0]}

    assert later[again] == placed


async def test_another_tab_sees_the_order_as_it_is_by_now(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=9)
    me = await shop.customer()
    cart = await a_cart(shop, me, mug=2)
    first = (await order(shop, cart, key="one")).json()
    desk = Desk(shop, me, await shop.till(HARBOUR), first["groups"][0]["pickup"])
    await desk.make_ready(mug=2)
    second = (await order(shop, cart, key="two")).json()

    assert line_of(second)["ready"] == 2


async def test_a_page_of_orders_is_asked_for_at_once(shop: Shop):
    await shelve(shop.units, mug=9, teapot=9)
    me = await shop.customer()
    for number in range(3):
        await sent_home(shop, me, key=f"{number}", mug=1)
    few = await statements(shop, me, "/v1/me/orders?limit=1")
    many = await statements(shop, me, "/v1/me/orders?limit=3")

    assert few == many


async def statements(shop: Shop, me: dict[str, str], path: str) -> int:
    """How many statements about orders it takes to answer."""
    counted: list[Any] = []
    pool = shop.units._pool._pool
    connections = [holder._con for holder in pool._holders if holder._con is not None]
    for connection in connections:
        connection.add_query_logger(counted.append)
    answer = await shop.client.get(path, headers=me)
    for connection in connections:
        connection.remove_query_logger(counted.append)
    assert answer.status_code == 200
    about_orders = [one for one in counted if "orders" in one.query or "pickups" in one.query]
    assert about_orders, "the pool answers with the connections that it has"
    return len(about_orders)
