"""A switch to another store says all that it changes."""

from typing import Any

from tests.support.api.cart_holds import hold
from tests.support.api.cart_lines import THERE, put_at
from tests.support.api.carts import HERE, a_cart
from tests.support.api.holds import held
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, shelve
from tests.support.shop import Shop


async def switch(shop: Shop, cart: dict[str, Any], to: Any, **more: str) -> Any:
    path = f"/v1/carts/{cart['id']}/fulfilment"
    return await shop.client.put(path, json=to, headers=cart["headers"] | more)


async def test_each_line_tells_what_it_was_and_what_stands_in_its_way_now(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2, teapot=1)
    await shelve(shop.units, HILL, mug=5)
    cart = await a_cart(shop, await shop.page(), mug=2, teapot=1)
    await hold(shop, cart)
    told = (await switch(shop, cart, THERE)).json()

    assert [(one["sku"], one["quantity"], one["was"]) for one in told["changes"]] == [
        (MUG, 2, HERE),
        (TEAPOT, 1, HERE),
    ]
    assert [[problem["code"] for problem in one["problems"]] for one in told["changes"]] == [
        [],
        ["insufficient_stock"],
    ]
    assert [group["store"] for group in told["before"]["groups"]] == [HARBOUR]
    assert [group["store"] for group in told["groups"]] == [HILL]
    assert told["before"]["totals"] == told["totals"]
    assert (await held(shop), await held(shop, TEAPOT)) == ((0, 2), (0, 1))


async def test_two_lines_that_become_one_are_both_told_of(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=2)
    await put_at(shop, cart, f"store={HILL}", 3)
    told = (await switch(shop, cart, THERE)).json()

    assert [line["quantity"] for line in told["lines"]] == [5]
    assert [(one["quantity"], one["was"]) for one in told["changes"]] == [(2, HERE)]


async def test_a_problem_that_was_there_before_is_no_change(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=2)
    told = (await switch(shop, cart, THERE)).json()

    assert told["changes"][0]["problems"] == []
    assert [problem["code"] for problem in told["lines"][0]["problems"]] == ["insufficient_stock"]


async def test_a_repeat_changes_nothing_and_one_with_its_key_tells_the_same_again(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=2)
    first, again = [await switch(shop, cart, THERE, **{"Idempotency-Key": "s"}) for _ in range(2)]
    third = await switch(shop, cart, THERE)

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (third.json()["changes"], third.json()["before"]) == ([], None)
    assert third.json()["version"] == first.json()["version"]
