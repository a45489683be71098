"""A store is disabled: nothing new begins there, and what was begun comes to its end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from msgspec.structs import replace

from domain.orders.store_closing import MAX_LISTED
from domain.stores.stores import StoreState
from service.inventory.holds import expire_holds
from service.orders.store_closing import close_drained_stores
from tests.support.api.cart_holds import hold as hold_cart
from tests.support.api.carts import a_cart
from tests.support.api.holds import hold, let_time_pass, line
from tests.support.api.orders import order
from tests.support.api.receipts import sale, statuses
from tests.support.api.store_closing import disable, enable
from tests.support.api.transfers import is_well, receive, send, sent
from tests.support.examples import ENGRAVING, HARBOUR, HILL, MUG, shelve
from tests.support.shop import Shop

NOTHING = {
    "orders_count": 0,
    "holds_count": 0,
    "transfers_count": 0,
    "orders": [],
    "holds": [],
    "transfers": [],
}


async def state(shop: Shop, store: str = HARBOUR) -> str:
    answer = await shop.client.get(f"/v1/stores/{store}", headers=await shop.page())
    return str(answer.json()["state"])


async def at_the_harbour(shop: Shop, sku: str = MUG) -> tuple[int | None, list[str]]:
    answer = await shop.client.get(
        f"/v1/availability/{sku}?store={HARBOUR}", headers=await shop.page()
    )
    [store] = answer.json()["stores"]
    return store["quantity"], store["pickup"]["reasons"]


async def test_a_store_with_nothing_open_is_closed_at_once_and_sells_nothing(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=3)
    await shelve(shop.units, HILL, mug=1)
    answer = await disable(shop)

    assert (answer.status_code, answer.json()) == (
        200,
        {"store": HARBOUR, "state": "closed", "open": NOTHING},
    )
    assert await at_the_harbour(shop) == (0, ["store_closed", "out_of_stock"])
    assert await at_the_harbour(shop, ENGRAVING) == (0, ["store_closed", "out_of_stock"])
    everywhere = await shop.client.get(f"/v1/availability/{MUG}", headers=await shop.page())
    assert everywhere.json()["ship"]["quantity"] == 1


async def test_what_is_open_stands_in_the_way_and_is_named(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=3)
    await shelve(shop.units, HILL, mug=3)
    page = await shop.page()
    ordered = (await order(shop, await a_cart(shop, page, mug=1))).json()
    held = (await hold(shop, page)).json()["id"]
    coming = await sent(shop, origin=HILL, to=HARBOUR, mug=1)
    answer = await disable(shop)

    assert (answer.status_code, answer.json()["code"]) == (409, "store_in_use")
    facts = {name: answer.json()[name] for name in NOTHING}
    assert facts == {
        "orders_count": 1,
        "holds_count": 1,
        "transfers_count": 1,
        "orders": [{"order": ordered["id"], "group": ordered["groups"][0]["pickup"]}],
        "holds": [held],
        "transfers": [coming],
    }
    assert await state(shop) == "active"


async def test_not_more_than_so_many_are_named_and_all_are_counted(shop: Shop):
    await shelve(shop.units, mug=MAX_LISTED + 1)
    page = await shop.page()
    await asyncio.gather(*(hold(shop, page) for _ in range(MAX_LISTED + 1)))
    told = (await disable(shop)).json()

    assert (told["holds_count"], len(told["holds"])) == (MAX_LISTED + 1, MAX_LISTED)


async def test_a_draining_store_begins_nothing_new(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=3)
    await shelve(shop.units, HILL, mug=3)
    page = await shop.page()
    await hold(shop, page)
    before = await disable(shop, drain=True)
    others = [
        await hold(shop, page),
        await hold(shop, page, line(ENGRAVING)),
        await order(shop, await a_cart(shop, page, mug=1), key="mug"),
        await order(shop, await a_cart(shop, page, engraving=1), key="engraving"),
        await hold_cart(shop, await a_cart(shop, page, mug=1)),
        await send(shop, origin=HILL, to=HARBOUR, mug=1),
    ]

    assert (before.json()["state"], before.json()["open"]["holds_count"]) == ("draining", 1)
    assert [(one.status_code, one.json()["code"]) for one in others] == [
        *[(409, "not_served")] * 5,
        (409, "store_disabled"),
    ]
    assert others[0].json()["errors"] == [{"store": HARBOUR, "code": "store_draining"}]
    assert await at_the_harbour(shop) == (0, ["store_draining", "out_of_stock"])


async def test_what_was_begun_at_a_draining_store_comes_to_its_end(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=5)
    await shelve(shop.units, HILL, mug=3)
    page, staff = await shop.page(), await shop.associate(HARBOUR)
    holder = await a_cart(shop, page, mug=1)
    await hold_cart(shop, holder)
    held = (await hold(shop, page)).json()["id"]
    coming = await sent(shop, origin=HILL, to=HARBOUR, mug=1)
    await disable(shop, drain=True)

    placed = await order(shop, holder)
    extended = await shop.client.post(
        f"/v1/holds/{held}/extend", json={"ttl_s": 1000}, headers=page
    )
    moved = await send(shop, origin=HARBOUR, to=HILL, mug=1)
    received = await receive(shop, coming, mug=1)
    sold = await statuses(shop, sale("r-1"))
    declined = await shop.client.post(
        f"/v1/pickups/{placed.json()['groups'][0]['pickup']}/decline",
        json={"reason": "not_found"},
        headers=staff | {"Idempotency-Key": shop.fresh()},
    )

    done = (placed, extended, moved, received, declined)
    assert [one.status_code for one in done] == [201, 200, 200, 200, 200]
    assert sold == ["applied"]


async def test_it_closes_by_itself_when_nothing_is_open_any_more(shop: Shop):
    await shelve(shop.units, mug=3)
    await hold(shop, await shop.page())
    await disable(shop, drain=True)
    too_early = (await close_drained_stores(shop.units), await state(shop))
    await let_time_pass(shop, 20)
    await expire_holds(shop.units)
    ran = (await close_drained_stores(shop.units), await close_drained_stores(shop.units))

    assert too_early == (0, "draining")
    assert (ran, await state(shop)) == ((1, 0), "closed")
    assert await is_well(shop)


async def test_goods_that_wait_to_be_put_back_are_open_and_so_is_a_service_to_be_done(shop: Shop):
    await shelve(shop.units, mug=1)
    page, staff = await shop.page(), await shop.associate(HARBOUR)
    cart, service = await a_cart(shop, page, mug=1), await a_cart(shop, page, engraving=1)
    ordered = [(await order(shop, one, key=one["id"])).json() for one in (cart, service)]
    [mug, engraving] = [one["groups"][0]["pickup"] for one in ordered]

    async def step(pickup: str, verb: str, **body: Any) -> None:
        key = {"Idempotency-Key": shop.fresh()}
        answer = await shop.client.post(
            f"/v1/pickups/{pickup}/{verb}", json=body, headers=staff | key
        )
        assert answer.status_code == 200, answer.text

    await step(mug, "pick", lines=[{"sku": MUG, "quantity": 1}])
    await step(mug, "decline", reason="damaged")
    counts = [(await disable(shop, drain=True)).json()["open"]["orders_count"]]
    await step(engraving, "decline", reason="not_found")
    counts.append((await disable(shop, drain=True)).json()["open"]["orders_count"])
    await step(mug, "put-back")

    assert counts == [2, 1]
    assert (await disable(shop)).json()["state"] == "closed"


async def test_who_asks_again_closes_it_too_once_nothing_is_open(shop: Shop):
    await shelve(shop.units, mug=3)
    page = await shop.page()
    held = (await hold(shop, page)).json()["id"]
    states = [(await disable(shop, drain=True)).json()["state"]]
    refused = await disable(shop)
    states.append(await state(shop))
    await shop.client.delete(f"/v1/holds/{held}", headers=page)
    states.append((await disable(shop)).json()["state"])
    states.append((await disable(shop, drain=True)).json()["state"])

    assert refused.json()["code"] == "store_in_use"
    assert states == ["draining", "draining", "closed", "closed"]


async def test_tills_of_a_closed_store_go_on_telling(shop: Shop):
    await shelve(shop.units, mug=3)
    await disable(shop)

    assert await statuses(shop, sale("r-1")) == ["applied"]
    assert await state(shop) == "closed"


async def test_a_store_that_is_enabled_sells_again(shop: Shop):
    await shelve(shop.units, mug=3)
    await disable(shop)
    answer = await enable(shop)
    again = await enable(shop)

    assert (answer.json()["state"], again.json()["state"]) == ("active", "active")
    assert await at_the_harbour(shop) == (3, [])
    assert (await hold(shop, await shop.page())).status_code == 201


async def test_a_repeat_under_its_key_is_answered_as_the_first_time(shop: Shop):
    headers = await shop.office() | {"Idempotency-Key": "once"}
    first = await disable(shop, headers=headers)
    await enable(shop)
    again = await disable(shop, headers=headers)

    assert (first.json(), again.headers["Idempotent-Replayed"]) == (again.json(), "true")
    assert await state(shop) == "active"


async def test_a_store_that_nobody_knows_cannot_be_disabled(shop: Shop):
    for answer in (await disable(shop, store="moon"), await enable(shop, "moon")):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_store")


async def test_an_import_changes_nothing_of_a_store_being_disabled(shop: Shop):
    await disable(shop)
    answer = await shop.client.post(
        "/v1/imports/stores",
        content=f"store,name,state\n{HARBOUR},Harbour Street,active\n",
        headers=await shop.office() | {"Content-Type": "text/csv"},
    )

    assert answer.json()["accepted"] == 1, answer.text
    assert await state(shop) == "closed"


async def test_the_audit_sees_what_is_claimed_at_a_closed_store(shop: Shop):
    await shelve(shop.units, mug=3)
    await hold(shop, await shop.page())
    async with shop.units.begin() as unit:
        await unit.connection.execute("update stores set state = 'closed'")
    report = (await shop.client.get("/v1/audit", headers=await shop.office("audit"))).json()
    broken = [one["name"] for one in report["invariants"] if not one["ok"]]

    assert broken == ["closed_stores_have_no_open_work"]


# --- at the same moment ---------------------------------------------------------------------------


async def holding(shop: Shop) -> Any:
    return await hold(shop, await shop.page())


async def ordering(shop: Shop) -> Any:
    return await order(shop, await a_cart(shop, await shop.page(), mug=1), key=shop.fresh())


async def ordering_a_service(shop: Shop) -> Any:
    cart = await a_cart(shop, await shop.page(), engraving=1)
    return await order(shop, cart, key=shop.fresh())


async def holding_a_cart(shop: Shop) -> Any:
    return await hold_cart(shop, await a_cart(shop, await shop.page(), mug=1))


async def sending(shop: Shop) -> Any:
    return await send(shop, origin=HILL, to=HARBOUR, mug=1)


Claim = Callable[[Shop], Coroutine[Any, Any, Any]]
CLAIMS = (holding, ordering, ordering_a_service, holding_a_cart, sending)


@pytest.mark.parametrize("claim", CLAIMS)
async def test_a_claim_that_comes_while_a_store_is_being_disabled_waits_and_is_refused(
    shop: Shop, claim: Claim
):
    await shelve(shop.units, HARBOUR, mug=3)
    await shelve(shop.units, HILL, mug=3)
    async with shop.units.begin() as unit:
        [before] = (await unit.stores.stores.lock([HARBOUR])).values()
        assert (await unit.orders.store_closing.get_open_work(HARBOUR)).is_empty
        claiming = asyncio.create_task(claim(shop))
        await asyncio.wait({claiming}, timeout=0.5)
        await unit.stores.stores.upsert([replace(before, state=StoreState.CLOSED)])

    assert (await claiming).json()["code"] in {"not_served", "store_disabled"}
    assert await is_well(shop)


@pytest.mark.parametrize("claim", CLAIMS)
async def test_of_claims_and_a_closing_that_come_at_once_none_is_left_behind(
    shop: Shop, claim: Claim
):
    await shelve(shop.units, HARBOUR, mug=50)
    await shelve(shop.units, HILL, mug=50)
    for _ in range(4):
        closing, *_ = await asyncio.gather(disable(shop), *(claim(shop) for _ in range(6)))
        open_there = (await disable(shop, drain=True)).json()["open"]

        assert (closing.status_code == 200) == (open_there == NOTHING)
        assert await is_well(shop)
        await let_go_of_everything(shop)
        await enable(shop)


async def let_go_of_everything(shop: Shop) -> None:
    """Holds lapse, transfers are received, orders are declined."""
    await let_time_pass(shop, 60)
    await expire_holds(shop.units)
    told = (await disable(shop, drain=True)).json()["open"]
    for transfer in told["transfers"]:
        await receive(shop, transfer, close=True)
    staff = await shop.associate(HARBOUR)
    for one in told["orders"]:
        await shop.client.post(
            f"/v1/pickups/{one['pickup']}/decline",
            json={"reason": "not_found"},
            headers=staff | {"Idempotency-Key": shop.fresh()},
        )
