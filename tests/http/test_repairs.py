"""What else follows from it when a repair sets the figures of a shelf."""

from typing import Any

from domain.audit import Repair
from tests.examples import HARBOUR, MUG, shelve
from tests.http.shop import Shop
from tests.http.test_audit import order


async def meddle(shop: Shop, statement: str) -> None:
    async with shop.units.begin() as unit:
        await unit.connection.execute(statement)


async def repair(shop: Shop) -> list[Repair]:
    async with shop.units.begin() as unit:
        repairs: list[Repair] = await unit.audit.repair()
    return repairs


async def is_well(shop: Shop) -> bool:
    async with shop.units.read() as unit:
        assert [one for one in await unit.audit.look() if not one.ok] == []
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
    await meddle(shop, "update stock set on_hand = on_hand + 5")
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
    await meddle(shop, "update stock set on_hand = on_hand - 4 where sku = 'MUG'")
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
