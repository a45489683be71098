"""What is sent: from cart to doorstep."""

import asyncio
from collections import Counter

from domain.stores.stores import StoreKind
from tests.support.api.shipments import (
    ADDRESS,
    ALL_SENT,
    DEPOT,
    a_cart,
    audited,
    do,
    level,
    order,
)
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, a_store, shelve
from tests.support.shop import Shop


async def test_an_order_is_sent_from_a_location_and_reaches_its_buyer(shop: Shop):
    await shelve(shop.units, mug=5)
    me, till = await shop.customer(), await shop.till(HARBOUR)
    placed = (await order(shop, await a_cart(shop, me, {MUG: 2}))).json()
    [group] = placed["groups"]
    listed = await shop.client.get(f"/v1/stores/{HARBOUR}/shipments", headers=till)
    path = f"/v1/shipments/{group['shipment']}"
    picked = await do(shop, f"{path}/pick", {"lines": [{"sku": MUG, "quantity": 2}]}, till)
    sent = await do(shop, f"/v1/orders/{placed['id']}/shipments", ALL_SENT, till)
    arrived = await do(shop, f"{path}/delivered", {"tracking_number": "SP1"}, till)
    seen = await shop.client.get(path, headers=me)
    after = (await shop.client.get(f"/v1/orders/{placed['id']}", headers=me)).json()

    assert (group["method"], group["store"]) == ("ship", HARBOUR)
    assert [one["address"]["city"] for one in listed.json()["items"]] == ["Stockholm"]
    assert [one.json()["state"] for one in (picked, sent, arrived)] == [
        "picking",
        "shipped",
        "delivered",
    ]
    assert seen.json()["parcels"][0]["tracking_number"] == "SP1"
    assert (after["state"], after["lines"][0]["shipped"]) == ("fulfilled", 2)
    assert await level(shop) == (3, 0, 0)
    assert await audited(shop)


async def test_points_are_earned_when_it_leaves(shop: Shop):
    await shelve(shop.units, mug=5)
    me = await shop.customer()
    placed = (await order(shop, await a_cart(shop, me, {MUG: 2}))).json()
    before = (await shop.client.get("/v1/me/rewards", headers=me)).json()["balance"]
    await do(shop, f"/v1/orders/{placed['id']}/shipments", ALL_SENT, await shop.till(HARBOUR))
    after = (await shop.client.get("/v1/me/rewards", headers=me)).json()["balance"]

    earned = placed["points"]["to_earn"]
    assert earned > 0
    assert (before["pending"], before["available"]) == (earned, 0)
    assert (after["pending"], after["available"]) == (0, earned)


async def test_without_an_address_nothing_is_sent_and_nothing_promised(shop: Shop):
    await shelve(shop.units, mug=5)
    cart = await a_cart(shop, await shop.page(), {MUG: 2})
    refused = await order(shop, cart, address=None)
    wrong = await order(shop, cart, key="2", address=ADDRESS | {"country": "ZZ"})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/address")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/address/country")
    assert await level(shop) == (5, 0, 0)


async def test_what_no_location_has_alone_comes_from_two_and_each_sends_its_own(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2)
    await shelve(shop.units, HILL, mug=3)
    cart = await a_cart(shop, await shop.page(), {MUG: 4})
    placed = (await order(shop, cart)).json()
    office = await shop.office()
    path = f"/v1/orders/{placed['id']}/shipments"
    unclear = await do(shop, path, ALL_SENT, office)
    sent = [await do(shop, path, ALL_SENT, await shop.till(store)) for store in (HARBOUR, HILL)]

    assert [
        (group["store"], line["quantity"], line["line"])
        for group, line in zip(
            placed["groups"],
            sorted(placed["lines"], key=lambda line: line["quantity"]),
            strict=True,
        )
    ] == [(HARBOUR, 1, "MUG"), (HILL, 3, "MUG/2")]
    assert (unclear.status_code, unclear.json()["code"]) == (409, "several_shipments")
    assert [one.json()["state"] for one in sent] == ["shipped", "shipped"]
    assert (await level(shop, HARBOUR), await level(shop, HILL)) == ((1, 0, 0), (0, 0, 0))
    assert await audited(shop)


async def test_more_than_there_is_everywhere_is_refused_and_the_cart_says_so(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2)
    await shelve(shop.units, HILL, mug=1)
    cart = await a_cart(shop, await shop.page(), {MUG: 4})
    seen = await shop.client.get(f"/v1/carts/{cart['id']}", headers=cart["headers"])
    refused = await order(shop, cart)

    assert [(one["code"], one["available"]) for one in seen.json()["lines"][0]["problems"]] == [
        ("insufficient_stock", 3)
    ]
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
    assert [
        (one["sku"], one["store"], one["wanted"], one["available"])
        for one in refused.json()["errors"]
    ] == [(MUG, None, 4, 3)]


async def test_what_is_to_be_sent_is_held_where_it_will_be_sent_from(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2)
    await shelve(shop.units, HILL, mug=2)
    cart = await a_cart(shop, await shop.page(), {MUG: 2})
    path = f"/v1/carts/{cart['id']}"
    held = await do(shop, f"{path}/hold", {}, cart["headers"])
    await shop.client.put(f"{path}/lines/{MUG}", json={"quantity": 1}, headers=cart["headers"])
    trimmed = await level(shop)
    placed = (await order(shop, cart)).json()

    assert held.json()["held_until"] is not None
    assert trimmed == (2, 0, 1)
    assert [group["store"] for group in placed["groups"]] == [HARBOUR]
    assert await level(shop) == (2, 1, 0)
    assert await audited(shop)


async def test_a_warehouse_sends_before_a_store_does(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert([a_store(DEPOT, kind=StoreKind.WAREHOUSE)])
    await shelve(shop.units, HARBOUR, mug=9)
    await shelve(shop.units, DEPOT, mug=1)
    placed = (await order(shop, await a_cart(shop, await shop.page(), {MUG: 1}))).json()

    assert [group["store"] for group in placed["groups"]] == [DEPOT]


async def test_a_cart_with_something_to_collect_and_something_to_send_has_two_groups(shop: Shop):
    await shelve(shop.units, mug=5, teapot=5)
    cart = await a_cart(shop, await shop.page(), {MUG: 1})
    await shop.client.put(
        f"/v1/carts/{cart['id']}/lines/{TEAPOT}",
        json={"quantity": 1, "fulfilment": {"method": "pickup", "store": HARBOUR}},
        headers=cart["headers"],
    )
    placed = (await order(shop, cart)).json()
    pickup, shipment = placed["groups"]
    gone = await do(shop, f"/v1/pickups/{pickup['pickup']}/cancel", {}, cart["headers"])
    after = await shop.client.get(f"/v1/orders/{placed['id']}", headers=cart["headers"])
    other = await shop.client.get(f"/v1/shipments/{shipment['shipment']}", headers=cart["headers"])

    assert gone.json()["state"] == "cancelled"
    assert (after.json()["state"], other.json()["state"]) == ("placed", "placed")


async def test_a_parcel_told_twice_leaves_once_and_with_other_goods_is_refused(shop: Shop):
    await shelve(shop.units, mug=5)
    placed = (await order(shop, await a_cart(shop, await shop.page(), {MUG: 3}))).json()
    till, path = await shop.till(HARBOUR), f"/v1/orders/{placed['id']}/shipments"
    two = ALL_SENT | {"lines": [{"sku": MUG, "quantity": 2}]}
    first, again = await do(shop, path, two, till), await do(shop, path, two, till)
    other = await do(shop, path, ALL_SENT | {"lines": [{"sku": MUG, "quantity": 1}]}, till)
    rest = await do(shop, path, ALL_SENT | {"tracking_number": "SP2"}, till)
    more = await do(shop, path, ALL_SENT | {"tracking_number": "SP3"}, till)

    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (409, "parcel_known")
    assert rest.json()["state"] == "shipped"
    assert (more.status_code, more.json()["code"]) == (409, "already_shipped")
    assert await level(shop) == (2, 0, 0)


async def test_what_a_location_declines_is_free_again_or_gone_where_it_was_not_found(shop: Shop):
    await shelve(shop.units, mug=5, teapot=5)
    placed = (await order(shop, await a_cart(shop, await shop.page(), {MUG: 2, TEAPOT: 1}))).json()
    till, path = await shop.till(HARBOUR), f"/v1/shipments/{placed['groups'][0]['shipment']}"
    await do(shop, f"{path}/decline", {"reason": "damaged", "lines": [TEAPOT]}, till)
    gone = await do(shop, f"{path}/decline", {"reason": "not_found"}, till)

    assert gone.json()["state"] == "declined"
    assert await level(shop, sku=TEAPOT) == (5, 0, 0)
    assert await level(shop) == (0, 0, 0)
    assert await audited(shop)


async def test_who_cancels_what_is_leaving_wins_or_loses_whole(shop: Shop):
    await shelve(shop.units, mug=5)
    cart = await a_cart(shop, await shop.page(), {MUG: 2})
    placed = (await order(shop, cart)).json()
    till, shipment = await shop.till(HARBOUR), placed["groups"][0]["shipment"]
    answers = await asyncio.gather(
        *(do(shop, f"/v1/shipments/{shipment}/cancel", {}, cart["headers"]) for _ in range(5)),
        *(do(shop, f"/v1/orders/{placed['id']}/shipments", ALL_SENT, till) for _ in range(5)),
    )

    codes = Counter(answer.status_code for answer in answers)
    assert codes == {200: 5, 409: 5}
    assert await level(shop) in {(3, 0, 0), (5, 0, 0)}
    assert await audited(shop)


async def test_the_last_one_that_is_to_be_sent_is_sold_once(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=1)
    await shelve(shop.units, HILL, mug=2)
    page = await shop.page()
    carts = [await a_cart(shop, page, {MUG: 1}) for _ in range(12)]
    answers = await asyncio.gather(*(order(shop, cart) for cart in carts))

    assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 9}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {
        "insufficient_stock"
    }
    assert (await level(shop, HARBOUR), await level(shop, HILL)) == ((1, 1, 0), (2, 2, 0))


async def test_another_stores_shipment_is_not_there(shop: Shop):
    await shelve(shop.units, mug=5)
    placed = (await order(shop, await a_cart(shop, await shop.page(), {MUG: 1}))).json()
    other, path = await shop.till(HILL), f"/v1/shipments/{placed['groups'][0]['shipment']}"
    answers = [
        await shop.client.get(path, headers=other),
        await do(shop, f"{path}/accept", {}, other),
        await do(shop, f"/v1/orders/{placed['id']}/shipments", ALL_SENT, other),
        await shop.client.get(path, headers=await shop.customer("sample-2")),
    ]

    assert {answer.status_code for answer in answers} == {404}


async def test_where_a_parcel_can_be_followed_is_a_page(shop: Shop):
    await shelve(shop.units, mug=5)
    placed = (await order(shop, await a_cart(shop, await shop.page(), {MUG: 1}))).json()
    refused = await do(
        shop,
        f"/v1/orders/{placed['id']}/shipments",
        ALL_SENT | {"url": "javascript:alert(1)"},
        await shop.till(HARBOUR),
    )

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/url")


async def test_what_was_sent_whole_has_not_ended_with_goods_left(shop: Shop):
    await shelve(shop.units, mug=5)
    till = await shop.till(HARBOUR)
    placed = (await order(shop, await a_cart(shop, await shop.customer(), {MUG: 2}))).json()
    path = f"/v1/shipments/{placed['groups'][0]['shipment']}"
    await do(shop, f"/v1/orders/{placed['id']}/shipments", ALL_SENT, till)
    await do(shop, f"{path}/delivered", {"tracking_number": "SP1"}, till)
    async with shop.units.read() as unit:
        told = [row[0] for row in await unit.connection.fetch("select kind from outbox_events")]

    assert "shipment_delivered" in told
    assert "shipment_ended" not in told
