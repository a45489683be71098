from tests.support.examples import HARBOUR, HILL, MUG
from tests.support.shop import Shop

PATH = f"/v1/stores/{HARBOUR}/walk-ins"


async def test_the_office_decides_and_the_store_sees_it(shop: Shop):
    office = await shop.office()
    policy = {"active": True, "floor": 1, "cap": 4}
    before = await shop.client.get(PATH, headers=office)
    decided = await shop.client.put(PATH, json=policy, headers=office)
    seen = await shop.client.get(PATH, headers=await shop.associate(HARBOUR))
    foreign = await shop.client.get(PATH, headers=await shop.associate(HILL))

    assert before.json()["active"] is False
    assert (decided.json(), seen.json(), foreign.status_code) == (policy, policy, 404)


async def test_a_policy_that_cannot_be_names_the_field(shop: Shop):
    office = await shop.office()
    upside_down = await shop.client.put(PATH, json={"floor": 5, "cap": 4}, headers=office)
    nowhere = await shop.client.put(
        "/v1/stores/moon/walk-ins", json={"active": True}, headers=office
    )

    assert [error["pointer"] for error in upside_down.json()["errors"]] == ["/floor"]
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "unknown_store")


async def test_a_file_that_names_a_safety_stock_sets_it_by_hand(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.connection.execute(
            "insert into walk_in_safety_stock (store, sku, manual_safety_stock)"
            " values ('harbour', 'MUG', 1)"
        )
    for line in ("harbour,MUG,5,", "harbour,MUG,6,3"):
        await shop.client.post(
            "/v1/imports/stock",
            content=f"store,sku,on_hand,safety_stock\n{line}\n",
            headers=await shop.office() | {"Content-Type": "text/csv"},
        )
    async with shop.units.read() as unit:
        left = await unit.connection.fetchval("select count(*) from walk_in_safety_stock")
        level = (await unit.inventory.stock_levels.list_by_skus([MUG], [HARBOUR]))[HARBOUR, MUG]

    assert (left, level.safety_stock) == (0, 3)
