"""An order takes at most so many of one thing: the product's own limit, else the shop's."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api.cart_holds import hold, look
from tests.support.api.cart_limits import claim
from tests.support.api.cart_lines import put_at
from tests.support.api.carts import HERE, a_cart, put
from tests.support.api.orders import order
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, shelve
from tests.support.shop import Shop, a_shop


async def limit(shop: Shop, most: int | None, sku: str = MUG) -> Any:
    return await shop.client.patch(
        f"/v1/products/{sku}", json={"most_per_order": most}, headers=await shop.office()
    )


def limits(cart: Any) -> list[Any]:
    return [
        [(one["code"], one["limit"]) for one in line["problems"] if one["code"] == "quantity_limit"]
        for line in cart["lines"]
    ]


async def test_more_than_an_order_takes_is_shown_and_neither_held_nor_ordered(shop: Shop):
    await shelve(shop.units, mug=9)
    told = await limit(shop, 4)
    cart = await a_cart(shop, await shop.page(), mug=5)
    shown, held, ordered = await look(shop, cart), await hold(shop, cart), await order(shop, cart)
    await put(shop, cart["id"], cart["headers"], MUG, 4)
    placed = await order(shop, cart, key="four")

    assert told.json()["most_per_order"] == 4
    assert limits(shown) == [[("quantity_limit", 4)]]
    assert (held.status_code, held.json()["code"]) == (409, "quantity_limit")
    assert held.json()["errors"] == [{"sku": MUG, "limit": 4}]
    assert (ordered.status_code, ordered.json()["code"]) == (409, "quantity_limit")
    assert placed.status_code == 201


async def test_a_limit_is_for_all_lines_of_a_thing_together(shop: Shop):
    await limit(shop, 4)
    cart = await a_cart(shop, await shop.page())
    await put_at(shop, cart, f"store={HARBOUR}", 2)
    await put_at(shop, cart, f"store={HILL}", 3)

    assert limits(await look(shop, cart)) == [[("quantity_limit", 4)], [("quantity_limit", 4)]]


async def test_a_limit_can_be_taken_away(shop: Shop):
    await limit(shop, 4)
    told = await limit(shop, None)
    cart = await a_cart(shop, await shop.page(), mug=5)

    assert told.json()["most_per_order"] is None
    assert limits(await look(shop, cart)) == [[]]


@pytest.fixture
async def thrifty(database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    async with a_shop(database_url, tmp_path, max_quantity_per_order=3) as shop:
        yield shop


async def test_a_products_own_limit_goes_before_the_shops(thrifty: Shop):
    await limit(thrifty, 5)
    cart = await a_cart(thrifty, await thrifty.page(), mug=5, teapot=4)

    assert limits(await look(thrifty, cart)) == [[], [("quantity_limit", 3)]]


async def test_a_claim_adds_up_to_the_limit_and_says_what_it_left_out(shop: Shop):
    await limit(shop, 4)
    me = await shop.customer()
    await a_cart(shop, me, mug=3)
    guest = await a_cart(shop, await shop.page(), mug=2)
    claimed, again = await claim(shop, guest, me), await claim(shop, guest, me)

    notice = {"sku": MUG, "code": "limited", "quantity": 4, "not_added": 1, "fulfilment": HERE}
    assert claimed.json()["changes"] == [notice]
    assert [line["quantity"] for line in again.json()["lines"]] == [4]
    assert (again.json()["version"], again.json()["changes"]) == (claimed.json()["version"], [])


async def test_a_claim_takes_nothing_from_what_the_customer_had(shop: Shop):
    me = await shop.customer()
    await a_cart(shop, me, mug=6)
    await limit(shop, 4)
    claimed = await claim(shop, await a_cart(shop, await shop.page(), mug=2, teapot=1), me)

    assert [(line["sku"], line["quantity"]) for line in claimed.json()["lines"]] == [
        (MUG, 6),
        (TEAPOT, 1),
    ]
    assert claimed.json()["changes"][0]["not_added"] == 2


@pytest.mark.parametrize("most", [0, 1000, 1.5])
async def test_a_limit_is_a_number_of_units(shop: Shop, most: Any):
    assert (await limit(shop, most)).status_code == 422
