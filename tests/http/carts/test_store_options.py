"""Where a whole cart can be collected: the answer counts on what is there and holds nothing."""

from typing import Any

from domain.catalogue.products import ProductState
from domain.stores.stores import StoreState
from tests.support.api.cart_holds import hold
from tests.support.api.carts import a_cart, put
from tests.support.api.holds import held
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


async def plan(shop: Shop, cart: dict[str, Any], **query: Any) -> Any:
    path = f"/v1/carts/{cart['id']}/stores"
    answer = await shop.client.get(path, params=query, headers=cart["headers"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def whole(told: Any) -> list[str]:
    return [one["store"] for one in told["whole"]]


async def test_the_stores_that_have_all_of_it_with_promise_and_distance(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=4, teapot=2)
    await shelve(shop.units, HILL, mug=3, teapot=1)
    cart = await a_cart(shop, await shop.page(), tea_set=1, mug=2)
    told = await plan(shop, cart, near="59.3232,18.0704")

    assert (told["wanted"], whole(told), told["split"]) == (3, [HARBOUR], None)
    assert told["whole"][0]["distance_km"] == 0.0
    assert told["whole"][0]["promised_from"].endswith("+01:00")
    assert await held(shop) == (0, 4)


async def test_some_here_and_the_rest_there_where_no_store_has_all(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=3)
    await shelve(shop.units, HILL, mug=1, teapot=1)
    cart = await a_cart(shop, await shop.page(), mug=4, teapot=2)
    told = await plan(shop, cart)

    assert (told["whole"], told["split"]["covered"]) == ([], 5)
    assert [(one["store"], one["lines"]) for one in told["split"]["stores"]] == [
        (HARBOUR, [{"sku": MUG, "quantity": 3}]),
        (HILL, [{"sku": MUG, "quantity": 1}, {"sku": TEAPOT, "quantity": 1}]),
    ]
    assert told["split"]["missing"] == [{"sku": TEAPOT, "quantity": 1}]


async def test_what_the_cart_holds_counts_for_it_and_against_others(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2)
    page = await shop.page()
    mine, other = await a_cart(shop, page, mug=2), await a_cart(shop, page, mug=2)
    await hold(shop, mine)

    assert whole(await plan(shop, mine)) == [HARBOUR]
    assert whole(await plan(shop, other)) == []


async def test_a_store_that_hands_nothing_over_or_sells_nothing_new_is_left_out(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2)
    cart = await a_cart(shop, await shop.page(), mug=2)
    seen = []
    for facts, state in (
        ({}, StoreState.ACTIVE),
        ({"pickup": False}, StoreState.ACTIVE),
        ({"hours": "off"}, StoreState.ACTIVE),
        ({}, StoreState.DRAINING),
    ):
        async with shop.units.begin() as unit:
            await unit.stores.stores.upsert([a_store(HARBOUR, **facts)])
            await unit.connection.execute("update stores set state = $1", state.value)
        seen.append(whole(await plan(shop, cart)))

    assert seen == [[HARBOUR], [], [], []]


async def test_a_service_is_everywhere_and_what_is_not_sold_is_nowhere(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2)
    cart = await a_cart(shop, await shop.page(), mug=1, engraving=1)
    before = await plan(shop, cart)
    async with shop.units.begin() as unit:
        retired = a_product(ENGRAVING, 9900, tracked=False, state=ProductState.RETIRED)
        await unit.catalogue.products.upsert([retired])

    assert whole(before) == [HARBOUR]
    assert whole(await plan(shop, cart)) == []


async def test_only_stores_around_the_place_are_looked_at(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2)
    await shelve(shop.units, HILL, mug=2)
    cart = await a_cart(shop, await shop.page(), mug=1)
    close = await plan(shop, cart, near="59.3232,18.0704", radius_km=0.5)
    all_of_them = await plan(shop, cart, near="59.3152,18.0734", radius_km=5)
    one = await plan(shop, cart, limit=1)

    assert whole(close) == [HARBOUR]
    assert whole(all_of_them) == [HILL, HARBOUR]
    assert whole(one) == [HARBOUR]


async def test_an_empty_cart_has_nothing_to_plan_and_a_strangers_is_not_there(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2)
    cart = await a_cart(shop, await shop.page())
    empty = await plan(shop, cart)
    await put(shop, cart["id"], cart["headers"], TEA_SET, 1)
    path = f"/v1/carts/{cart['id']}/stores"
    stranger = await shop.client.get(path, headers=await shop.customer())

    assert (empty["wanted"], empty["whole"], empty["split"]) == (0, [], None)
    assert stranger.status_code == 404
