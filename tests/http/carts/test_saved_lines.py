"""What is saved for later claims nothing, costs nothing, and is not lost."""

from typing import Any

from domain.catalogue.products import ProductState
from tests.support.api.cart_holds import hold, look
from tests.support.api.cart_limits import claim
from tests.support.api.cart_lines import THERE, a_split_cart, put_at
from tests.support.api.carts import HERE, a_cart, put
from tests.support.api.holds import held
from tests.support.api.orders import figures, order
from tests.support.examples import HARBOUR, MUG, TEAPOT, a_product, shelve
from tests.support.shop import Shop


async def save(shop: Shop, cart: dict[str, Any], sku: str = MUG, **more: Any) -> Any:
    path = f"/v1/carts/{cart['id']}/saved"
    return await shop.client.post(path, json={"sku": sku, **more}, headers=cart["headers"])


async def restore(shop: Shop, cart: dict[str, Any], sku: str = MUG) -> Any:
    path = f"/v1/carts/{cart['id']}/saved/{sku}/restore"
    return await shop.client.post(path, json={}, headers=cart["headers"])


def both(answer: Any) -> tuple[list[Any], list[Any]]:
    assert answer.status_code == 200, answer.text
    told = answer.json()
    lines, saved = (
        [(line["sku"], line["quantity"]) for line in told[name]] for name in ("lines", "saved")
    )
    return lines, saved


async def test_a_line_that_is_saved_stands_in_no_sum_and_is_held_no_more(shop: Shop):
    await shelve(shop.units, mug=3, teapot=1)
    cart = await a_cart(shop, await shop.page(), mug=2, teapot=1)
    await hold(shop, cart)
    saved = await save(shop, cart)

    assert both(saved) == ([(TEAPOT, 1)], [(MUG, 2)])
    assert saved.json()["totals"]["to_pay"]["amount"] == 25000
    assert [group["lines"] for group in saved.json()["groups"]] == [[TEAPOT]]
    assert await held(shop) == (0, 3)


async def test_it_comes_back_as_it_was_and_a_repeat_changes_nothing(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=2)
    first, twice = await save(shop, cart), await save(shop, cart)
    back, again = await restore(shop, cart), await restore(shop, cart)

    assert both(first) == both(twice) == ([], [(MUG, 2)])
    assert both(back) == both(again) == ([(MUG, 2)], [])
    assert [answer.json()["version"] for answer in (first, twice, back, again)] == [3, 3, 4, 4]
    assert back.json()["lines"][0]["fulfilment"] == HERE


async def test_it_joins_what_is_in_the_cart_by_then(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=2)
    await save(shop, cart)
    await put(shop, cart["id"], cart["headers"], MUG, 1)
    more = await save(shop, cart)
    await put(shop, cart["id"], cart["headers"], MUG, 1)
    back = await restore(shop, cart)

    assert both(more) == ([], [(MUG, 3)])
    assert both(back) == ([(MUG, 4)], [])


async def test_of_several_lines_one_is_named(shop: Shop):
    cart = await a_split_cart(shop, await shop.page())
    refused, saved = await save(shop, cart), await save(shop, cart, fulfilment=HERE)

    assert (refused.status_code, refused.json()["code"]) == (409, "several_lines")
    assert both(saved) == ([(MUG, 3)], [(MUG, 2)])
    assert saved.json()["lines"][0]["fulfilment"] == THERE


async def test_its_problems_are_told_all_the_while(shop: Shop):
    await shelve(shop.units, teapot=1)
    cart = await a_cart(shop, await shop.page(), mug=2, teapot=1)
    for sku in (MUG, TEAPOT):
        await save(shop, cart, sku)
    async with shop.units.begin() as unit:
        retired = a_product(TEAPOT, 24000, state=ProductState.RETIRED)
        await unit.catalogue.products.upsert([retired])
    mug, teapot = (await look(shop, cart))["saved"]

    assert [problem["code"] for problem in mug["problems"]] == ["insufficient_stock"]
    assert [problem["code"] for problem in teapot["problems"]] == ["retired", "price_changed"]


async def test_what_is_nowhere_cannot_be_saved_and_can_be_forgotten(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=2)
    refused = [await save(shop, cart, TEAPOT), await restore(shop, cart, TEAPOT)]
    await save(shop, cart)
    path = f"/v1/carts/{cart['id']}/saved/{MUG}"
    gone = [await shop.client.delete(path, headers=cart["headers"]) for _ in range(2)]

    assert [(no.status_code, no.json()["code"]) for no in refused] == [(404, "not_in_cart")] * 2
    assert [both(answer) for answer in gone] == [([], [])] * 2


async def test_a_log_in_brings_both_together(shop: Shop):
    me = await shop.customer()
    mine = await a_cart(shop, me, mug=2)
    guest = await a_cart(shop, await shop.page(), mug=5, teapot=1)
    for cart in (mine, guest):
        await save(shop, cart)
    await save(shop, guest, TEAPOT)
    claimed, again = await claim(shop, guest, me), await claim(shop, guest, me)

    assert both(claimed) == both(again) == ([], [(MUG, 5), (TEAPOT, 1)])


async def test_it_outlives_the_order(shop: Shop):
    await shelve(shop.units, mug=9)
    me, page = await shop.customer(), await shop.page()
    for headers in (me, page):
        cart = await a_cart(shop, headers, mug=1, teapot=1)
        await save(shop, cart, TEAPOT)
        assert (await order(shop, cart, key=cart["id"])).status_code == 201
        news = [
            await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=cart["headers"])
            for _ in range(2)
        ]
        old = await look(shop, cart)

        assert [line["sku"] for line in news[0].json()["saved"]] == [TEAPOT]
        assert old["saved"] == []
        assert len(news[1].json()["saved"]) == (1 if headers is me else 0)


async def test_a_stranger_saves_nothing(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1)
    stranger = cart | {"headers": await shop.customer()}

    assert (await save(shop, stranger)).status_code == 404
    assert (await put_at(shop, cart, f"store={HARBOUR}", 2)).status_code == 200


FULL = """
    update carts set saved = (
        select jsonb_agg(jsonb_build_object(
            'sku', 'OLD-' || number, 'quantity', 1,
            'seen', jsonb_build_object('amount', 1, 'currency', 'SEK')
        )) from generate_series(1, 200) as number
    )
    where customer is not null returning jsonb_array_length(saved)
"""


async def test_what_a_log_in_has_no_room_for_among_the_saved_lines_is_told(shop: Shop):
    me, guest = await shop.customer(), await a_cart(shop, await shop.page(), mug=2)
    await a_cart(shop, me)
    full = await figures(shop, FULL)
    await save(shop, guest)
    claimed = (await claim(shop, guest, me)).json()

    assert full == len(claimed["saved"]) == 200
    assert [
        (told["sku"], told["code"], told["quantity"], told["not_added"])
        for told in claimed["changes"]
    ] == [(MUG, "limited", 0, 2)]
