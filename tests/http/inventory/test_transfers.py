import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.support.api.carts import a_cart
from tests.support.api.orders import order
from tests.support.api.transfers import Headers, is_well, receive, send, sent
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, a_store, shelve
from tests.support.shop import Shop


async def look(shop: Shop, transfer: str) -> Any:
    found = await shop.client.get(f"/v1/stock/transfers/{transfer}", headers=await shop.office())
    assert found.status_code == 200, found.text
    return found.json()


async def on_hand(shop: Shop, sku: str = MUG) -> dict[str, int]:
    answer = await shop.client.get(f"/v1/stock/{sku}", headers=await shop.office())
    return {item["store"]: item["on_hand"] for item in answer.json()["items"]}


async def a_stranger(shop: Shop) -> Headers:
    """An associate of a third store."""
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert([a_store("quay")])
    return await shop.associate("quay")


async def test_of_ten_sent_eight_come_and_two_are_the_discrepancy(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=12)
    transfer = await sent(shop, mug=10)
    on_the_way = await on_hand(shop)
    answer = await receive(shop, transfer, mug=8, close=True)

    assert on_the_way == {HARBOUR: 2, HILL: 0}
    assert answer.json() == {
        "id": transfer,
        "state": "closed",
        "results": [{"status": "applied", "on_hand": 8, "version": 2}],
    }
    assert await on_hand(shop) == {HARBOUR: 2, HILL: 8}
    [line] = (await look(shop, transfer))["lines"]
    assert line == {"sku": MUG, "quantity": 10, "received": 8, "in_transit": 0, "discrepancy": 2}
    assert await is_well(shop)


async def test_the_ledger_says_what_left_and_what_came(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=10)
    transfer = await sent(shop, mug=10)
    await receive(shop, transfer, mug=3)
    await receive(shop, transfer, mug=10)
    ledger = await shop.client.get(f"/v1/stock/{MUG}/movements", headers=await shop.office())

    moved = [(one["store"], one["kind"], one["on_hand"]) for one in ledger.json()["items"]]
    assert moved[:3] == [
        (HILL, "transfer_in", 7),
        (HILL, "transfer_in", 3),
        (HARBOUR, "transfer_out", -10),
    ]
    assert (await look(shop, transfer))["state"] == "closed"


async def test_every_short_line_is_named_and_nothing_leaves(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=5, teapot=1)
    cart = await a_cart(shop, await shop.page(), mug=2)
    assert (await order(shop, cart)).status_code == 201
    answer = await send(shop, mug=4, teapot=2)

    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_stock")
    errors = answer.json()["errors"]
    assert [(one["sku"], one["wanted"], one["available"]) for one in errors] == [
        (MUG, 4, 3),
        (TEAPOT, 2, 1),
    ]
    assert await on_hand(shop) == {HARBOUR: 5}


async def test_a_repeat_of_either_is_harmless(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=10)
    office = await shop.office()
    transfer, again = [await sent(shop, mug=4, key="once", headers=office) for _ in range(2)]
    told = [
        await receive(shop, transfer, mug=2, key=key, headers=office)
        for key in ("first", "first", "another")
    ]

    assert again == transfer
    assert [one.json()["results"][0]["status"] for one in told] == [
        "applied",
        "applied",
        "duplicate",
    ]
    assert told[1].headers["Idempotent-Replayed"] == "true"
    assert await on_hand(shop) == {HARBOUR: 6, HILL: 2}


async def test_nothing_comes_that_was_not_sent_and_nothing_after_the_end(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=10)
    transfer = await sent(shop, mug=4)
    more = await receive(shop, transfer, mug=5)
    other = await receive(shop, transfer, teapot=1)
    await receive(shop, transfer, mug=3, close=True)
    late = await receive(shop, transfer, mug=4)
    repeat = await receive(shop, transfer, mug=3)

    assert [(one.status_code, one.json()["code"]) for one in (more, other, late)] == [
        (422, "not_sent"),
        (422, "not_sent"),
        (409, "transfer_closed"),
    ]
    assert repeat.json()["results"][0]["status"] == "duplicate"
    assert await on_hand(shop) == {HARBOUR: 6, HILL: 3}


@pytest.mark.parametrize(
    ("wrong", "pointer", "code"),
    [
        ({"to": HARBOUR}, "/to", "same_store"),
        ({"to": "moon"}, "/to", "unknown_store"),
        ({"origin": "moon"}, "/from", "unknown_store"),
        ({"mug": 0}, "/lines/0/quantity", "minimum"),
    ],
)
async def test_a_transfer_that_cannot_be_names_the_field(
    shop: Shop, wrong: dict[str, Any], pointer: str, code: str
):
    answer = await send(shop, **({"mug": 1} | wrong))

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["pointer"], error["code"]) == (422, pointer, code)


async def test_a_line_stands_there_once(shop: Shop):
    line = {"sku": MUG, "quantity": 1}
    answer = await shop.client.post(
        "/v1/stock/transfers",
        json={"from": HARBOUR, "to": HILL, "lines": [line, line]},
        headers=await shop.office() | {"Idempotency-Key": shop.fresh()},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "repeated_line")


async def test_each_end_is_its_own_stores_business(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=10)
    here, there = await shop.associate(HARBOUR), await shop.associate(HILL)
    stranger = await a_stranger(shop)
    foreign = await send(shop, mug=1, headers=there)
    transfer = await sent(shop, mug=4, headers=here)
    path = f"/v1/stock/transfers/{transfer}"
    seen = [await shop.client.get(path, headers=one) for one in (here, there, stranger)]
    by_sender = await receive(shop, transfer, mug=4, headers=here)
    by_receiver = await receive(shop, transfer, mug=4, headers=there)

    assert foreign.status_code == 404
    assert [one.status_code for one in seen] == [200, 200, 404]
    assert (by_sender.status_code, by_receiver.status_code) == (404, 200)


async def test_a_store_finds_what_is_on_its_way(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=10)
    first, second, third = [await sent(shop, mug=1) for _ in range(3)]
    await receive(shop, second, mug=1)

    async def listed(query: str, headers: Headers) -> list[str]:
        answer = await shop.client.get(f"/v1/stock/transfers{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    office, there = await shop.office(), await shop.associate(HILL)
    assert await listed("", there) == [first, third]
    assert await listed("?state=closed", there) == [second]
    assert await listed(f"?store={HARBOUR}&limit=1", office) == [first]
    assert await listed("", await a_stranger(shop)) == []
    foreign = await shop.client.get(f"/v1/stock/transfers?store={HARBOUR}", headers=there)
    assert foreign.status_code == 404


async def test_two_who_receive_at_once_receive_it_once(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=10)
    transfer = await sent(shop, mug=10)
    answers = await asyncio.gather(*(receive(shop, transfer, mug=8) for _ in range(8)))

    statuses = Counter(answer.json()["results"][0]["status"] for answer in answers)
    assert statuses == {"applied": 1, "duplicate": 7}
    assert await on_hand(shop) == {HARBOUR: 0, HILL: 8}
    assert await is_well(shop)


async def test_the_last_unit_is_sent_or_sold(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=1)
    page = await shop.page()
    carts = [await a_cart(shop, page, mug=1) for _ in range(10)]
    answers = await asyncio.gather(
        *(order(shop, cart) for cart in carts), *(send(shop, mug=1) for _ in range(10))
    )

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[409] == 19
    async with shop.units.read() as unit:
        found = (await unit.inventory.stock_levels.list_by_skus([MUG], [HARBOUR]))[HARBOUR, MUG]
    assert found.available == 0
    assert await is_well(shop)


async def test_transfers_that_cross_never_deadlock(shop: Shop):
    for store in (HARBOUR, HILL):
        await shelve(shop.units, store, mug=50, teapot=50)
    there = [await sent(shop, mug=2, teapot=2) for _ in range(5)]
    back = [await sent(shop, origin=HILL, to=HARBOUR, teapot=2, mug=2) for _ in range(5)]
    answers = await asyncio.gather(
        *(receive(shop, one, mug=2, teapot=2) for one in there + back),
        *(send(shop, teapot=1, mug=1) for _ in range(5)),
        *(send(shop, origin=HILL, to=HARBOUR, mug=1, teapot=1) for _ in range(5)),
    )

    assert {answer.status_code for answer in answers} == {200}
    assert await on_hand(shop) == {HARBOUR: 45, HILL: 45}
    assert await is_well(shop)
