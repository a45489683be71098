"""A till sells what was promised to somebody else: whoever prepares it sees so at once."""

from typing import Any

from tests.support.api import shipments
from tests.support.api.carts import a_cart
from tests.support.api.orders import order
from tests.support.api.pickups import Desk
from tests.support.api.receipts import incidents, line, sale, tell
from tests.support.api.stock_tracking import track
from tests.support.examples import ENGRAVING, HARBOUR, MUG, TEA_SET, TEAPOT, shelve
from tests.support.shop import Shop

AtRisk = list[dict[str, Any]]


async def a_pickup(shop: Shop, buyer: str, **lines: int) -> Desk:
    me = await shop.customer(buyer)
    cart = await a_cart(shop, me, **lines)
    placed = await order(shop, cart, key=cart["id"])
    assert placed.status_code == 201, placed.text
    return Desk(shop, me, await shop.till(HARBOUR), placed.json()["groups"][0]["pickup"])


async def listed(shop: Shop, kind: str = "pickups", store: str = HARBOUR) -> dict[str, AtRisk]:
    """What is at risk in the store's list, by what has it."""
    path = f"/v1/stores/{store}/{kind}"
    answer = await shop.client.get(path, headers=await shop.till(store))
    return {one["id"]: one["at_risk"] for one in answer.json()["items"]}


async def of_one(desk: Desk) -> AtRisk:
    path = f"/v1/pickups/{desk.pickup}"
    answer = (await desk.shop.client.get(path, headers=desk.till)).json()
    risks: AtRisk = answer["at_risk"]
    return risks


async def receive(shop: Shop, **units: int) -> None:
    lines = [
        {"store": HARBOUR, "sku": sku.upper(), "delta": count, "reason": "received"}
        for sku, count in units.items()
    ]
    answer = await shop.client.post(
        "/v1/stock/adjustments",
        json={"lines": lines},
        headers=await shop.office() | {"Idempotency-Key": shop.fresh()},
    )
    assert answer.status_code == 200, answer.text


async def test_a_pickup_whose_staged_goods_a_till_sells_is_at_risk_at_once(shop: Shop):
    await shelve(shop.units, mug=1, teapot=1)
    desk = await a_pickup(shop, "sample-1", mug=1, teapot=1)
    code = await desk.make_ready(mug=1, teapot=1)
    before = await of_one(desk)
    [told] = await tell(shop, sale("r-1", line(MUG)))
    seen, in_list, buyers = await of_one(desk), await listed(shop), await desk.look()
    known = (
        await shop.client.post(
            f"/v1/stores/{HARBOUR}/pickups/identify", json={"code": code}, headers=desk.till
        )
    ).json()
    moved = (await desk.do("ready", {"bin": "B2"})).json()
    await receive(shop, mug=1)

    assert told["status"] == "applied"
    assert before == []
    assert seen == in_list[desk.pickup] == [{"sku": MUG, "units": 1}]
    assert known["at_risk"] == moved["at_risk"] == seen
    assert buyers["state"] == "ready"
    assert "at_risk" not in buyers
    assert (await of_one(desk), await listed(shop)) == ([], {desk.pickup: []})


async def test_the_earliest_promise_is_served_first_as_the_incident_says(shop: Shop):
    await shelve(shop.units, mug=5)
    desks = [await a_pickup(shop, f"sample-{n}", mug=n) for n in (2, 1)]
    await tell(shop, sale("r-1", line(MUG, 3)))
    one_short = await listed(shop)
    await tell(shop, sale("r-2", line(MUG)))
    both_short = await listed(shop)
    [found] = await incidents(shop)
    sold = await shop.client.post(
        f"/v1/incidents/{found['id']}/settle",
        json={"note": "seen"},
        headers=await shop.till(HARBOUR) | {"Idempotency-Key": "settle"},
    )

    first, second = (desk.pickup for desk in desks)
    assert one_short == {first: [], second: [{"sku": MUG, "units": 1}]}
    assert both_short == {
        first: [{"sku": MUG, "units": 1}],
        second: [{"sku": MUG, "units": 1}],
    }
    assert [(one["group"], one["units"]) for one in found["orders"]] == [(first, 1), (second, 1)]
    assert sold.status_code == 200, sold.text
    assert await listed(shop) == both_short, "that somebody has looked puts nothing on the shelf"


async def test_of_a_kit_the_part_that_lacks_is_named(shop: Shop):
    await shelve(shop.units, mug=2, teapot=1)
    desk = await a_pickup(shop, "sample-1", tea_set=1)
    await tell(shop, sale("r-1", line(MUG), line(ENGRAVING)))

    assert await of_one(desk) == [{"sku": MUG, "units": 1}]
    assert TEA_SET not in str(await of_one(desk))


async def test_what_is_collected_is_no_longer_at_risk(shop: Shop):
    await shelve(shop.units, mug=1, teapot=1)
    desk = await a_pickup(shop, "sample-1", mug=1)
    code = await desk.make_ready(mug=1)
    await tell(shop, sale("r-1", line(MUG)))
    handed = await desk.do("handover", {"code": code})

    assert handed.json()["state"] == "collected", handed.text
    assert handed.json()["at_risk"] == []


async def test_what_is_not_counted_is_never_at_risk(shop: Shop):
    await shelve(shop.units, mug=1)
    desk = await a_pickup(shop, "sample-1", mug=1)
    await tell(shop, sale("r-1", line(MUG)))
    await track(shop, tracked=False)
    while_off = await of_one(desk)
    await track(shop, tracked=True)

    assert while_off == []
    assert await of_one(desk) == [{"sku": MUG, "units": 1}]


async def test_a_shipment_is_at_risk_for_its_location_and_not_for_its_buyer(shop: Shop):
    await shelve(shop.units, mug=2, teapot=1)
    me = await shop.customer()
    cart = await shipments.a_cart(shop, me, {MUG: 2, TEAPOT: 1})
    placed = (await shipments.order(shop, cart)).json()
    [shipment] = [group["shipment"] for group in placed["groups"]]
    await tell(shop, sale("r-1", line(MUG)))
    in_list = await listed(shop, "shipments")
    looks = [
        (await shop.client.get(f"/v1/shipments/{shipment}", headers=who)).json()
        for who in (await shop.till(HARBOUR), me)
    ]

    assert in_list == {shipment: [{"sku": MUG, "units": 1}]}
    assert looks[0]["at_risk"] == in_list[shipment]
    assert "at_risk" not in looks[1]
