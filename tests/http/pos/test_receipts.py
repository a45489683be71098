"""Tills tell what happened; nothing of it is refused, and nothing counts twice."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.foundation.callers import Role
from tests.support.api.receipts import (
    ago,
    back,
    count,
    incidents,
    level,
    line,
    post,
    sale,
    sound,
    statuses,
    tell,
)
from tests.support.examples import ENGRAVING, HARBOUR, HILL, MUG, TEA_SET, TEAPOT, a_product, shelve
from tests.support.shop import Shop


async def order(shop: Shop, me: dict[str, str], **lines: int) -> str:
    """An order for pickup at the harbour."""
    client = shop.client
    cart = (await client.post("/v1/carts", json={"currency": "SEK"}, headers=me)).json()["id"]
    for sku, quantity in lines.items():
        wish = {"quantity": quantity, "fulfilment": {"method": "pickup", "store": HARBOUR}}
        await client.put(f"/v1/carts/{cart}/lines/{sku.upper()}", json=wish, headers=me)
    placed = await client.post(
        f"/v1/carts/{cart}/checkout",
        json={
            "contact": {"name": "Sample Customer", "email": "sample-1@example.com"},
            "payment": {"method": "pay_at_pickup"},
        },
        headers=me | {"Idempotency-Key": cart},
    )
    return str(placed.json().get("id", ""))


async def test_a_till_may_sell_what_we_did_not_know_we_had(shop: Shop):
    await shelve(shop.units, mug=1)
    told = await tell(shop, sale("r-1", line(MUG, 3), line(MUG), line(TEAPOT)))
    office = await shop.office()
    ledger = (await shop.client.get(f"/v1/stock/{MUG}/movements", headers=office)).json()["items"]

    assert told == [{"id": "r-1", "status": "applied", "conflicts": []}]
    assert (await level(shop, MUG), await level(shop, TEAPOT)) == ((-3, 0), (-1, 0))
    assert (ledger[0]["kind"], ledger[0]["on_hand"], ledger[0]["cause"]) == (
        "sale",
        -4,
        "receipt:r-1",
    )
    assert datetime.fromisoformat(ledger[0]["occurred_at"]) == datetime.fromisoformat(ago(30))
    assert await sound(shop)


async def test_a_receipt_counts_once_however_often_it_comes(shop: Shop):
    await shelve(shop.units, mug=10)
    receipt = sale("r-1", line(MUG, 2))
    elsewhen = receipt | {
        "occurred_at": datetime.fromisoformat(receipt["occurred_at"])
        .astimezone(tz=None)
        .isoformat()
    }
    first = await statuses(shop, receipt, sale("r-2"), receipt)
    again = await statuses(shop, elsewhen, sale("r-3"), sale("r-2"))

    assert first == ["applied", "applied", "duplicate"]
    assert again == ["duplicate", "applied", "duplicate"]
    assert await level(shop) == (10 - 2 - 1 - 1, 0)


async def test_an_id_that_comes_with_other_content_is_told(shop: Shop):
    first = await statuses(shop, sale("r-1"), sale("r-1", line(MUG, 2)), sale("r-1"))
    later = await statuses(shop, sale("r-1", line(TEAPOT)), sale("r-1"))

    assert first == ["applied", "id_reused", "duplicate"]
    assert later == ["id_reused", "duplicate"]
    assert (await level(shop, MUG), await level(shop, TEAPOT)) == ((-1, 0), (0, 0))


async def test_a_hundred_receipts_of_a_day_offline(shop: Shop):
    day: list[Any] = [sale(f"r-{number}", minutes=number) for number in range(100)]
    day[50]["lines"].append(line("GHOST", 2))
    await tell(shop, *day[:3])
    told = await tell(shop, *day)
    again = await statuses(shop, *day)

    assert Counter(one["status"] for one in told) == {"applied": 97, "duplicate": 3}
    assert [one["conflicts"][0]["code"] for one in told if one["conflicts"]] == ["unknown_sku"]
    assert told[50]["conflicts"][0]["pointer"] == "/lines/1/sku"
    assert again == ["duplicate"] * 100
    assert await level(shop) == (-100, 0)
    found = {one["kind"]: one for one in await incidents(shop)}
    assert (found["unknown_sku"]["sku"], found["unknown_sku"]["units"]) == ("GHOST", 2)


async def test_one_receipt_that_cannot_be_read_stops_none_of_the_others(shop: Shop):
    told = await tell(
        shop,
        sale("r-1"),
        7,
        sale("r-2", line(MUG, 0)),
        sale("r-3", line(quantity=1, colour="red")),
        sale("r-4", {"quantity": 1}),
        sale("r-5", kind="gift"),
        sale("r-6", terminal="T\0"),
        sale("r-7", of="r-1"),
        back("r-8", line(disposition=None)),
        sale("r-9", line(unit_price={"amount": 1, "currency": "ZZZ"})),
        sale("r-10", line(), line(unit_price={"amount": 1, "currency": "EUR"})),
        sale("r-11", occurred_at="0001-01-01T00:00:00+14:00"),
        sale("r-12", line(unit_price={"amount": 10**15, "currency": "SEK"}, quantity=2)),
        {"id": "r-13"},
        sale("r-14"),
    )

    assert [(one.get("id"), one.get("code", one["status"])) for one in told] == [
        ("r-1", "applied"),
        (None, "type"),
        ("r-2", "minimum"),
        ("r-3", "unknown_field"),
        ("r-4", "sku_or_gtin"),
        ("r-5", "not_allowed"),
        ("r-6", "unprintable"),
        ("r-7", "not_allowed"),
        ("r-8", "required"),
        ("r-9", "unknown_currency"),
        ("r-10", "one_currency"),
        ("r-11", "out_of_range"),
        ("r-12", "maximum"),
        ("r-13", "required"),
        ("r-14", "applied"),
    ]
    assert await level(shop) == (-2, 0)


async def test_a_till_tells_of_its_own_store_only(shop: Shop):
    at_hill = await shop.till(HILL)
    elsewhere = await post(shop, sale("r-1"), headers=at_hill)
    strange = await statuses(shop, sale("r-1", store=HILL), sale("r-2", store=HARBOUR))
    taken = await statuses(shop, sale("r-2", store=HARBOUR), headers=at_hill, store=HILL)
    known = await statuses(shop, sale("r-2"), headers=at_hill, store=HILL)

    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "not_found")
    assert strange == ["other_store", "applied"]
    assert (taken, known) == (["other_store"], ["other_store"])
    assert await level(shop) == (-1, 0)
    assert await level(shop, store=HILL) == (0, 0)
    async with shop.units.read() as unit:
        assert await unit.connection.fetchval("select resource from access_denials") == HARBOUR


async def test_a_batch_is_one_to_a_thousand_receipts(shop: Shop):
    none = await post(shop)
    many = await post(shop, *[sale(f"r-{number}") for number in range(1001)])
    whole = await statuses(shop, *[sale(f"r-{number}") for number in range(1000)])
    long = await statuses(shop, sale("long", *[line() for _ in range(1000)]))

    assert [(one.status_code, one.json()["errors"][0]["pointer"]) for one in (none, many)] == [
        (422, "/sales"),
        (422, "/sales"),
    ]
    assert Counter(whole) == {"applied": 1000}
    assert long == ["applied"]
    assert await level(shop) == (-2000, 0)


async def test_a_count_has_seen_what_a_clock_that_is_a_little_ahead_sold(shop: Shop):
    await shelve(shop.units, mug=10)
    [told] = await tell(shop, sale("r-1", line(MUG), minutes=-4))
    await count(shop, 9, datetime.now(UTC).isoformat())

    assert told == {"id": "r-1", "status": "applied", "conflicts": []}
    assert await level(shop, MUG) == (9, 0)
    assert await sound(shop)


async def test_a_count_by_a_clock_that_is_a_little_ahead_feels_what_is_sold_after_it(shop: Shop):
    await shelve(shop.units, mug=10)
    await count(shop, 8, ago(-4))
    await tell(shop, sale("r-1", line(MUG), minutes=-0.1))

    assert await level(shop, MUG) == (7, 0)


async def test_a_clock_that_is_ahead_is_put_right_and_told(shop: Shop):
    ahead, nearly = sale("r-1", minutes=-180), sale("r-2", minutes=-3)
    told = await tell(shop, ahead, nearly)
    again = await statuses(shop, ahead)
    office = await shop.office()
    ledger = (await shop.client.get(f"/v1/stock/{MUG}/movements", headers=office)).json()["items"]

    assert [[one["code"] for one in each["conflicts"]] for each in told] == [["clock_skew"], []]
    assert again == ["duplicate"]
    kept = {one["cause"]: one for one in ledger}
    assert kept["receipt:r-1"]["occurred_at"] == kept["receipt:r-1"]["recorded_at"]
    assert kept["receipt:r-2"]["occurred_at"] == kept["receipt:r-2"]["recorded_at"]


async def test_what_was_sold_before_the_count_does_not_reduce_it_again(shop: Shop):
    """Counted 8 at ten; one was sold before that and told late, one after it."""
    await count(shop, 8, ago(60))
    await tell(shop, sale("after", minutes=55))
    await tell(shop, sale("before", minutes=65))
    on_hand = await level(shop)
    await count(shop, 6, ago(50))

    assert on_hand == (7, 0)
    assert await level(shop) == (6, 0)
    assert await sound(shop)


@pytest.mark.parametrize("counted_last", [False, True])
async def test_the_ledger_by_time_is_the_same_whether_the_count_or_the_sale_came_first(
    shop: Shop, counted_last: bool
):
    await shelve(shop.units, mug=0)
    steps = [lambda: count(shop, 8, ago(60)), lambda: tell(shop, sale("r-1", minutes=65))]
    for step in reversed(steps) if counted_last else steps:
        await step()
    async with shop.units.read() as unit:
        rows = await unit.connection.fetch(
            "select kind, sum(on_hand) as units from stock_movements group by kind, occurred_at"
        )

    assert {(row["kind"], row["units"]) for row in rows} == {("sale", -1), ("count", 9)}
    assert await level(shop) == (8, 0)


async def test_a_kit_that_is_sold_takes_its_parts_and_a_service_nothing(shop: Shop):
    await tell(shop, sale("r-1", line(TEA_SET, 2), line(MUG), line(ENGRAVING)))
    async with shop.units.read() as unit:
        skus = {row["sku"] for row in await unit.connection.fetch("select sku from stock_levels")}

    assert (await level(shop, TEAPOT), await level(shop, MUG)) == ((-2, 0), (-5, 0))
    assert skus == {TEAPOT, MUG}


async def test_a_barcode_names_what_bears_it(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, gtin="00012345678905")])
    scanned = {"gtin": "012345678905", "quantity": 2}
    strange = {"gtin": "4006381333931", "quantity": 1}
    told = await tell(shop, sale("r-1", scanned, strange, {"gtin": "no barcode", "quantity": 1}))

    assert [one["pointer"] for one in told[0]["conflicts"]] == ["/lines/1/gtin", "/lines/2/gtin"]
    assert await level(shop) == (-2, 0)
    assert {one["sku"] for one in await incidents(shop) if one["kind"] == "unknown_sku"} == {
        "04006381333931",
        "no barcode",
    }


@pytest.mark.parametrize(
    ("disposition", "after"),
    [("sellable", (1, 0)), ("damaged", (1, 1)), ("quarantine", (1, 1)), ("missing", (0, 0))],
)
async def test_goods_that_come_back_lie_where_they_belong(
    shop: Shop, disposition: str, after: tuple[int, int]
):
    told = await statuses(shop, back("b-1", line(disposition=disposition)))

    assert told == ["applied"]
    assert await level(shop) == after
    assert await sound(shop)


async def balance(shop: Shop, me: dict[str, str]) -> tuple[int, int]:
    points = (await shop.client.get("/v1/me/rewards", headers=me)).json()["balance"]
    return points["available"], points["debt"]


async def member_id(shop: Shop, me: dict[str, str]) -> str:
    return str((await shop.client.get("/v1/me/rewards", headers=me)).json()["member"])


async def test_a_members_sale_earns_at_once(shop: Shop):
    me = await shop.customer()
    mem = await member_id(shop, me)
    halves = [line(sku, unit_price={"amount": 1050, "currency": "SEK"}) for sku in (MUG, TEAPOT)]
    told = await tell(
        shop,
        sale("r-1", *halves, member=mem),
        sale("r-2", member="sample-1"),
        sale("r-3", member="nobody"),
        sale("r-4", line(unit_price=None), member=mem),
    )

    assert [one.get("points") for one in told] == [
        {"earned": 21, "balance": 31},
        {"earned": 10, "balance": 31},
        None,
        {"earned": 0, "balance": 31},
    ]
    assert [one["code"] for one in told[2]["conflicts"]] == ["unknown_member"]
    assert (await balance(shop, me), await level(shop)) == ((31, 0), (-4, 0))
    assert await sound(shop)


async def test_a_return_takes_the_points_of_its_sale_back(shop: Shop):
    me = await shop.customer()
    await tell(shop, sale("r-1", line(MUG, 3), member="sample-1"))
    told = await statuses(shop, back("b-1", line(MUG, 2), of="r-1"), back("b-2", of="r-1"))
    again = await statuses(shop, back("b-1", line(MUG, 2), of="r-1"), back("b-3", of="r-1"))

    assert (told, again) == (["applied", "applied"], ["duplicate", "applied"])
    assert await balance(shop, me) == (0, 0)
    assert await level(shop) == (-3 + 2 + 1 + 1, 0)
    assert await sound(shop)


async def test_a_return_that_comes_before_its_sale_waits_for_it(shop: Shop):
    me = await shop.customer()
    early = await statuses(shop, back("b-1", line(MUG, 2), of="r-1"), store=HILL)
    waiting = await balance(shop, me)
    late = await tell(shop, sale("r-1", line(MUG, 3), member="sample-1"))
    again = await statuses(shop, back("b-1", line(MUG, 2), of="r-1"), store=HILL)

    assert (early, waiting) == (["pending_match"], (0, 0))
    assert (late[0]["status"], late[0]["points"]) == ("applied", {"earned": 30, "balance": 10})
    assert again == ["duplicate"]
    assert await balance(shop, me) == (10, 0)
    assert (await level(shop), await level(shop, store=HILL)) == ((-3, 0), (2, 0))
    assert await sound(shop)


async def test_a_return_beside_its_sale_finds_it_in_either_order(shop: Shop):
    me = await shop.customer()
    one = [back("b-1", of="r-1"), sale("r-1", member="sample-1")]
    other = [sale("r-2", member="sample-1"), back("b-2", of="r-2")]

    assert await statuses(shop, *one, *other) == ["applied"] * 4
    assert await balance(shop, me) == (0, 0)


async def test_a_shelf_below_its_promises_names_the_orders_at_risk_and_heals(shop: Shop):
    await shelve(shop.units, mug=5)
    buyers = [await shop.customer(f"sample-{number}") for number in (1, 2, 3)]
    orders = [
        await order(shop, me, mug=number) for me, number in zip(buyers, (2, 2, 1), strict=True)
    ]
    await tell(shop, sale("r-1"))
    await tell(shop, sale("r-2", line(MUG, 3)))
    [found] = await incidents(shop)
    await tell(shop, back("b-1", line(MUG, 4)))
    [healed] = await incidents(shop, "settled")

    assert (found["kind"], found["sku"], found["units"]) == ("oversold", MUG, 4)
    assert [(one["order"], one["units"]) for one in found["orders"]] == [
        (orders[0], 1),
        (orders[1], 2),
        (orders[2], 1),
    ]
    assert await incidents(shop) == []
    assert (healed["id"], healed["settled_by"]) == (found["id"], "hylla")


async def test_a_count_below_what_is_promised_is_an_incident_too(shop: Shop):
    await shelve(shop.units, mug=10)
    me = await shop.customer()
    placed = await order(shop, me, mug=4)
    await count(shop, 2, ago(-2))
    [found] = await incidents(shop)

    assert (found["units"], found["orders"][0]["order"], found["orders"][0]["units"]) == (
        2,
        placed,
        2,
    )


async def test_the_till_sells_what_the_web_keeps_back(shop: Shop):
    await shelve(shop.units, mug=2)
    async with shop.units.begin() as unit:
        await unit.connection.execute("update stock_levels set safety_stock = 2")
    web = await shop.client.get(f"/v1/availability/{MUG}", headers=await shop.page())

    assert web.json()["ship"]["quantity"] == 0
    assert await statuses(shop, sale("r-1")) == ["applied"]
    assert (await level(shop), await incidents(shop)) == ((1, 0), [])


async def test_an_incident_is_settled_by_whoever_works_there(shop: Shop):
    await tell(shop, sale("r-1", line("GHOST")))
    [found] = await incidents(shop)
    path = f"/v1/incidents/{found['id']}/settle"
    stranger = await shop.client.post(path, json={}, headers=await shop.associate(HILL))
    clerk = await shop.associate(HARBOUR)
    done = await shop.client.post(path, json={"note": "A sample bag."}, headers=clerk)
    again = await shop.client.post(path, json={"note": "Again."}, headers=await shop.office())
    await tell(shop, sale("r-2", line("GHOST")))
    [fresh] = await incidents(shop)

    assert stranger.status_code == 404
    assert (done.json()["state"], done.json()["note"]) == ("settled", "A sample bag.")
    assert again.json() == done.json()
    assert (fresh["id"] == found["id"], fresh["units"]) == (False, 1)


async def test_twenty_shoppers_and_twenty_sales_for_five_mugs(shop: Shop):
    await shelve(shop.units, mug=5)
    buyers = [await shop.customer(f"sample-{number}") for number in range(20)]
    till = await shop.till(HARBOUR)
    orders, told = await asyncio.gather(
        asyncio.gather(*(order(shop, me, mug=1) for me in buyers)),
        asyncio.gather(*(tell(shop, sale(f"r-{n}"), headers=till) for n in range(20))),
    )
    placed = [one for one in orders if one]
    [found] = await incidents(shop)

    assert len(placed) <= 5
    assert Counter(one[0]["status"] for one in told) == {"applied": 20}
    assert await level(shop) == (5 - 20, 0)
    assert found["units"] == 15 + len(placed)
    assert {one["order"] for one in found["orders"]} == set(placed)
    assert await sound(shop)


async def hold(shop: Shop, me: dict[str, str], **lines: int) -> str:
    held = await shop.client.post(
        "/v1/holds",
        json={
            "lines": [
                {"sku": sku.upper().replace("_", "-"), "store": HARBOUR, "quantity": quantity}
                for sku, quantity in lines.items()
            ]
        },
        headers=me | {"Idempotency-Key": shop.fresh()},
    )
    assert held.status_code == 201, held.text
    return str(held.json()["id"])


async def reconcile_at(shop: Shop, name: str, me: dict[str, str]) -> tuple[str, dict[str, int]]:
    told = (await shop.client.get(f"/v1/holds/{name}", headers=me)).json()
    return told["state"], {one["sku"]: one["quantity"] for one in told["lines"]}


async def available(shop: Shop, sku: str = MUG) -> int:
    answer = await shop.client.get(f"/v1/availability/{sku}", headers=await shop.page())
    return int(answer.json()["ship"]["quantity"])


async def test_what_a_member_holds_online_and_buys_at_the_till_is_bought_once(shop: Shop):
    await shelve(shop.units, mug=10, teapot=5)
    me, other = await shop.customer(), await shop.customer("sample-2")
    mine = await hold(shop, me, mug=3, tea_set=1)
    foreign = await hold(shop, other, mug=1)
    before = await available(shop)
    await tell(shop, sale("r-1", line(MUG, 2), minutes=0, member="sample-1"))
    some = (await available(shop), await reconcile_at(shop, mine, me))
    await tell(
        shop,
        sale("early", line(MUG, 1), minutes=60, member="sample-1"),
        sale("r-2", line(MUG, 2), line(TEA_SET), minutes=0, member="sample-1"),
    )

    assert (before, some) == (4, (4, ("active", {MUG: 1, TEA_SET: 1})))
    assert await reconcile_at(shop, mine, me) == ("converted", {MUG: 1, TEA_SET: 1})
    assert await reconcile_at(shop, foreign, other) == ("active", {MUG: 1})
    assert (await level(shop), await level(shop, TEAPOT)) == ((3, 0), (4, 0))
    assert await available(shop) == 3 - 1
    assert await sound(shop)


async def test_two_holds_of_one_member_are_used_up_one_after_the_other(shop: Shop):
    await shelve(shop.units, mug=10)
    me = await shop.customer()
    first, second = await hold(shop, me, mug=2), await hold(shop, me, mug=2)
    await tell(shop, sale("r-1", line(MUG, 3), minutes=0, member="sample-1"))

    assert await reconcile_at(shop, first, me) == ("converted", {MUG: 2})
    assert await reconcile_at(shop, second, me) == ("active", {MUG: 1})
    assert await available(shop) == 10 - 3 - 1
    assert await sound(shop)


async def test_what_a_picker_does_not_find_is_counted_and_told_to_other_orders(shop: Shop):
    await shelve(shop.units, mug=3)
    buyers = [await shop.customer(f"sample-{number}") for number in (1, 2)]
    placed = [await order(shop, me, mug=number) for number, me in enumerate(buyers, 1)]
    clerk = await shop.associate(HARBOUR)
    path = f"/v1/stores/{HARBOUR}/pickups"
    pickup = (await shop.client.get(path, headers=clerk)).json()["items"][0]["id"]
    await shop.client.post(f"/v1/pickups/{pickup}/accept", json={}, headers=clerk)
    picked = {"lines": [{"sku": MUG, "quantity": 0, "short": True}]}
    key = {"Idempotency-Key": "pick"}
    await shop.client.post(f"/v1/pickups/{pickup}/pick", json=picked, headers=clerk | key)
    found = {one["kind"]: one for one in await incidents(shop)}
    await count(shop, 1, ago(-2))
    after = {one["kind"]: one for one in await incidents(shop)}

    assert list(found) == ["count_due"]
    assert list(after) == ["oversold"]
    assert [(one["order"], one["units"]) for one in after["oversold"]["orders"]] == [(placed[1], 1)]


async def test_two_batches_that_are_one_count_once(shop: Shop):
    me = await shop.customer()
    day = [sale(f"r-{number}", line(MUG), line(TEAPOT), member="sample-1") for number in range(50)]
    till = await shop.till(HARBOUR)
    told = await asyncio.gather(
        tell(shop, *day, headers=till), tell(shop, *reversed(day), headers=till)
    )

    assert Counter(one["status"] for each in told for one in each) == {
        "applied": 50,
        "duplicate": 50,
    }
    assert (await level(shop), await level(shop, TEAPOT)) == ((-50, 0), (-50, 0))
    assert await balance(shop, me) == (50 * 20, 0)


async def test_a_sale_and_its_return_that_come_at_once_find_each_other(shop: Shop):
    me = await shop.customer()
    here, there = await shop.till(HARBOUR), await shop.till(HILL)
    sales = [sale(f"r-{number}", member="sample-1") for number in range(20)]
    backs = [back(f"b-{number}", of=f"r-{number}") for number in range(20)]
    await asyncio.gather(
        *(tell(shop, *sales[at : at + 5], headers=here) for at in range(0, 20, 5)),
        *(tell(shop, *backs[at : at + 4], store=HILL, headers=there) for at in range(0, 20, 4)),
    )

    assert await balance(shop, me) == (0, 0)
    assert await sound(shop)


async def test_who_buys_and_who_brings_back_never_block_each_other(shop: Shop):
    """Each batch gives points to one member and takes points from the other."""
    for name in ("sample-1", "sample-2"):
        await shop.customer(name)
    till, service = await shop.till(HARBOUR), line(ENGRAVING)
    first = [sale(f"r-{n}", service, member=f"sample-{n % 2 + 1}") for n in range(20)]
    await tell(shop, *first, headers=till)
    with capture_logs() as logs:
        await asyncio.gather(
            *(
                tell(
                    shop,
                    sale(f"s-{n}", service, member=f"sample-{2 - n % 2}"),
                    back(f"b-{n}", service, of=f"r-{n}"),
                    headers=till,
                )
                for n in range(20)
            )
        )

    assert [one["event"] for one in logs if one["event"] == "transaction retried"] == []
    assert await sound(shop)


async def test_crossing_batches_never_block_each_other(shop: Shop):
    keys = {store: await shop.till(store) for store in (HARBOUR, HILL)}
    skus = [MUG, TEAPOT, TEA_SET]
    told = await asyncio.gather(
        *(
            tell(
                shop,
                sale(f"{store}-{number}", *[line(sku) for sku in skus[:: 1 - 2 * (number % 2)]]),
                store=store,
                headers=keys[store],
            )
            for number in range(20)
            for store in keys
        )
    )

    assert Counter(each[0]["status"] for each in told) == {"applied": 40}


async def test_a_central_office_key_is_no_till(shop: Shop):
    refused = await post(shop, sale("r-1"), headers=await shop.key(Role.OFFICE))

    assert refused.status_code == 403
