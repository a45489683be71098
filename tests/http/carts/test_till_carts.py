"""A shopper's cart at a till: opened there by its code, and to nobody else."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import convert

from domain.foundation.callers import AccessDenied, Caller, Role
from domain.kernel.ids import CartId, StoreId
from service.carts.expire_carts import expire_carts
from service.foundation.ports import IdempotencyKey
from service.orders.checkout.build_order import Checkout, CheckoutCommand
from service.orders.checkout.place_order import PlacedOrder
from tests.support.api.cart_expiry import age
from tests.support.api.cart_holds import hold, look
from tests.support.api.carts import a_cart, put
from tests.support.api.orders import CHECKOUT, figures, order
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, shelve
from tests.support.place_cart import place_cart
from tests.support.shop import Shop


async def a_code(shop: Shop, cart: dict[str, Any]) -> str:
    path = f"/v1/carts/{cart['id']}/code"
    code: str = (await shop.client.post(path, json={}, headers=cart["headers"])).json()["code"]
    return code


async def find(shop: Shop, till: dict[str, str], store: StoreId = HARBOUR, **by: str) -> Any:
    return await shop.client.get(f"/v1/stores/{store}/carts", params=by, headers=till)


def at(till: dict[str, str], found: Any) -> dict[str, Any]:
    """The cart as the till opens it."""
    assert found.status_code == 200, found.text
    headers = till | {"Cart-Token": found.json()["token"]}
    return {"id": found.json()["id"], "headers": headers}


async def test_a_guests_cart_is_gone_on_with_at_the_till(shop: Shop):
    await shelve(shop.units, mug=9)
    till, guest = await shop.till(HARBOUR), await a_cart(shop, await shop.page(), mug=2)
    code = await a_code(shop, guest)
    here = at(till, await find(shop, till, code=f"{code[:4]}-{code[4:].lower()}"))
    await put(shop, here["id"], here["headers"], MUG, 3)
    kept, seen = await hold(shop, here), await look(shop, guest)
    placed = await order(shop, here)

    assert here["id"] == guest["id"]
    assert kept.status_code == 200
    assert [line["quantity"] for line in seen["lines"]] == [3]
    assert placed.status_code == 201
    assert await figures(shop, "select actor from orders") != ""


async def test_a_members_cart_is_found_by_card_and_by_number(shop: Shop):
    till, me = await shop.till(HARBOUR), await shop.customer("sample-1")
    cart = await a_cart(shop, me, mug=1)
    member = (await shop.client.get("/v1/me/rewards", headers=me)).json()["member"]
    found = [await find(shop, till, member=said) for said in (member, "sample-1")]
    await shop.customer("sample-2")
    without = [await find(shop, till, member=said) for said in ("sample-2", "nobody")]

    assert [answer.json()["id"] for answer in found] == [cart["id"]] * 2
    assert [(no.status_code, no.json()["code"]) for no in without] == [(404, "no_open_cart")] * 2


async def test_a_tills_token_opens_one_cart_in_one_store_and_to_tills_alone(shop: Shop):
    page, till = await shop.page(), await shop.till(HARBOUR)
    guest, other = await a_cart(shop, page, mug=1), await a_cart(shop, page)
    here = at(till, await find(shop, till, code=await a_code(shop, guest)))
    token = {"Cart-Token": here["headers"]["Cart-Token"]}
    tries = [
        (guest, await shop.till(HILL) | token),
        (guest, page | token),
        (guest, await shop.customer() | token),
        (other, till | token),
        (guest, till),
        (guest, till | {"Cart-Token": guest["headers"]["Cart-Token"]}),
        (guest, till | {"Cart-Token": token["Cart-Token"][:-1] + "x"}),
        (guest, till | {"Cart-Token": f"{guest['id']}.99999999999999."}),
    ]
    answers = [
        await shop.client.get(f"/v1/carts/{cart['id']}", headers=headers) for cart, headers in tries
    ]

    assert [answer.status_code for answer in answers] == [404] * len(tries)
    assert await figures(shop, "select count(*) from access_denials") == len(tries)
    assert (await look(shop, here))["id"] == guest["id"]


async def test_another_store_is_not_asked(shop: Shop):
    guest = await a_cart(shop, await shop.page(), mug=1)
    code = await a_code(shop, guest)
    answer = await find(shop, await shop.till(HILL), HARBOUR, code=code)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await figures(shop, "select count(*) from access_denials") == 1


async def test_a_code_opens_nothing_when_its_time_is_over_or_another_was_given(shop: Shop):
    till, guest = await shop.till(HARBOUR), await a_cart(shop, await shop.page(), mug=1)
    first, second = await a_code(shop, guest), await a_code(shop, guest)
    answers = [await find(shop, till, code=code) for code in (first, second)]
    await figures(shop, "update carts set code_until = now() returning id")
    late = await find(shop, till, code=second)

    assert [answer.status_code for answer in (*answers, late)] == [404, 200, 404]


async def test_a_code_that_is_asked_for_twice_with_one_key_is_one_and_is_not_kept(shop: Shop):
    guest = await a_cart(shop, await shop.page(), mug=1)
    keyed = guest | {"headers": guest["headers"] | {"Idempotency-Key": "code"}}
    first, second = await a_code(shop, keyed), await a_code(shop, keyed)
    found = await find(shop, await shop.till(HARBOUR), code=second)

    assert (first, found.status_code) == (second, 200)
    kept = await figures(
        shop, "select string_agg(convert_from(response, 'UTF8'), '') from idempotency_keys"
    )
    assert first not in kept


async def test_a_till_that_guesses_has_to_wait_and_the_right_code_does_not_help(shop: Shop):
    till, guest = await shop.till(HARBOUR), await a_cart(shop, await shop.page(), mug=1)
    code = await a_code(shop, guest)
    tries = [await find(shop, till, code=f"WRONG{number:03}") for number in range(10)]
    locked, elsewhere = await find(shop, till, code=code), await shop.till(HARBOUR)
    other = await find(shop, elsewhere, code=code)

    assert {answer.status_code for answer in tries} == {404}
    assert (locked.status_code, locked.headers["Retry-After"]) == (429, "900")
    assert other.status_code == 200


async def test_guesses_at_the_same_moment_are_no_more_than_one_after_the_other(shop: Shop):
    till = await shop.till(HARBOUR)
    guesses = (find(shop, till, code=f"WRONG{number:03}") for number in range(30))
    answers = Counter(answer.status_code for answer in await asyncio.gather(*guesses))

    assert answers == {404: 10, 429: 20}


async def test_a_token_is_over_after_half_an_hour(shop: Shop):
    till, guest = await shop.till(HARBOUR), await a_cart(shop, await shop.page(), mug=1)
    codes, now = shop.house.codes, (await find(shop, till, code=await a_code(shop, guest)))
    token, until = now.json()["token"], now.json()["token_until"]
    moment = datetime.fromisoformat(until)

    assert (
        codes.cart_from_till_token(token, [HARBOUR], moment - timedelta(seconds=1)) == guest["id"]
    )
    assert codes.cart_from_till_token(token, [HARBOUR], moment + timedelta(seconds=1)) is None
    assert codes.cart_from_till_token(token, [HILL], moment - timedelta(seconds=1)) is None


async def test_when_its_token_is_over_a_till_gets_no_earlier_answer_either(shop: Shop):
    await shelve(shop.units, mug=9)
    guest = await a_cart(shop, await shop.page(), mug=1)
    checkout = convert(CHECKOUT, Checkout)

    async def place_with(token: CartId | None) -> PlacedOrder:
        caller = Caller(Role.TILL, "key_1", stores=frozenset({HARBOUR}), cart=token)
        key = IdempotencyKey("key_1", "once", b"the same request")
        wish = CheckoutCommand(caller, guest["id"], checkout, "", key)
        return await place_cart(shop.units, wish)

    placed = await place_with(guest["id"])
    again = await place_with(guest["id"])

    assert again.order.id == placed.order.id
    with pytest.raises(AccessDenied):
        await place_with(None)


@pytest.mark.parametrize("by", [{}, {"code": "A", "member": "B"}])
async def test_a_till_names_the_member_or_the_code(shop: Shop, by: dict[str, str]):
    answer = await find(shop, await shop.till(HARBOUR), **by)

    assert answer.status_code == 422


async def test_a_till_starts_a_cart_for_whoever_walks_in(shop: Shop):
    await shelve(shop.units, mug=9)
    till = await shop.till(HARBOUR)
    keyed = till | {"Idempotency-Key": "walk-in"}
    started, again = [
        await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=keyed)
        for _ in range(2)
    ]
    opens = till | {"Cart-Token": started.json()["token"]}
    here = {"id": started.json()["id"], "headers": opens}
    await put(shop, here["id"], here["headers"], TEAPOT, 1)
    colleague = await shop.till(HARBOUR) | {"Cart-Token": started.json()["token"]}
    seen = await shop.client.get(f"/v1/carts/{here['id']}", headers=colleague)

    assert started.json()["id"] == again.json()["id"]
    assert await figures(shop, "select store from carts") == HARBOUR
    assert [line["sku"] for line in seen.json()["lines"]] == [TEAPOT]


async def test_a_walk_ins_cart_ends_after_a_day(shop: Shop):
    till = await shop.till(HARBOUR)
    started = await shop.client.post("/v1/carts", json={"currency": "SEK"}, headers=till)
    guest = await a_cart(shop, await shop.page())
    for cart in (started.json(), guest):
        await age(shop, cart, 2)

    assert await expire_carts(shop.units) == 1
    assert (await look(shop, guest))["state"] == "open"
