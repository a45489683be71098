"""What is held stays held while the retailer's own page takes the money for it."""

from datetime import timedelta
from typing import Any

import pytest

from service.inventory.holds import expire_holds
from tests.support.api.cart_holds import claim
from tests.support.api.cart_holds import hold as hold_cart
from tests.support.api.carts import a_cart, put
from tests.support.api.holds import held, hold
from tests.support.api.orders import level, order
from tests.support.api.pinned_holds import pin, told
from tests.support.api.receipts import line, sale, tell
from tests.support.examples import HARBOUR, MUG, shelve
from tests.support.shop import Shop


async def unpin(shop: Shop, hold: str, attempt: str = "pay-1") -> Any:
    return await told(shop, hold, "unpin", attempt=attempt)


async def let_time_pass(shop: Shop, minutes: int) -> None:
    """For the holds, which are the younger for it."""
    async with shop.units.begin() as unit:
        await unit.connection.execute(
            "update hold_units set held_until = held_until - $1::interval",
            timedelta(minutes=minutes),
        )
        await unit.connection.execute(
            "update holds set held_until = held_until - $1::interval,"
            " created_at = created_at - $1::interval, pinned_until = pinned_until - $1::interval",
            timedelta(minutes=minutes),
        )


async def a_hold(shop: Shop, *, minutes: int = 15) -> tuple[str, dict[str, str]]:
    page = await shop.page()
    answer = await hold(shop, page, ttl_s=minutes * 60)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], page


async def state(shop: Shop, hold: str, page: dict[str, str]) -> str:
    answer: str = (await shop.client.get(f"/v1/holds/{hold}", headers=page)).json()["state"]
    return answer


async def test_a_hold_outlives_its_time_while_it_is_paid_for(shop: Shop):
    await shelve(shop.units, mug=1)
    mine, page = await a_hold(shop)
    pinned = await pin(shop, mine, ttl_s=1800)
    await let_time_pass(shop, 20)
    swept = await expire_holds(shop.units)
    other = await hold(shop, page)

    assert (pinned.status_code, pinned.json()["state"]) == (200, "pinned")
    assert pinned.json()["pinned_until"] < pinned.json()["held_until"]
    assert (swept, other.status_code) == (0, 409)
    assert (await state(shop, mine, page), await held(shop)) == ("pinned", (1, 0))


async def test_its_shopper_cannot_give_it_up_meanwhile(shop: Shop):
    await shelve(shop.units, mug=1)
    mine, page = await a_hold(shop)
    await pin(shop, mine)
    refused = await shop.client.delete(f"/v1/holds/{mine}", headers=page)
    await unpin(shop, mine)
    released = await shop.client.delete(f"/v1/holds/{mine}", headers=page)

    assert (refused.status_code, refused.json()["code"]) == (409, "hold_pinned")
    assert "pinned_until" in refused.json()
    assert released.json()["state"] == "released"


@pytest.mark.parametrize(("minutes", "left"), [(15, 12), (6, 5)])
async def test_after_a_payment_failed_it_counts_for_what_was_left_or_five_minutes(
    shop: Shop, minutes: int, left: int
):
    await shelve(shop.units, mug=1)
    mine, page = await a_hold(shop, minutes=minutes)
    await let_time_pass(shop, 3)
    await pin(shop, mine, ttl_s=3600)
    await let_time_pass(shop, 30)
    failed = await unpin(shop, mine)
    await let_time_pass(shop, left - 1)
    shortly_before = await state(shop, mine, page)
    await let_time_pass(shop, 1)

    assert (failed.json()["state"], failed.json()["pinned_until"]) == ("active", None)
    assert (shortly_before, await state(shop, mine, page)) == ("active", "expired")
    assert (await expire_holds(shop.units), await held(shop)) == (1, (0, 1))


async def test_the_deadline_ends_a_pin_by_itself(shop: Shop):
    await shelve(shop.units, mug=1)
    mine, page = await a_hold(shop, minutes=1)
    await pin(shop, mine, ttl_s=600)
    await let_time_pass(shop, 10)
    after = await state(shop, mine, page)
    late = await pin(shop, mine)
    await let_time_pass(shop, 5)

    assert after == "active"
    assert (late.status_code, late.json()["code"]) == (409, "attempt_over")
    assert await state(shop, mine, page) == "expired"


async def test_an_attempt_pins_once_however_often_it_says_so(shop: Shop):
    await shelve(shop.units, mug=1)
    mine, _ = await a_hold(shop)
    first = (await pin(shop, mine)).json()
    await let_time_pass(shop, 1)
    again = (await pin(shop, mine, ttl_s=3600)).json()
    await unpin(shop, mine, "pay-0")
    still = (await pin(shop, mine)).json()
    freed = [(await unpin(shop, mine)).json()["state"] for _ in range(2)]

    assert again["pinned_until"] < first["pinned_until"]
    assert (again["state"], still["state"], freed) == ("pinned", "pinned", ["active", "active"])
    assert (await pin(shop, mine)).json()["code"] == "attempt_over"


async def test_one_attempt_at_a_time(shop: Shop):
    await shelve(shop.units, mug=1)
    mine, _ = await a_hold(shop)
    await pin(shop, mine, "pay-1")
    second = await pin(shop, mine, "pay-2")
    await unpin(shop, mine, "pay-1")

    assert (second.status_code, second.json()["code"]) == (409, "hold_pinned")
    assert (await pin(shop, mine, "pay-2")).status_code == 200


async def test_what_is_over_or_no_longer_there_is_not_paid_for(shop: Shop):
    await shelve(shop.units, mug=1)
    gone, page = await a_hold(shop)
    await shop.client.delete(f"/v1/holds/{gone}", headers=page)
    over = await pin(shop, gone)
    mine, _ = await a_hold(shop)
    await tell(shop, sale("r-1", line(MUG)))
    short = await pin(shop, mine)

    assert (over.status_code, over.json()["code"]) == (409, "hold_over")
    assert (short.status_code, short.json()["code"]) == (409, "insufficient_stock")
    assert short.json()["errors"] == [
        {"sku": MUG, "store": HARBOUR, "wanted": 1, "available": 0, "lines": [MUG]}
    ]


async def test_a_cart_that_is_paid_for_stays_as_it_is_and_becomes_an_order(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=2)
    await hold_cart(shop, cart)
    async with shop.units.read() as unit:
        mine = await unit.connection.fetchval("select hold from carts")
    await pin(shop, mine)
    fewer = await put(shop, cart["id"], cart["headers"], MUG, 1)
    again = await hold_cart(shop, cart)
    await let_time_pass(shop, 14)
    placed = await order(shop, cart)

    assert (fewer.status_code, fewer.json()["code"]) == (409, "hold_pinned")
    assert again.status_code == 200
    assert (placed.status_code, await level(shop), await held(shop)) == (201, (3, 2), (0, 1))
    assert (await unpin(shop, mine)).json()["state"] == "converted"
    assert (await pin(shop, mine, "pay-2")).json()["code"] == "hold_over"


async def test_a_cart_that_is_paid_for_is_not_merged_away(shop: Shop):
    await shelve(shop.units, mug=3)
    me = await shop.customer()
    await a_cart(shop, me, mug=1)
    guest = await a_cart(shop, await shop.page(), mug=2)
    await hold_cart(shop, guest)
    async with shop.units.read() as unit:
        mine = await unit.connection.fetchval("select id from holds")
    await pin(shop, mine)
    refused = await claim(shop, guest, me)

    assert (refused.status_code, refused.json()["code"]) == (409, "hold_pinned")
    assert await held(shop) == (2, 1)


async def test_nothing_is_merged_into_a_cart_that_is_paid_for(shop: Shop):
    await shelve(shop.units, mug=3)
    me = await shop.customer()
    await hold_cart(shop, await a_cart(shop, me, mug=1))
    async with shop.units.read() as unit:
        mine = await unit.connection.fetchval("select id from holds")
    await pin(shop, mine)
    refused = await claim(shop, await a_cart(shop, await shop.page(), mug=2), me)

    assert (refused.status_code, refused.json()["code"]) == (409, "hold_pinned")


async def test_what_is_bought_at_a_till_is_not_what_is_paid_for_online(shop: Shop):
    await shelve(shop.units, mug=3)
    me = await shop.customer()
    mine = (await hold(shop, me)).json()["id"]
    await pin(shop, mine)
    await tell(shop, sale("r-1", line(MUG), minutes=0, member="sample-1"))
    during = await held(shop)
    await unpin(shop, mine)
    await tell(shop, sale("r-2", line(MUG), minutes=0, member="sample-1"))

    assert during == (1, 1)
    assert await held(shop) == (0, 1)


async def test_a_pin_that_outlives_the_ceiling_is_not_shortened_by_activity(shop: Shop):
    await shelve(shop.units, mug=1)
    mine, page = await a_hold(shop, minutes=60)
    await let_time_pass(shop, 50)
    pinned = (await pin(shop, mine, ttl_s=3600)).json()
    path = f"/v1/holds/{mine}/extend"
    extended = (await shop.client.post(path, json={"ttl_s": 60}, headers=page)).json()

    assert extended["held_until"] == pinned["held_until"]
    assert extended["state"] == "pinned"
