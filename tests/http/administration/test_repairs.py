"""What else follows from it when a repair sets the figures of a shelf."""

from typing import Any

import pytest

from domain.administration.audit import Repair
from tests.support.api.audit import order
from tests.support.api.deliveries import announced, receive
from tests.support.api.transfers import sent
from tests.support.examples import HARBOUR, MUG, shelve
from tests.support.shop import Shop


async def meddle(shop: Shop, statement: str) -> None:
    async with shop.units.begin() as unit:
        await unit.connection.execute(statement)


async def repair(shop: Shop) -> list[Repair]:
    async with shop.units.begin() as unit:
        repairs: list[Repair] = await unit.administration.audit.repair()
    return repairs


async def is_well(shop: Shop) -> bool:
    async with shop.units.read() as unit:
        assert [one for one in await unit.administration.audit.check() if not one.ok] == []
    return True


async def incidents(shop: Shop, state: str = "open") -> list[dict[str, Any]]:
    answer = await shop.client.get(
        f"/v1/stores/{HARBOUR}/incidents",
        params={"state": state},
        headers=await shop.till(HARBOUR),
    )
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["items"] if one["kind"] == "oversold"]


async def test_a_shelf_that_a_repair_finds_short_has_its_incident_and_names_who_waits(shop: Shop):
    await shelve(shop.units, mug=2)
    await meddle(shop, "update stock_levels set on_hand = on_hand + 5")
    for number in range(3):
        await order(shop, await shop.customer(f"sample-{number + 2}"), {MUG: 2})
    before = await incidents(shop)
    await repair(shop)
    [incident] = await incidents(shop)

    assert before == []
    assert (incident["sku"], incident["units"]) == (MUG, 4)
    assert sum(one["units"] for one in incident["orders"]) == 4
    assert await is_well(shop)


async def test_a_shelf_that_a_repair_finds_in_order_has_its_incident_settled(shop: Shop):
    await shelve(shop.units, mug=5, teapot=1)
    await order(shop, await shop.customer("sample-2"), {MUG: 2})
    await meddle(shop, "update stock_levels set on_hand = on_hand - 4 where sku = 'MUG'")
    sold = {"id": "r-1", "kind": "sale", "occurred_at": "2026-11-23T10:00:00Z"}
    told = await shop.client.post(
        f"/v1/stores/{HARBOUR}/sales",
        json={"sales": [sold | {"lines": [{"sku": MUG, "quantity": 1}]}]},
        headers=await shop.till(HARBOUR),
    )
    assert told.status_code == 200, told.text
    before = await incidents(shop)
    await repair(shop)

    assert [one["units"] for one in before] == [2]
    assert await incidents(shop) == []
    assert [one["settled_by"] for one in await incidents(shop, "settled")] == ["hylla"]
    assert await is_well(shop)


async def test_a_shelf_that_was_gone_keeps_back_what_it_was_told_to(shop: Shop):
    await brought_in(shop, 9, safety=4)
    await meddle(shop, "delete from stock_levels")
    async with shop.units.begin() as unit:
        rehearsed = await unit.administration.audit.plan_repairs()
    repaired = await repair(shop)
    office = await shop.office("stock")
    level = await shop.client.get(f"/v1/stock/{MUG}", headers=office)
    ledger = await shop.client.get(f"/v1/stock/{MUG}/movements", headers=office)

    [item] = level.json()["items"]
    assert (item["on_hand"], item["safety_stock"]) == (9, 4)
    assert [(one.invariant, one.broken) for one in repaired] == [
        (one.invariant, one.broken) for one in rehearsed
    ]
    assert {(one.invariant, one.broken.expected) for one in repaired} == {
        ("on_hand_is_what_was_moved", 9),
        ("safety_stock_is_what_was_reported", 4),
    }
    assert ledger.json()["items"][0]["repaired"] == {
        "on_hand": {"was": 0, "set_to": 9},
        "safety_stock": {"was": 0, "set_to": 4},
    }
    assert await repair(shop) == []
    assert await is_well(shop)


async def test_a_repair_leaves_the_safety_stock_of_a_shelf_that_is_there(shop: Shop):
    await brought_in(shop, 9, safety=4)
    await meddle(shop, "update stock_levels set safety_stock = 2, on_hand = 7")
    repaired = await repair(shop)
    level = await shop.client.get(f"/v1/stock/{MUG}", headers=await shop.office("stock"))

    assert [one.invariant for one in repaired] == ["on_hand_is_what_was_moved"]
    assert level.json()["items"][0]["safety_stock"] == 2


async def brought_in(shop: Shop, on_hand: int, safety: int) -> None:
    told = await shop.client.post(
        "/v1/imports/stock",
        json=[{"store": HARBOUR, "sku": MUG, "on_hand": on_hand, "safety_stock": safety}],
        headers=await shop.office() | {"Idempotency-Key": shop.fresh()},
    )
    assert told.status_code == 200, told.text


@pytest.mark.parametrize(
    "meddling",
    [
        "delete from incoming_stock",
        "update incoming_stock set units = units + 3",
        "update incoming_stock set due_on = '2030-01-01'",
        "update incoming_stock set source = 'del_none' where sku = 'MUG'",
    ],
)
async def test_what_is_on_its_way_is_set_to_what_deliveries_and_transfers_still_bring(
    shop: Shop, meddling: str
):
    await shelve(shop.units, teapot=3)
    await sent(shop, teapot=2)
    await announced(shop, mug=6)
    await receive(shop, await announced(shop, teapot=4), teapot=3)
    before = await on_its_way(shop)
    await meddle(shop, meddling)
    async with shop.units.begin() as unit:
        rehearsed = await unit.administration.audit.plan_repairs()
    meddled = await on_its_way(shop)
    repaired = await repair(shop)

    assert len(before) == 3
    assert meddled != before
    assert await on_its_way(shop) == before
    assert {one.invariant for one in repaired} == {"incoming_is_what_is_on_its_way"}
    assert [one.broken for one in repaired] == [one.broken for one in rehearsed]
    assert await repair(shop) == []
    assert await is_well(shop)


async def on_its_way(shop: Shop) -> list[tuple[Any, ...]]:
    """Row for row."""
    async with shop.units.read() as unit:
        rows = await unit.connection.fetch(
            "select store, sku, source, units, due_on from incoming_stock order by source, sku"
        )
    return [tuple(row) for row in rows]


async def test_a_repair_of_what_is_on_its_way_moves_nothing_on_the_shelf(shop: Shop):
    await announced(shop, mug=6)
    await meddle(shop, "update incoming_stock set units = 1")
    await repair(shop)
    ledger = await shop.client.get(f"/v1/stock/{MUG}/movements", headers=await shop.office("stock"))

    assert ledger.json()["items"] == []
