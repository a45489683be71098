"""Stock that is not counted for a while is right when it is counted again."""

from typing import Any

import pytest

from tests.support.api.audit import order as place
from tests.support.api.audit import prepare, step
from tests.support.api.receipts import incidents, sound
from tests.support.api.receipts import tell as ring_up
from tests.support.api.stock_tracking import track
from tests.support.api.stocktaking import line, results
from tests.support.examples import ENGRAVING, HARBOUR, MUG, TEA_SET, TEAPOT, shelve
from tests.support.shop import Shop

SOLD = "2026-11-24T10:00:00Z"


async def lies(shop: Shop, sku: str = MUG) -> dict[str, int]:
    path = f"/v1/stock/{sku}?store={HARBOUR}"
    items = (await shop.client.get(path, headers=await shop.office())).json()["items"]
    fields = ("on_hand", "allocated", "held", "staged")
    return {field: items[0][field] for field in fields if items[0][field]} if items else {}


async def offer(shop: Shop, sku: str = MUG) -> Any:
    path = f"/v1/availability/{sku}?store={HARBOUR}"
    return (await shop.client.get(path, headers=await shop.page())).json()


async def hand_over(shop: Shop, pickup: str, me: dict[str, str], lines: dict[str, int]) -> None:
    till = await shop.till(HARBOUR)
    await prepare(shop, pickup, lines, till)
    code = (await shop.client.get(f"/v1/pickups/{pickup}", headers=me)).json()["code"]
    await step(shop, pickup, "handover", {"code": code}, till)


async def test_what_is_not_counted_never_runs_out_and_its_version_still_grows(shop: Shop):
    await shelve(shop.units, mug=1)
    before = await offer(shop)
    await track(shop, tracked=False)
    off = await offer(shop)
    await track(shop, tracked=True)
    on = await offer(shop)

    assert (off["ship"], on["ship"]["quantity"]) == ({"status": "in_stock", "quantity": None}, 1)
    assert before["version"] < off["version"] < on["version"]


async def test_promises_made_before_it_is_switched_off_still_count_when_it_is_on_again(shop: Shop):
    await shelve(shop.units, mug=5)
    me = await shop.customer()
    pickup = await place(shop, me, {MUG: 2})
    held = await shop.client.post(
        "/v1/holds",
        json={"lines": [{"sku": MUG, "store": HARBOUR, "quantity": 1}]},
        headers=await shop.page() | {"Idempotency-Key": shop.fresh()},
    )
    await track(shop, tracked=False)
    while_off = await lies(shop)
    await shop.client.delete(f"/v1/holds/{held.json()['id']}", headers=await shop.page())
    await hand_over(shop, pickup, me, {MUG: 2})
    await track(shop, tracked=True)

    assert while_off == {"on_hand": 5, "allocated": 2, "held": 1}
    assert await lies(shop) == {"on_hand": 3}
    assert await sound(shop)


async def test_an_order_placed_while_it_is_off_takes_its_goods_when_it_is_on(shop: Shop):
    await shelve(shop.units, mug=1)
    me = await shop.customer()
    await track(shop, tracked=False)
    pickup = await place(shop, me, {MUG: 3})
    ordered = await lies(shop)
    nothing_wrong = await incidents(shop)
    await track(shop, tracked=True)
    [oversold] = await incidents(shop)
    await shelve(shop.units, mug=5)
    await hand_over(shop, pickup, me, {MUG: 3})

    assert ordered == {"on_hand": 1, "allocated": 3}
    assert nothing_wrong == []
    assert (oversold["kind"], oversold["units"]) == ("oversold", 2)
    assert await lies(shop) == {"on_hand": 3}
    assert await sound(shop)


async def test_a_hold_of_what_is_not_counted_any_more_is_extended_whatever_lies_there(shop: Shop):
    await shelve(shop.units, mug=1)
    page = await shop.page()
    held = await shop.client.post(
        "/v1/holds",
        json={"lines": [{"sku": MUG, "store": HARBOUR, "quantity": 1}], "ttl_s": 60},
        headers=page | {"Idempotency-Key": shop.fresh()},
    )
    await track(shop, tracked=False)
    await results(shop, "adjustments", line(delta=-1, reason="lost"))
    path = f"/v1/holds/{held.json()['id']}/extend"
    while_off = await shop.client.post(path, json={"ttl_s": 600}, headers=page)
    await track(shop, tracked=True)
    when_on = await shop.client.post(path, json={"ttl_s": 900}, headers=page)

    assert (while_off.status_code, when_on.status_code) == (200, 409)
    assert when_on.json()["code"] == "insufficient_stock"


async def test_an_order_that_is_cancelled_while_it_is_off_is_promised_no_more(shop: Shop):
    await shelve(shop.units, mug=5)
    me = await shop.customer()
    pickup = await place(shop, me, {MUG: 2})
    await track(shop, tracked=False)
    await step(shop, pickup, "cancel", {"reason": "changed_mind"}, me)

    assert await lies(shop) == {"on_hand": 5}
    assert await sound(shop)


async def test_tills_and_keepers_are_booked_while_it_is_off(shop: Shop):
    await shelve(shop.units, mug=5, teapot=5)
    await track(shop, tracked=False)
    sold = {"id": "r-1", "kind": "sale", "occurred_at": SOLD}
    await ring_up(shop, {**sold, "lines": [{"sku": TEA_SET, "quantity": 3}]})
    await results(shop, "adjustments", line(delta=4, reason="received"))
    nothing_wrong = await incidents(shop)
    await track(shop, tracked=True)

    assert nothing_wrong == []
    assert (await lies(shop), await lies(shop, TEAPOT)) == ({"on_hand": 3}, {"on_hand": 2})
    assert await sound(shop)


async def test_a_service_is_sold_and_ordered_without_ever_getting_a_shelf(shop: Shop):
    await shelve(shop.units, mug=5)
    me = await shop.customer()
    sold = {"id": "r-1", "kind": "sale", "occurred_at": SOLD}
    await ring_up(shop, {**sold, "lines": [{"sku": ENGRAVING, "quantity": 1}]})
    pickup = await place(shop, me, {ENGRAVING: 1, MUG: 1})
    await hand_over(shop, pickup, me, {ENGRAVING: 1, MUG: 1})

    assert await lies(shop, ENGRAVING) == {}
    assert await lies(shop) == {"on_hand": 4}
    assert await sound(shop)


@pytest.mark.parametrize("off_first", [True, False])
async def test_a_members_hold_is_used_up_at_the_till_however_it_was_counted(
    shop: Shop, off_first: bool
):
    await shelve(shop.units, mug=5)
    me = await shop.customer()
    if off_first:
        await track(shop, tracked=False)
    await shop.client.post(
        "/v1/holds",
        json={"lines": [{"sku": MUG, "store": HARBOUR, "quantity": 2}]},
        headers=me | {"Idempotency-Key": shop.fresh()},
    )
    await track(shop, tracked=off_first)
    async with shop.units.read() as unit:
        member = await unit.connection.fetchval("select id from loyalty_members")
    sold = {"id": "r-1", "kind": "sale", "member": member, "occurred_at": SOLD}
    await ring_up(
        shop,
        {**sold, "occurred_at": "2999-01-01T00:00:00Z", "lines": [{"sku": MUG, "quantity": 2}]},
    )
    await track(shop, tracked=True)

    assert await lies(shop) == {"on_hand": 3}
    assert await sound(shop)


async def test_a_retired_product_is_switched_no_more_and_a_strange_one_is_not_there(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.connection.execute("update products set state = 'retired' where sku = 'MUG'")
    retired, strange = await track(shop, tracked=False), await track(shop, "GHOST", tracked=False)

    assert (retired.status_code, retired.json()["code"]) == (409, "sku_retired")
    assert (strange.status_code, strange.json()["code"]) == (404, "unknown_sku")


async def test_a_retired_sku_is_given_to_nothing_else_whoever_brings_it_in(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.connection.execute("update products set state = 'retired' where sku = 'MUG'")
    lamp = "sku,name,price,currency,state\nMUG,Lamp,10,SEK,active\n"
    told = await shop.client.post(
        "/v1/imports/products",
        content=lamp,
        headers=await shop.office() | {"Content-Type": "text/csv"},
    )
    kept = await shop.client.get(f"/v1/products/{MUG}", headers=await shop.page())

    assert [(one["line"], one["code"]) for one in told.json()["lines"]] == [(2, "sku_retired")]
    assert (kept.json()["name"], kept.json()["state"]) == ("Mug", "retired")
