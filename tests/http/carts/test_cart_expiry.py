"""A cart that nobody comes back to ends, and what it kept is free."""

import asyncio
from typing import Any

import pytest

from service.carts.expire_carts import expire_carts, purge_carts
from tests.support.api.cart_expiry import age
from tests.support.api.cart_holds import hold, look
from tests.support.api.cart_limits import claim
from tests.support.api.carts import a_cart, put
from tests.support.api.holds import held
from tests.support.api.orders import figures, order
from tests.support.api.pinned_holds import pin
from tests.support.examples import MUG, shelve
from tests.support.shop import Shop

YEAR_AGO = 366


async def opened(shop: Shop, cart: dict[str, Any]) -> tuple[int, str]:
    answer = await shop.client.get(f"/v1/carts/{cart['id']}", headers=cart["headers"])
    return answer.status_code, answer.json().get("code", "")


async def test_each_kind_of_cart_has_its_own_time(shop: Shop):
    page = await shop.page()
    me, other = await shop.customer("sample-1"), await shop.customer("sample-2")
    ages = {29: await a_cart(shop, page), 31: await a_cart(shop, page)}
    ages |= {179: await a_cart(shop, me), 181: await a_cart(shop, other)}
    for days, cart in ages.items():
        await age(shop, cart, days)
    ended = await expire_carts(shop.units)

    assert ended == 2
    assert [await opened(shop, ages[days]) for days in (29, 179)] == [(200, "")] * 2
    assert [await opened(shop, ages[days]) for days in (31, 181)] == [(404, "cart_expired")] * 2


async def test_a_change_begins_the_time_anew(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1)
    await age(shop, cart, 31)
    await put(shop, cart["id"], cart["headers"], MUG, 2)

    assert await expire_carts(shop.units) == 0


async def test_what_it_held_is_free_in_the_same_step(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=2)
    await hold(shop, cart)
    await age(shop, cart, 31)
    before = await held(shop)
    await asyncio.gather(*(expire_carts(shop.units) for _ in range(4)))

    assert (before, await held(shop)) == ((2, 1), (0, 3))
    async with shop.units.read() as unit:
        assert [one.name for one in await unit.administration.audit.check() if not one.ok] == []


async def test_one_that_is_being_paid_for_stays(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=2)
    await hold(shop, cart)
    name = await figures(shop, "select hold from carts")
    assert (await pin(shop, name)).status_code == 200
    await age(shop, cart, YEAR_AGO)

    assert await expire_carts(shop.units) == 0
    assert (await look(shop, cart))["lines"][0]["quantity"] == 2


async def test_nothing_but_its_end_is_told_and_only_to_whose_it_was(shop: Shop):
    page = await shop.page()
    cart = await a_cart(shop, page, mug=2)
    await age(shop, cart, 31)
    await expire_carts(shop.units)
    me = await shop.customer()
    changed = await put(shop, cart["id"], cart["headers"], MUG, 1)
    claimed = await claim(shop, cart, me)
    stranger = await opened(shop, cart | {"headers": page})

    assert [(no.status_code, no.json()["code"]) for no in (changed, claimed)] == [
        (404, "cart_expired")
    ] * 2
    assert stranger == (404, "not_found")
    assert await figures(shop, "select lines::text from carts where state = 'expired'") == "[]"


async def test_a_customer_whose_cart_ended_gets_an_empty_one(shop: Shop):
    me = await shop.customer()
    cart = await a_cart(shop, me, mug=2)
    await age(shop, cart, 181)
    await expire_carts(shop.units)
    mine = (await shop.client.get("/v1/me/cart?currency=SEK", headers=me)).json()

    assert mine["id"] != cart["id"]
    assert mine["lines"] == []


async def test_what_is_over_is_forgotten_and_what_became_an_order_is_not(shop: Shop):
    await shelve(shop.units, mug=3)
    page, me = await shop.page(), await shop.customer()
    mine = await a_cart(shop, me, mug=1)
    guest, ended, ordered = [await a_cart(shop, page, mug=1) for _ in range(3)]
    await claim(shop, guest, me)
    await order(shop, ordered)
    await age(shop, ended, 31)
    await expire_carts(shop.units)
    at_once = await purge_carts(shop.units)
    for cart in (mine, guest, ended, ordered):
        await age(shop, cart, 31)
    first, second = await purge_carts(shop.units, limit=1), await purge_carts(shop.units)

    assert (at_once, first, second) == (0, 1, 1)
    assert await opened(shop, ended) == (404, "not_found")
    assert (await opened(shop, ordered))[0] == (await opened(shop, mine))[0] == 200


@pytest.mark.parametrize("rivals", [6])
async def test_a_shopper_who_comes_back_at_the_last_moment_keeps_or_loses_all_of_it(
    shop: Shop, rivals: int
):
    await shelve(shop.units, mug=99)
    page = await shop.page()
    carts = [await a_cart(shop, page, mug=2) for _ in range(rivals)]
    for cart in carts:
        await hold(shop, cart)
        await age(shop, cart, 31)
    changes = (put(shop, cart["id"], cart["headers"], MUG, 1) for cart in carts)
    *answers, _ = await asyncio.gather(*changes, expire_carts(shop.units))
    kept = sum(answer.status_code == 200 for answer in answers)

    assert {answer.status_code for answer in answers} <= {200, 404}
    assert await held(shop) == (kept, 99 - kept)


async def test_a_cart_that_an_unpaid_order_gave_back_is_kept_with_the_order(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=1)
    await order(shop, cart)
    await figures(shop, "update carts set state = 'expired' returning id")
    await age(shop, cart, 31)

    assert await purge_carts(shop.units) == 0
