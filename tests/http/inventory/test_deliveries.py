"""What suppliers are expected to bring: announced, put off, cancelled, received bit by bit."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.kernel.errors import Invalid
from tests.support.api.deliveries import Headers, announce, announced, in_days, receive
from tests.support.api.receipts import sound
from tests.support.api.transfers import send
from tests.support.examples import HARBOUR, HILL, MUG, TEA_SET, TEAPOT, a_product, shelve
from tests.support.shop import Shop


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.api.deliveries.TODAY", datetime.now(UTC).date())


async def cancel(shop: Shop, delivery: str) -> Any:
    path = f"/v1/stock/deliveries/{delivery}/cancel"
    return await shop.client.post(path, headers=await shop.office())


async def look(shop: Shop, delivery: str) -> Any:
    path = f"/v1/stock/deliveries/{delivery}"
    return (await shop.client.get(path, headers=await shop.office())).json()


async def lies(shop: Shop, sku: str = MUG, store: str = HARBOUR) -> tuple[int, list[Any]]:
    path = f"/v1/stock/{sku}?store={store}"
    items = (await shop.client.get(path, headers=await shop.office())).json()["items"]
    [item] = items or [{"on_hand": 0, "incoming": []}]
    return item["on_hand"], [(one["on"], one["quantity"]) for one in item["incoming"]]


async def by(shop: Shop, day: str, sku: str = MUG) -> Any:
    path = f"/v1/availability/{sku}?by={day}"
    answer = await shop.client.get(path, headers=await shop.page())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_is_announced_lies_nowhere_until_it_is_received(shop: Shop):
    delivery = await announced(shop, mug=10)
    waiting = await lies(shop)
    first = await receive(shop, delivery, mug=4)
    partly = await lies(shop)
    await receive(shop, delivery, mug=10)
    ledger = await shop.client.get(f"/v1/stock/{MUG}/movements", headers=await shop.office())

    assert waiting == (0, [(in_days(3), 10)])
    assert first.json()["results"] == [{"status": "applied", "on_hand": 4, "version": 2}]
    assert partly == (4, [(in_days(3), 6)])
    assert await lies(shop) == (10, [])
    assert (await look(shop, delivery))["state"] == "closed"
    moved = [(one["kind"], one["on_hand"]) for one in ledger.json()["items"]]
    assert moved == [("received", 6), ("received", 4)]
    assert await sound(shop)


async def test_it_is_closed_with_what_never_came(shop: Shop):
    delivery = await announced(shop, mug=10, teapot=2)
    await receive(shop, delivery, mug=8, close=True)
    seen = await look(shop, delivery)
    late = await receive(shop, delivery, mug=9)
    repeat = await receive(shop, delivery, mug=8)

    lines = [(line["received"], line["incoming"], line["discrepancy"]) for line in seen["lines"]]
    assert (seen["state"], lines) == ("closed", [(8, 0, 2), (0, 0, 2)])
    assert (late.status_code, late.json()["code"]) == (409, "delivery_closed")
    assert repeat.json()["results"][0]["status"] == "duplicate"
    assert await lies(shop) == (8, [])
    assert await sound(shop)


async def test_more_than_expected_may_come_and_nothing_else(shop: Shop):
    delivery = await announced(shop, mug=10)
    other = await receive(shop, delivery, mug=12, teapot=1)
    more = await receive(shop, delivery, mug=12)

    assert (other.status_code, other.json()["code"]) == (422, "not_expected")
    assert more.json()["results"][0]["on_hand"] == 12
    assert await sound(shop)


async def test_eight_who_receive_at_once_receive_it_once(shop: Shop):
    delivery = await announced(shop, mug=10)
    answers = await asyncio.gather(*(receive(shop, delivery, mug=8) for _ in range(8)))

    statuses = Counter(answer.json()["results"][0]["status"] for answer in answers)
    assert statuses == {"applied": 1, "duplicate": 7}
    assert await lies(shop) == (8, [(in_days(3), 2)])


async def test_it_is_put_off_by_day_or_hour_in_the_stores_own_calendar(shop: Shop):
    delivery = await announced(shop, mug=10)
    path = f"/v1/stock/deliveries/{delivery}"
    late = f"{in_days(5)}T23:30:00Z"  # past midnight in Stockholm
    put_off = await shop.client.patch(path, json={"due_at": late}, headers=await shop.office())
    both = await shop.client.patch(
        path, json={"due_at": late, "due_on": in_days(5)}, headers=await shop.office()
    )

    assert put_off.json()["due_on"] == in_days(6)
    assert (both.status_code, both.json()["errors"][0]["code"]) == (422, "due_on_or_due_at")
    assert await lies(shop) == (0, [(in_days(6), 10)])
    assert await sound(shop)


async def test_it_is_cancelled_while_nothing_has_come(shop: Shop):
    one, other = await announced(shop, mug=10), await announced(shop, mug=5)
    await receive(shop, other, mug=1)
    done = [await cancel(shop, one) for _ in range(2)]
    late = await cancel(shop, other)
    dead = await receive(shop, one, mug=1)

    assert [answer.json()["state"] for answer in done] == ["cancelled", "cancelled"]
    assert (late.status_code, late.json()["code"]) == (409, "already_received")
    assert (dead.status_code, dead.json()["code"]) == (409, "delivery_closed")
    assert await lies(shop) == (1, [(in_days(3), 4)])


async def test_what_a_store_waits_for_is_found_and_foreign_stores_are_not(shop: Shop):
    office, here = await shop.office(), await shop.associate(HARBOUR)
    there = await shop.associate(HILL)
    first, second = await announced(shop, mug=1), await announced(shop, mug=2)
    await receive(shop, first, mug=1, headers=here)

    async def listed(query: str, headers: Headers) -> list[str]:
        answer = await shop.client.get(f"/v1/stock/deliveries{query}", headers=headers)
        return [one["id"] for one in answer.json()["items"]]

    assert await listed("", here) == [second]
    assert await listed("?state=closed", office) == [first]
    assert await listed("", there) == []
    assert (await receive(shop, second, mug=2, headers=there)).status_code == 404
    foreign = await shop.client.get(f"/v1/stock/deliveries/{second}", headers=there)
    assert foreign.status_code == 404


@pytest.mark.parametrize(
    ("wrong", "pointer", "code"),
    [
        ({"due": {"store": "moon", "due_on": "2030-01-01"}}, "/store", "unknown_store"),
        ({"due": {"due_on": None}}, "/due_on", "due_on_or_due_at"),
        ({"due": {"due_at": "1066-01-01T00:00:00Z"}}, "/due_at", "out_of_range"),
        ({"mug": 0}, "/lines/0/quantity", "minimum"),
    ],
)
async def test_a_delivery_that_cannot_be_names_the_field(
    shop: Shop, wrong: dict[str, Any], pointer: str, code: str
):
    answer = await announce(shop, **({"mug": 1} | wrong))

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["pointer"], error["code"]) == (422, pointer, code)


async def test_what_can_be_promised_by_a_day_is_what_is_there_and_what_is_due(shop: Shop):
    await shelve(shop.units, mug=2)
    await announced(shop, due={"due_on": in_days(3)}, mug=10)
    await announced(shop, due={"due_on": in_days(9)}, mug=100)
    await announced(shop, due={"due_on": in_days(-2)}, mug=1000)
    soon, later = await by(shop, in_days(5)), await by(shop, in_days(9))

    assert soon["ship"]["quantity"] == 2
    assert soon["promisable"] == {
        "by": in_days(5),
        "quantity": 12,
        "incoming": [{"on": in_days(3), "quantity": 10}],
    }
    assert later["stores"][0]["promisable"]["quantity"] == 112


async def test_what_is_due_is_first_for_those_who_were_promised_too_much(shop: Shop):
    await shelve(shop.units, mug=-3)
    await announced(shop, mug=10)

    assert (await by(shop, in_days(3)))["promisable"]["quantity"] == 7


async def test_a_kit_can_be_promised_as_often_as_its_scarcest_part_allows(shop: Shop):
    await shelve(shop.units, mug=2, teapot=5)
    await announced(shop, mug=6)

    assert (await by(shop, in_days(3), TEA_SET))["promisable"]["quantity"] == 4


async def test_goods_between_stores_come_in_by_the_day_that_was_named(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=10)
    unknown_day = await send(shop, mug=4)
    body = {"from": HARBOUR, "to": HILL, "lines": [{"sku": MUG, "quantity": 3}]}
    named_day = await shop.client.post(
        "/v1/stock/transfers",
        json=body | {"due_on": in_days(1)},
        headers=await shop.office() | {"Idempotency-Key": shop.fresh()},
    )
    promised = await by(shop, in_days(2))

    assert (unknown_day.status_code, named_day.status_code) == (200, 200)
    assert await lies(shop, store=HILL) == (0, [(in_days(1), 3), (None, 4)])
    assert {one["store"]: one["promisable"]["quantity"] for one in promised["stores"]} == {
        HARBOUR: 3,
        HILL: 3,
    }
    assert await sound(shop)


def test_no_sku_is_called_as_the_list_of_deliveries():
    with pytest.raises(Invalid, match="reserved"):
        a_product("deliveries")


async def test_an_unknown_sku_is_not_announced(shop: Shop):
    answer = await announce(shop, ghost=1)

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_sku")
    assert await lies(shop, TEAPOT) == (0, [])
