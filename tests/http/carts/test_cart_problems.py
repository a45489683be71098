"""What stands in the way of a line is told at every look, and the rest of the cart goes on."""

from typing import Any

from domain.catalogue.products import ProductState
from domain.stores.stores import StoreState
from tests.support.api.cart_holds import hold, look
from tests.support.api.carts import a_cart, put
from tests.support.api.orders import order
from tests.support.examples import HARBOUR, HILL, MUG, TEA_SET, a_product, a_store, shelve
from tests.support.shop import Shop


def codes(cart: Any) -> list[list[str]]:
    return [[problem["code"] for problem in line["problems"]] for line in cart["lines"]]


async def test_a_line_of_a_thing_that_vanished_stays_and_says_so(shop: Shop):
    await shelve(shop.units, mug=1)
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product("SPOON", 500)])
    cart = await a_cart(shop, await shop.page(), spoon=2, mug=1)
    async with shop.units.begin() as unit:
        await unit.connection.execute("delete from products where sku = 'SPOON'")
    shown = await look(shop, cart)
    refused = [await hold(shop, cart), await order(shop, cart)]
    path = f"/v1/carts/{cart['id']}/lines/SPOON"
    await shop.client.delete(path, headers=cart["headers"])
    placed = await order(shop, cart, key="without")

    assert codes(shown) == [["unknown_sku"], []]
    assert (shown["lines"][0]["name"], shown["lines"][0]["total"]["amount"]) == ("SPOON", 1000)
    assert [(no.status_code, no.json()["code"]) for no in refused] == [
        (404, "unknown_sku"),
        (409, "unknown_sku"),
    ]
    assert placed.status_code == 201


async def test_a_set_and_its_parts_are_not_shown_the_same_units_twice(shop: Shop):
    await shelve(shop.units, mug=3, teapot=1)
    cart = await a_cart(shop, await shop.page(), tea_set=1, mug=2)
    shown = await look(shop, cart)

    assert codes(shown) == [[], ["insufficient_stock"]]
    assert shown["lines"][1]["problems"][0]["available"] == 1


async def test_to_set_a_line_again_accepts_its_new_price(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=1)
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, 1200)])
    before, refused = await look(shop, cart), await order(shop, cart)
    again = await put(shop, cart["id"], cart["headers"], MUG, 1)
    placed = await order(shop, cart, key="accepted")

    assert codes(before) == [["price_changed"]]
    assert (refused.status_code, refused.json()["code"]) == (409, "price_changed")
    assert codes(again.json()) == [[]]
    assert placed.json()["totals"]["to_pay"]["amount"] == 1200


async def test_every_reason_of_a_store_is_told_by_its_own_word(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=3)
    await shelve(shop.units, HILL, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=1)
    seen = {}
    words: dict[str, dict[str, Any]] = {
        "none": {},
        "shut": {"hours": "off"},
        "no_pickup": {"pickup": False},
        "draining": {"state": StoreState.DRAINING},
        "closed": {"state": StoreState.CLOSED},
        "elsewhere": {"channels": ("app",)},
        "open_again": {},
    }
    for word, facts in words.items():
        async with shop.units.begin() as unit:
            await unit.stores.stores.upsert([a_store(HARBOUR, **facts)])
            state = facts.get("state", StoreState.ACTIVE).value
            await unit.connection.execute(
                "update stores set state = $1 where store = 'harbour'", state
            )
        seen[word] = codes(await look(shop, cart))[0]

    assert seen == {
        "none": [],
        "shut": ["pickup_unavailable"],
        "no_pickup": ["pickup_unavailable"],
        "draining": ["store_draining"],
        "closed": ["store_closed"],
        "elsewhere": ["not_served"],
        "open_again": [],
    }


async def test_a_retired_set_and_a_line_without_a_way_are_told_of(shop: Shop):
    await shelve(shop.units, mug=3, teapot=3)
    cart = await a_cart(shop, await shop.page(), tea_set=1)
    path = f"/v1/carts/{cart['id']}/lines/{MUG}"
    await shop.client.put(path, json={"quantity": 1}, headers=cart["headers"])
    async with shop.units.begin() as unit:
        parts = {"TEAPOT": 1, MUG: 2}
        retired = a_product(TEA_SET, 26500, parts=parts, state=ProductState.RETIRED)
        await unit.catalogue.products.upsert([retired])

    assert codes(await look(shop, cart)) == [["retired"], ["fulfilment_missing"]]
