"""Goods that are on hand and not for sale, by why they are not."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.api.receipts import sound
from tests.support.api.receipts import tell as ring_up
from tests.support.api.stocktaking import line, results
from tests.support.examples import HARBOUR, HILL, MUG, TEA_SET, TEAPOT, shelve
from tests.support.shop import Shop


async def lies(shop: Shop, sku: str = MUG, query: str = "") -> dict[str, Any]:
    path = f"/v1/stock/{sku}?store={HARBOUR}{query}"
    answer = await shop.client.get(path, headers=await shop.office())
    assert answer.status_code == 200, answer.text
    [item] = answer.json()["items"]
    found: dict[str, Any] = item
    return found


async def test_why_goods_are_not_for_sale_is_told_and_comes_to_what_is_unavailable(shop: Shop):
    await shelve(shop.units, mug=10)
    await results(
        shop,
        "adjustments",
        line(delta=3, reason="blocked", condition="display"),
        line(delta=2, reason="blocked"),
        line(delta=1, reason="unblocked", condition="display"),
    )
    level = await lies(shop)
    staff = await shop.client.get(
        f"/v1/availability/{MUG}?explain=true&store={HARBOUR}",
        headers=await shop.associate(HARBOUR),
    )
    office = await shop.office()
    ledger = (await shop.client.get(f"/v1/stock/{MUG}/movements", headers=office)).json()["items"]

    assert (level["unavailable"], level["conditions"]) == (4, {"quality_check": 2, "display": 2})
    explained = staff.json()["stores"][0]["explain"]
    assert (explained["sellable"], explained["conditions"]) == (6, level["conditions"])
    assert [one["conditions"] for one in ledger] == [
        {"display": -1},
        {"quality_check": 2},
        {"display": 3},
        {},
    ]
    assert await sound(shop)


async def test_no_more_leaves_a_condition_than_is_in_it_and_it_is_named(shop: Shop):
    await shelve(shop.units, mug=10)
    told = await results(
        shop,
        "adjustments",
        line(delta=3, reason="blocked", condition="display"),
        line(delta=2, reason="unblocked", condition="display"),
        line(delta=2, reason="unblocked", condition="display"),
        line(delta=1, reason="unblocked"),
    )

    assert [one.get("code", "applied") for one in told] == [
        "applied",
        "applied",
        "not_blocked",
        "not_blocked",
    ]
    assert [one["detail"] for one in told[2:]] == [
        "Only 1 are blocked as display.",
        "Only 0 are blocked as quality_check.",
    ]
    assert (await lies(shop))["conditions"] == {"display": 1}


async def test_goods_may_come_and_go_in_a_condition(shop: Shop):
    await shelve(shop.units, mug=10)
    told = await results(
        shop,
        "adjustments",
        line(delta=3, reason="found", condition="damaged"),
        line(delta=-2, reason="written_off", condition="damaged"),
        line(delta=-2, reason="written_off", condition="damaged"),
    )
    level = await lies(shop)

    assert [one["status"] for one in told] == ["applied", "applied", "rejected"]
    assert (level["on_hand"], level["conditions"]) == (11, {"damaged": 1})
    assert await sound(shop)


async def test_a_reference_stands_for_its_condition_too(shop: Shop):
    blocked = line(delta=3, reason="blocked", condition="display", reference="window")
    told = [
        await results(shop, "adjustments", blocked),
        await results(shop, "adjustments", blocked),
        await results(shop, "adjustments", blocked | {"condition": "quarantine"}),
    ]

    assert [one.get("code", one["status"]) for [one] in told] == [
        "applied",
        "duplicate",
        "reference_reused",
    ]


async def test_a_condition_that_nobody_knows_is_named(shop: Shop):
    told = await results(
        shop,
        "adjustments",
        line(delta=1, reason="blocked", condition="dusty"),
        line(delta=1, reason="blocked"),
    )

    assert [one.get("code", one["status"]) for one in told] == ["not_allowed", "applied"]


async def test_what_comes_back_to_a_till_lies_under_what_became_of_it(shop: Shop):
    ends = ["sellable", "damaged", "quarantine", "missing"]
    back = [{"sku": MUG, "quantity": 1, "disposition": end} for end in ends]
    back.append({"sku": TEA_SET, "quantity": 1, "disposition": "damaged"})
    now = datetime.now(UTC).isoformat()
    await ring_up(shop, {"id": "r-1", "kind": "return", "occurred_at": now, "lines": back})
    mugs, pots = await lies(shop), await lies(shop, TEAPOT)

    assert (mugs["on_hand"], mugs["conditions"]) == (5, {"damaged": 3, "quarantine": 1})
    assert (pots["on_hand"], pots["conditions"]) == (1, {"damaged": 1})
    assert await sound(shop)


async def test_the_past_knows_why_goods_were_not_for_sale(shop: Shop):
    await results(shop, "adjustments", line(delta=3, reason="blocked", condition="display"))
    between = datetime.now(UTC).isoformat().replace("+", "%2B")
    await results(shop, "adjustments", line(delta=3, reason="unblocked", condition="display"))

    assert (await lies(shop, query=f"&at={between}"))["conditions"] == {"display": 3}
    assert (await lies(shop))["conditions"] == {}


@pytest.mark.parametrize(
    "broken", ["delete from stock_conditions", "update stock_conditions set units = 9"]
)
async def test_the_books_put_conditions_right_by_their_ledger(shop: Shop, broken: str):
    await results(
        shop, "adjustments", line(store=HILL, delta=3, reason="blocked", condition="display")
    )
    async with shop.units.begin() as unit:
        await unit.connection.execute(broken)
    async with shop.units.begin() as unit:
        repairs = await unit.administration.audit.repair()

    assert "conditions_are_what_was_moved" in {one.invariant for one in repairs}
    assert await sound(shop)
