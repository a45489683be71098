"""What the next log-in makes of a guest's cart: nothing is lost, doubled, or seen by a stranger."""

import asyncio
from collections import Counter
from typing import Any

from domain.catalogue.products import ProductState
from tests.support.api.cart_holds import hold
from tests.support.api.cart_limits import claim
from tests.support.api.cart_lines import put_at
from tests.support.api.carts import HERE, a_cart
from tests.support.api.holds import held
from tests.support.examples import HILL, MUG, TEAPOT, a_product, shelve
from tests.support.shop import Shop

THERE = {"method": "pickup", "store": HILL}


def told(claimed: Any) -> list[tuple[str, str]]:
    assert claimed.status_code == 200, claimed.text
    return [(change["sku"], change["code"]) for change in claimed.json()["changes"]]


async def test_the_guests_store_is_the_latest_intent_and_the_customer_is_told(shop: Shop):
    await shelve(shop.units, mug=9)
    me = await shop.customer()
    await a_cart(shop, me, mug=3, teapot=1)
    guest = await a_cart(shop, await shop.page())
    await put_at(shop, guest, f"store={HILL}", 2)
    claimed = await claim(shop, guest, me)

    assert told(claimed) == [(MUG, "summed"), (MUG, "moved")]
    moved = claimed.json()["changes"][1]
    assert (moved["was"], moved["fulfilment"]) == (HERE, THERE)
    mug, teapot = claimed.json()["lines"]
    assert (mug["quantity"], mug["fulfilment"], teapot["fulfilment"]) == (5, THERE, HERE)
    assert [problem["code"] for problem in mug["problems"]] == ["insufficient_stock"]


async def test_a_new_price_and_an_end_of_sale_are_told_and_the_lines_are_kept(shop: Shop):
    await shelve(shop.units, mug=9, teapot=9)
    me = await shop.customer()
    await a_cart(shop, me, mug=1)
    guest = await a_cart(shop, await shop.page(), mug=1, teapot=1)
    async with shop.units.begin() as unit:
        retired = a_product(TEAPOT, 25000, state=ProductState.RETIRED)
        await unit.catalogue.products.upsert([a_product(MUG, 1200), retired])
    claimed = await claim(shop, guest, me)

    assert told(claimed) == [
        (MUG, "summed"),
        (TEAPOT, "added"),
        (MUG, "price_changed"),
        (TEAPOT, "retired"),
    ]
    price = claimed.json()["changes"][2]
    assert (price["seen"]["amount"], price["price"]["amount"]) == (1000, 1200)
    assert [[one["code"] for one in line["problems"]] for line in claimed.json()["lines"]] == [
        ["price_changed"],
        ["retired"],
    ]


async def test_a_cart_that_is_moved_whole_tells_what_changed_too(shop: Shop):
    guest = await a_cart(shop, await shop.page(), mug=1)
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, 900)])
    claimed = await claim(shop, guest, await shop.customer())

    assert told(claimed) == [(MUG, "added"), (MUG, "price_changed")]


async def test_what_the_guest_held_is_free_again_and_what_the_customer_held_stays(shop: Shop):
    await shelve(shop.units, mug=9)
    me = await shop.customer()
    mine = await a_cart(shop, me, mug=3)
    guest = await a_cart(shop, await shop.page(), mug=2)
    for cart in (mine, guest):
        await hold(shop, cart)
    await claim(shop, guest, me)

    assert await held(shop) == (3, 6)


async def test_twenty_log_ins_at_once_add_a_cart_up_once(shop: Shop):
    me = await shop.customer()
    await a_cart(shop, me, mug=3)
    guest = await a_cart(shop, await shop.page(), mug=2)
    claims = await asyncio.gather(*(claim(shop, guest, me) for _ in range(20)))

    assert {claimed.status_code for claimed in claims} == {200}
    assert Counter(len(claimed.json()["changes"]) for claimed in claims) == {1: 1, 0: 19}
    assert {claimed.json()["lines"][0]["quantity"] for claimed in claims} == {5}


async def test_of_two_people_who_log_in_at_once_one_gets_the_cart_and_the_other_nothing(
    shop: Shop,
):
    guest = await a_cart(shop, await shop.page(), mug=2)
    people = [await shop.customer(f"sample-{number}") for number in range(4)]
    claims = await asyncio.gather(*(claim(shop, guest, person) for person in people))
    carts = [
        (await shop.client.get("/v1/me/cart?currency=SEK", headers=person)).json()
        for person in people
    ]

    assert sorted(claimed.status_code for claimed in claims) == [200, 404, 404, 404]
    assert sorted(len(cart["lines"]) for cart in carts) == [0, 0, 0, 1]
