"""The main job, told from start to end through the public API only."""

from tests.support.examples import HARBOUR, HILL, MUG, TEA_SET, TEAPOT, shelve
from tests.support.shop import Shop


async def test_a_guest_becomes_a_customer_orders_collects_and_sees_the_points(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=5, teapot=2)
    await shelve(shop.units, HILL, mug=1)
    api, page, me = shop.client, await shop.page(), await shop.customer()
    till = await shop.till(HARBOUR)

    seen = await api.get(f"/v1/availability/{TEA_SET}", headers=page)
    assert seen.json()["ship"] == {"status": "low_stock", "quantity": 2}

    started = await api.post("/v1/carts", json={"currency": "SEK"}, headers=page)
    assert started.status_code == 201, started.text
    guest = page | {"Cart-Token": started.json()["token"]}
    cart = started.json()["id"]
    here = {"method": "pickup", "store": HARBOUR}
    put = await api.put(
        f"/v1/carts/{cart}/lines/{TEA_SET}", json={"quantity": 1, "fulfilment": here}, headers=guest
    )
    assert put.status_code == 200, put.text

    claimed = await api.post(
        f"/v1/carts/{cart}/claim", json={}, headers=me | {"Cart-Token": started.json()["token"]}
    )
    assert claimed.status_code == 200, claimed.text
    assert claimed.json()["changes"] == [
        {"sku": TEA_SET, "code": "added", "quantity": 1, "not_added": 0, "fulfilment": here}
    ]
    assert (await api.get(f"/v1/carts/{cart}", headers=guest)).status_code == 404

    order = {
        "contact": {"name": "Sample Customer", "email": "sample-1@example.com"},
        "payment": {"method": "pay_at_pickup"},
    }
    once = me | {"Idempotency-Key": "click-1"}
    placed = await api.post(f"/v1/carts/{cart}/checkout", json=order, headers=once)
    assert placed.status_code == 201, placed.text
    again = await api.post(f"/v1/carts/{cart}/checkout", json=order, headers=once)
    assert (again.status_code, again.json()) == (201, placed.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert placed.json()["points"] == {"to_earn": 265}

    rewards = (await api.get("/v1/me/rewards", headers=me)).json()
    assert rewards["balance"] == {"available": 0, "pending": 265, "held": 0, "debt": 0}

    pickup = placed.json()["groups"][0]["pickup"]
    left = (await api.get(f"/v1/availability/{MUG}", headers=page)).json()
    assert left["ship"]["quantity"] == 4  # two of six went into the set

    work = (await api.get(f"/v1/stores/{HARBOUR}/pickups", headers=till)).json()
    assert [item["id"] for item in work["items"]] == [pickup]
    for verb, body in (
        ("accept", {}),
        ("pick", {"lines": [{"sku": TEA_SET, "quantity": 1}]}),
        ("ready", {"bin": "A1"}),
    ):
        done = await api.post(f"/v1/pickups/{pickup}/{verb}", json=body, headers=till)
        assert done.status_code == 200, done.text

    mine = (await api.get(f"/v1/pickups/{pickup}", headers=me)).json()
    assert mine["state"] == "ready"
    wrong = await api.post(
        f"/v1/pickups/{pickup}/handover",
        json={"code": "WRONG"},
        headers=till | {"Idempotency-Key": "try"},
    )
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_code")
    found = await api.post(
        f"/v1/stores/{HARBOUR}/pickups/identify", json={"code": mine["code"]}, headers=till
    )
    assert found.json()["id"] == pickup
    given = await api.post(
        f"/v1/pickups/{pickup}/handover",
        json={"code": mine["code"]},
        headers=till | {"Idempotency-Key": "give"},
    )
    assert given.status_code == 200, given.text
    assert given.json()["state"] == "collected"

    rewards = (await api.get("/v1/me/rewards", headers=me)).json()
    assert rewards["balance"] == {"available": 265, "pending": 0, "held": 0, "debt": 0}
    async with shop.units.read() as unit:
        level = (await unit.inventory.stock_levels.list_by_skus([TEAPOT, MUG], [HARBOUR]))[
            HARBOUR, MUG
        ]
    assert (level.on_hand, level.allocated, level.staged) == (3, 0, 0)
