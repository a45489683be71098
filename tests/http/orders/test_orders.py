import asyncio
from collections import Counter
from typing import Any

import pytest

from domain.catalogue.products import ProductState
from tests.support.api.carts import a_cart, put
from tests.support.api.orders import CHECKOUT, figures, level, order
from tests.support.examples import (
    ENGRAVING,
    HARBOUR,
    HILL,
    MUG,
    TEA_SET,
    TEAPOT,
    a_product,
    a_store,
    shelve,
)
from tests.support.shop import Shop


async def test_a_checkout_that_is_clicked_twenty_times_is_one_order(shop: Shop):
    await shelve(shop.units, mug=30)
    cart = await a_cart(shop, await shop.page(), mug=1)

    answers = await asyncio.gather(*(order(shop, cart) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Counter(answer.headers.get("Idempotent-Replayed") for answer in answers) == {
        "true": 19,
        None: 1,
    }
    assert await level(shop) == (30, 1)


async def test_another_tab_with_another_key_gets_the_same_order(shop: Shop):
    await shelve(shop.units, mug=30)
    cart = await a_cart(shop, await shop.page(), mug=1)

    answers = await asyncio.gather(*(order(shop, cart, key=f"tab-{n}") for n in range(5)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 4}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (
        await figures(shop, "select count(*) from outbox_events where kind = 'order_placed'") == 1
    )


async def test_a_key_that_stands_for_another_request_is_refused_without_effect(shop: Shop):
    await shelve(shop.units, mug=30)
    cart = await a_cart(shop, await shop.page(), mug=1)
    other = {"name": "Another Sample", "email": "other@example.com"}
    first, second = await order(shop, cart), await order(shop, cart, contact=other)

    assert (first.status_code, second.status_code) == (201, 422)
    assert second.json()["code"] == "idempotency_key_reused"
    assert await level(shop) == (30, 1)


async def test_two_guests_of_one_page_may_think_of_the_same_key(shop: Shop):
    await shelve(shop.units, mug=30)
    page = await shop.page()
    mine, other = await a_cart(shop, page, mug=1), await a_cart(shop, page, mug=1)

    assert (await order(shop, mine)).json()["id"] != (await order(shop, other)).json()["id"]


async def test_a_try_that_was_refused_may_be_tried_again_with_the_same_key(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1)
    refused = await order(shop, cart)
    await shelve(shop.units, mug=1)
    placed = await order(shop, cart)

    assert (refused.status_code, placed.status_code) == (409, 201)


async def test_a_checkout_without_a_key_is_told_to_bring_one(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1)
    answer = await shop.client.post(
        f"/v1/carts/{cart['id']}/checkout", json=CHECKOUT, headers=cart["headers"]
    )

    assert (answer.status_code, answer.json()["code"]) == (428, "idempotency_key_required")


async def test_every_short_line_is_named_and_nothing_is_promised(shop: Shop):
    await shelve(shop.units, mug=3, teapot=5)
    cart = await a_cart(shop, await shop.page(), tea_set=1, mug=2, teapot=9)
    answer = await order(shop, cart)

    assert answer.json()["code"] == "insufficient_stock"
    assert answer.json()["errors"] == [
        {"sku": MUG, "store": HARBOUR, "wanted": 4, "available": 3, "lines": [MUG, TEA_SET]},
        {"sku": TEAPOT, "store": HARBOUR, "wanted": 10, "available": 5, "lines": [TEA_SET, TEAPOT]},
    ]
    assert await level(shop) == (3, 0)
    assert await figures(shop, "select count(*) from orders") == 0
    assert await figures(shop, "select count(*) from idempotency_keys where key = 'once'") == 0


async def test_a_price_that_changed_must_be_seen_before_it_is_paid(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=1)
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, 1200)])
    refused = await order(shop, cart)
    await put(shop, cart["id"], cart["headers"], MUG, 1)
    placed = await order(shop, cart)

    assert (refused.status_code, refused.json()["code"]) == (409, "price_changed")
    assert placed.json()["totals"]["to_pay"]["amount"] == 1200


@pytest.mark.parametrize("switch", [{"pickup": False}, {"hours": "Mo-Su off"}])
async def test_a_store_that_hands_nothing_over_takes_no_new_orders(
    shop: Shop, switch: dict[str, Any]
):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=1)
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert([a_store(HARBOUR, **switch)])
    answer = await order(shop, cart)

    assert (answer.status_code, answer.json()["code"]) == (409, "pickup_unavailable")


async def test_safety_stock_is_not_ordered(shop: Shop):
    await shelve(shop.units, mug=3)
    page = await shop.page()
    first, second = await a_cart(shop, page, mug=1), await a_cart(shop, page, mug=1)
    async with shop.units.begin() as unit:
        await unit.connection.execute("update stock_levels set safety_stock = 2")
    placed, refused = await order(shop, first), await order(shop, second)

    assert placed.status_code == 201
    assert refused.json()["errors"] == [
        {"sku": MUG, "store": HARBOUR, "wanted": 1, "available": 0, "lines": [MUG]}
    ]


async def test_what_was_retired_since_it_was_put_into_the_cart_is_not_ordered(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=1)
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, state=ProductState.RETIRED)])
    answer = await order(shop, cart)

    assert (answer.status_code, answer.json()["code"]) == (409, "retired")
    assert await level(shop) == (3, 0)


async def test_an_empty_cart_is_no_order(shop: Shop):
    cart = await a_cart(shop, await shop.page())

    assert (await order(shop, cart)).json()["code"] == "cart_empty"


async def test_lines_of_two_stores_become_two_pickups_of_one_order(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=3)
    await shelve(shop.units, HILL, teapot=3)
    cart = await a_cart(shop, await shop.page(), mug=1, engraving=1)
    there = {"method": "pickup", "store": HILL}
    await put(shop, cart["id"], cart["headers"], TEAPOT, 1, fulfilment=there)
    placed = (await order(shop, cart)).json()

    assert [(group["store"]) for group in placed["groups"]] == [HARBOUR, HILL]
    by_store = {group["pickup"]: group["store"] for group in placed["groups"]}
    assert {line["sku"]: by_store[line["group"]] for line in placed["lines"]} == {
        MUG: HARBOUR,
        ENGRAVING: HARBOUR,
        TEAPOT: HILL,
    }


async def test_an_order_is_seen_by_its_buyer_its_store_and_the_office_alone(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=1)
    path = f"/v1/orders/{(await order(shop, cart)).json()['id']}"
    seen = {
        "buyer": cart["headers"],
        "page": await shop.page(),
        "stranger": await shop.customer(),
        "till": await shop.till(HARBOUR),
        "other till": await shop.till(HILL),
        "office": await shop.office(),
    }
    answers = {who: await shop.client.get(path, headers=h) for who, h in seen.items()}

    assert {who: answer.status_code for who, answer in answers.items()} == {
        "buyer": 200,
        "page": 404,
        "stranger": 404,
        "till": 200,
        "other till": 404,
        "office": 200,
    }


async def test_a_customer_finds_all_orders_newest_first_page_by_page(shop: Shop):
    await shelve(shop.units, mug=9)
    me = await shop.customer()
    placed = [
        (await order(shop, await a_cart(shop, me, mug=1), key=f"{n}")).json()["id"]
        for n in range(3)
    ]
    first = (await shop.client.get("/v1/me/orders?limit=2", headers=me)).json()
    rest = (
        await shop.client.get(f"/v1/me/orders?cursor={first['next_cursor']}", headers=me)
    ).json()

    assert [one["id"] for one in first["items"] + rest["items"]] == placed[::-1]
    assert rest["next_cursor"] is None


async def test_a_kit_is_promised_as_its_parts(shop: Shop):
    await shelve(shop.units, mug=4, teapot=2)
    cart = await a_cart(shop, await shop.page(), tea_set=2)
    await order(shop, cart)
    answer = await shop.client.get(f"/v1/availability/{TEA_SET}", headers=await shop.page())

    assert (await level(shop), await level(shop, TEAPOT)) == ((4, 4), (2, 2))
    assert answer.json()["ship"] == {"status": "out_of_stock", "quantity": 0}


async def test_a_contact_is_kept_as_mail_and_calls_need_it(shop: Shop):
    await shelve(shop.units, mug=1)
    cart = await a_cart(shop, await shop.page(), mug=1)
    told = {"name": "Sample Customer", "email": "Sample@EXAMPLE.com", "phone": "070-174 06 05"}

    placed = await order(shop, cart, contact=told)

    assert placed.status_code == 201, placed.text
    assert placed.json()["contact"] == {
        "name": "Sample Customer",
        "email": "Sample@example.com",
        "phone": "+46701740605",
    }


@pytest.mark.parametrize(
    ("told", "pointer"),
    [({"email": "nobody"}, "/contact/email"), ({"phone": "1"}, "/contact/phone")],
)
async def test_a_contact_that_reaches_nobody_is_named(
    shop: Shop, told: dict[str, str], pointer: str
):
    await shelve(shop.units, mug=1)
    cart = await a_cart(shop, await shop.page(), mug=1)

    refused = await order(shop, cart, contact={"name": "Sample Customer", **told})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer
    assert await level(shop) == (1, 0)


async def test_an_order_needs_a_way_to_reach_its_buyer(shop: Shop):
    await shelve(shop.units, mug=1)
    cart = await a_cart(shop, await shop.page(), mug=1)
    answer = await order(shop, cart, contact={"name": "Sample Customer"})

    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/contact", "unreachable")
    ]


@pytest.mark.parametrize("tenders", [{"points": 500}, {"gift_cards": ["CARD-1"]}])
async def test_what_the_shop_does_not_take_is_refused_before_anything_is_promised(
    shop: Shop, tenders: dict[str, Any]
):
    await shelve(shop.units, mug=1)
    cart = await a_cart(shop, await shop.page(), mug=1)
    answer = await order(shop, cart, tenders=tenders, if_unavailable="refund")

    assert (answer.status_code, answer.json()["code"]) == (409, "tender_not_accepted")
    assert await level(shop) == (1, 0)
    assert (await order(shop, cart, tenders={}, if_unavailable="refund")).status_code == 201


async def test_a_shortage_names_the_lines_that_it_stops(shop: Shop):
    await shelve(shop.units, mug=2, teapot=1)
    cart = await a_cart(shop, await shop.page(), tea_set=1, mug=1)
    answer = await order(shop, cart)

    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_stock")
    assert answer.json()["errors"] == [
        {"sku": MUG, "store": HARBOUR, "wanted": 3, "available": 2, "lines": [MUG, TEA_SET]}
    ]


@pytest.mark.parametrize("name", [" ", "Sample\r\nBcc: sample@example.com", "Sample\x1b[2J"])
async def test_whoever_orders_has_a_name_that_fits_on_one_line(shop: Shop, name: str):
    await shelve(shop.units, mug=1)
    cart = await a_cart(shop, await shop.page(), mug=1)
    answer = await order(shop, cart, contact={"name": name, "email": "sample@example.com"})

    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/contact/name", "pattern")
    ]
