"""What somebody looked at follows the person, and nobody else sees it."""

from typing import Any

import pytest

from domain.catalogue.products import ProductState
from service.carts.expire_carts import expire_carts
from tests.support.api.cart_expiry import age
from tests.support.api.cart_limits import claim
from tests.support.api.carts import a_cart
from tests.support.api.orders import figures
from tests.support.examples import MUG, TEA_SET, TEAPOT, a_product, shelve
from tests.support.shop import Shop

MINE = "/v1/me/viewed"


async def view(shop: Shop, path: str, headers: dict[str, str], *skus: str) -> Any:
    return await shop.client.post(path, json={"skus": list(skus)}, headers=headers)


async def seen(shop: Shop, path: str, headers: dict[str, str]) -> list[str]:
    answer = await shop.client.get(path, headers=headers)
    return [item["sku"] for item in answer.json()["items"]]


def of(cart: dict[str, Any]) -> str:
    return f"/v1/carts/{cart['id']}/viewed"


async def test_the_newest_is_first_and_each_thing_stands_once(shop: Shop):
    me = await shop.customer()
    for sku in (MUG, TEAPOT, MUG):
        assert (await view(shop, MINE, me, sku)).status_code == 204
    await view(shop, MINE, me, TEA_SET, TEAPOT)

    assert await seen(shop, MINE, me) == [TEA_SET, TEAPOT, MUG]


async def test_an_item_says_what_it_costs_and_whether_there_is_any(shop: Shop):
    await shelve(shop.units, mug=2)
    me = await shop.customer()
    await view(shop, MINE, me, MUG, TEAPOT)
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(TEAPOT, 25000, state=ProductState.RETIRED)])
    swedish = me | {"Accept-Language": "sv"}
    items = (await shop.client.get(MINE, headers=swedish)).json()["items"]

    assert [(item["name"], item["state"], item["price"]["amount"]) for item in items] == [
        ("Mugg", "active", 1000),
        ("Teapot", "retired", 25000),
    ]
    assert [item["availability"] for item in items] == [
        {"status": "low_stock", "quantity": 2},
        {"status": "out_of_stock", "quantity": 0},
    ]


async def test_only_the_newest_fifty_are_remembered(shop: Shop):
    me = await shop.customer()
    many = [f"S{number:02}" for number in range(60)]
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(sku) for sku in many])
    for start in (0, 30):
        await view(shop, MINE, me, *reversed(many[start : start + 30]))

    assert await seen(shop, MINE, me) == many[:9:-1]


async def test_what_a_guest_looked_at_is_the_customers_at_log_in(shop: Shop):
    me, page = await shop.customer(), await shop.page()
    guest, other = await a_cart(shop, page), await a_cart(shop, page)
    await view(shop, MINE, me, MUG, TEAPOT)
    await view(shop, of(guest), guest["headers"], TEA_SET, MUG)
    await view(shop, of(other), other["headers"], TEAPOT)
    await claim(shop, guest, me)
    late = await shop.client.get(of(guest), headers=guest["headers"])

    assert await seen(shop, MINE, me) == [TEA_SET, MUG, TEAPOT]
    assert await seen(shop, of(guest), me) == [TEA_SET, MUG, TEAPOT]
    assert await seen(shop, of(other), other["headers"]) == [TEAPOT]
    assert late.status_code == 404


async def test_nobody_sees_what_somebody_else_looked_at(shop: Shop):
    page = await shop.page()
    guest, other = await a_cart(shop, page), await a_cart(shop, page)
    await view(shop, of(guest), guest["headers"], MUG)
    tries = [page, other["headers"], await shop.customer()]
    looks = [await shop.client.get(of(guest), headers=headers) for headers in tries]
    notes = [await view(shop, of(guest), headers, TEAPOT) for headers in tries]

    assert {answer.status_code for answer in (*looks, *notes)} == {404}
    assert await seen(shop, of(guest), guest["headers"]) == [MUG]


async def test_it_is_erased_with_the_guests_cart(shop: Shop):
    guest = await a_cart(shop, await shop.page())
    await view(shop, of(guest), guest["headers"], MUG)
    await age(shop, guest, 31)
    await expire_carts(shop.units)

    assert await figures(shop, "select count(*) from recently_viewed") == 0


@pytest.mark.parametrize(
    ("skus", "pointer", "code"),
    [([MUG, "GHOST"], "/skus/1", "unknown_sku"), ([], "/skus", ""), ([MUG] * 51, "/skus", "")],
)
async def test_what_cannot_have_been_looked_at_is_named_and_nothing_is_noted(
    shop: Shop, skus: list[str], pointer: str, code: str
):
    me = await shop.customer()
    refused = await view(shop, MINE, me, *skus)

    [error] = refused.json()["errors"]
    assert (refused.status_code, error["pointer"]) == (422, pointer)
    assert code in {error["code"], ""}
    assert await seen(shop, MINE, me) == []
