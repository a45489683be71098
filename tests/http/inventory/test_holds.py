import asyncio
from collections import Counter
from random import Random

import pytest

from domain.foundation.callers import Caller, Role
from domain.inventory.holds import Hold, HoldLine
from service.foundation.ports import IdempotencyKey
from service.inventory.holds import HoldRequest, create_holds, expire_holds
from tests.support.api.holds import held, hold, let_time_pass, line
from tests.support.concurrency import deadlocks, workers
from tests.support.examples import ENGRAVING, HARBOUR, HILL, MUG, TEA_SET, TEAPOT, a_product, shelve
from tests.support.shop import Shop


async def test_a_hold_keeps_units_from_everybody_else_for_a_while(shop: Shop):
    await shelve(shop.units, mug=3)
    answer = await hold(shop, await shop.page(), line(quantity=2))

    assert answer.status_code == 201, answer.text
    assert answer.json()["state"] == "active"
    assert answer.json()["held_until"] > answer.json()["server_time"]
    assert await held(shop) == (2, 1)


async def test_all_lines_are_held_or_none(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=3)
    await shelve(shop.units, HILL, teapot=1)
    answer = await hold(
        shop, await shop.page(), line(quantity=2), line(TEAPOT, 2, HILL), line(quantity=2)
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_stock")
    assert answer.json()["errors"] == [
        {"sku": MUG, "store": HARBOUR, "wanted": 4, "available": 3, "lines": [MUG]},
        {"sku": TEAPOT, "store": HILL, "wanted": 2, "available": 1, "lines": [TEAPOT]},
    ]
    assert await held(shop) == (0, 3)


async def test_the_last_units_go_to_some_of_fifty_shoppers_who_come_at_once(shop: Shop):
    await shelve(shop.units, mug=7)
    page = await shop.page()

    answers = await asyncio.gather(*(hold(shop, page) for _ in range(50)))

    assert Counter(answer.status_code for answer in answers) == {201: 7, 409: 43}
    assert await held(shop) == (7, 0)


async def test_holds_that_cross_each_other_never_deadlock(shop: Shop, database_url: str):
    """As in many processes, each of which gathers only its own; nor does a second try hide one."""
    goods = [f"GOODS-{n}" for n in range(12)]
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(sku) for sku in goods])
    for sku in goods:
        await shelve(shop.units, HARBOUR, **{sku: 1000})
    chance = Random(1)
    wishes = [
        HoldRequest(
            [HoldLine(sku, HARBOUR, 1) for sku in chance.sample(goods, 2 + n % 9)],
            Caller(Role.SHOP, "key_page"),
            IdempotencyKey("pages", f"hold-{n}", b"a hold"),
        )
        for n in range(40)
    ]
    async with workers(shop, database_url, 8) as units:
        answers = await asyncio.gather(
            *(create_holds(units, [one], limit=1000) for one in wishes), return_exceptions=True
        )

    assert await deadlocks(shop) == 0
    assert [isinstance(answer, list) and isinstance(answer[0], Hold) for answer in answers] == [
        True
    ] * len(wishes)


async def test_a_repeat_gets_the_first_hold_again_even_at_the_same_moment(shop: Shop):
    await shelve(shop.units, mug=9)
    page = await shop.page()

    answers = await asyncio.gather(*(hold(shop, page, key="once") for _ in range(10)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await held(shop) == (1, 8)


async def test_a_key_that_stands_for_another_hold_is_refused(shop: Shop):
    await shelve(shop.units, mug=9)
    page = await shop.page()
    await hold(shop, page, key="once")
    other = await hold(shop, page, line(quantity=2), key="once")

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_hold_is_over_the_instant_its_time_is_although_nobody_swept_it(shop: Shop):
    await shelve(shop.units, mug=1)
    page = await shop.page()
    first = (await hold(shop, page)).json()["id"]
    await let_time_pass(shop, 16)
    figure, free = await held(shop)
    second = await hold(shop, page)

    assert (figure, free) == (1, 1)
    assert second.status_code == 201
    seen = await shop.client.get(f"/v1/holds/{first}", headers=page)
    assert seen.json()["state"] == "expired"
    await expire_holds(shop.units)
    assert await held(shop) == (1, 0)


async def test_two_sweepers_and_a_release_free_a_hold_once(shop: Shop):
    await shelve(shop.units, mug=5)
    page = await shop.page()
    made = [(await hold(shop, page)).json()["id"] for _ in range(4)]
    await let_time_pass(shop, 16)

    await asyncio.gather(
        expire_holds(shop.units),
        expire_holds(shop.units),
        *(shop.client.delete(f"/v1/holds/{one}", headers=page) for one in made),
    )

    assert await held(shop) == (0, 5)


async def test_a_hold_that_is_given_up_is_free_at_once_and_twice_is_once(shop: Shop):
    await shelve(shop.units, mug=5)
    page = await shop.page()
    made = (await hold(shop, page)).json()["id"]
    first = await shop.client.delete(f"/v1/holds/{made}", headers=page)
    second = await shop.client.delete(f"/v1/holds/{made}", headers=page)

    assert (first.json()["state"], second.json()["state"]) == ("released", "released")
    assert await held(shop) == (0, 5)


async def test_activity_extends_a_hold_up_to_an_hour_and_no_further(shop: Shop):
    await shelve(shop.units, mug=5)
    page = await shop.page()
    made = (await hold(shop, page, ttl_s=60)).json()
    path = f"/v1/holds/{made['id']}/extend"
    longer = (await shop.client.post(path, json={"ttl_s": 3600}, headers=page)).json()
    shorter = (await shop.client.post(path, json={"ttl_s": 1}, headers=page)).json()
    async with shop.units.begin() as unit:
        await unit.connection.execute(
            "update holds set created_at = created_at - interval '50 min'"
        )
    late = (await shop.client.post(path, json={"ttl_s": 3600}, headers=page)).json()

    assert made["held_until"] < longer["held_until"] == shorter["held_until"]
    assert late["held_until"] <= longer["held_until"]


async def test_a_hold_that_is_over_cannot_be_extended(shop: Shop):
    await shelve(shop.units, mug=5)
    page = await shop.page()
    made = (await hold(shop, page)).json()["id"]
    await let_time_pass(shop, 16)
    answer = await shop.client.post(f"/v1/holds/{made}/extend", json={}, headers=page)

    assert (answer.status_code, answer.json()["code"]) == (409, "hold_over")
    assert answer.json()["state"] == "expired"


async def test_nobody_hoards(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=50)
    await shelve(shop.units, HILL, mug=50)
    me = await shop.customer()
    phone, laptop = await asyncio.gather(
        hold(shop, me, line(quantity=15)), hold(shop, me, line(quantity=15, store=HILL))
    )
    guest = await hold(shop, await shop.page(), line(quantity=25))

    assert sorted([phone.status_code, laptop.status_code]) == [201, 409]
    refused = next(a for a in (phone, laptop) if a.status_code == 409)
    assert (refused.json()["code"], refused.json()["limit"]) == ("hold_limit", 20)
    assert guest.status_code == 201


async def test_a_kit_holds_its_parts_and_a_service_holds_nothing(shop: Shop):
    await shelve(shop.units, mug=5, teapot=5)
    await hold(shop, await shop.page(), line(TEA_SET), line(ENGRAVING))

    assert (await held(shop, MUG), await held(shop, TEAPOT)) == ((2, 3), (1, 4))


async def test_a_customers_hold_is_nobody_elses(shop: Shop):
    await shelve(shop.units, mug=5)
    path = f"/v1/holds/{(await hold(shop, await shop.customer())).json()['id']}"
    page, other = await shop.page(), await shop.customer("other")

    assert (await shop.client.get(path, headers=page)).status_code == 404
    assert (await shop.client.delete(path, headers=other)).status_code == 404
    assert await held(shop) == (1, 4)


@pytest.mark.parametrize(
    ("sku", "store", "status", "code"),
    [("GHOST", HARBOUR, 404, "unknown_sku"), (MUG, "moon", 422, "unknown_store")],
)
async def test_what_is_nowhere_cannot_be_held_and_spoils_nobody_elses_hold(
    shop: Shop, sku: str, store: str, status: int, code: str
):
    await shelve(shop.units, mug=5)
    page = await shop.page()

    wrong, right = await asyncio.gather(hold(shop, page, line(sku, 1, store)), hold(shop, page))

    assert (wrong.status_code, wrong.json()["code"], right.status_code) == (status, code, 201)


async def test_a_store_that_does_not_exist_is_pointed_at(shop: Shop):
    await shelve(shop.units, mug=5)
    answer = await hold(shop, await shop.page(), line(), line(MUG, 1, "moon"))
    [error] = answer.json()["errors"]

    assert (error["pointer"], error["code"]) == ("/lines/1/store", "unknown_store")


async def test_safety_stock_is_not_held(shop: Shop):
    await shelve(shop.units, mug=3)
    async with shop.units.begin() as unit:
        await unit.connection.execute("update stock_levels set safety_stock = 2")
    page = await shop.page()

    assert [(await hold(shop, page)).status_code for _ in range(2)] == [201, 409]


async def test_a_part_that_is_short_names_the_kit_that_wants_it(shop: Shop):
    await shelve(shop.units, mug=1, teapot=5)
    answer = await hold(shop, await shop.page(), line(TEAPOT), line(TEA_SET))

    assert answer.json()["errors"] == [
        {"sku": MUG, "store": HARBOUR, "wanted": 2, "available": 1, "lines": [TEA_SET]}
    ]
