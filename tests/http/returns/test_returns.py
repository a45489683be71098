"""Goods come back to any store, once, and are paid back to the last coin."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api.carts import a_cart, put
from tests.support.api.orders import figures, order
from tests.support.api.pickups import points
from tests.support.api.receipts import back, level, line, sale, sound, tell
from tests.support.api.returns import SOUND, Bought, bought
from tests.support.concurrency import all_wait, keeping
from tests.support.examples import (
    ENGRAVING,
    HARBOUR,
    HILL,
    MUG,
    TEA_SET,
    TEAPOT,
    a_product,
    a_store,
    shelve,
)
from tests.support.shop import Shop, a_shop

DAMAGED = SOUND | {"disposition": "damaged"}


async def test_bought_at_one_store_and_returned_damaged_at_another(shop: Shop):
    desk = await bought(shop, mug=2)
    answer = await desk.give_back(DAMAGED)
    told = answer.json()

    assert answer.status_code == 201, answer.text
    assert (told["state"], told["store"], told["order"]) == ("received", HILL, desk.order)
    assert told["refunds"] == [
        {
            "type": "pay_at_pickup",
            "amount": {"amount": 1000, "currency": "SEK"},
            "through": "till",
        }
    ]
    assert await level(shop, store=HILL) == (1, 1)
    assert await level(shop) == (8, 0)
    assert await points(desk) == (0, 10)
    assert await desk.returned() == {MUG: 1}
    assert (
        await figures(shop, "select condition from stock_conditions where units > 0") == "damaged"
    )
    assert await sound(shop)


async def test_a_return_that_is_repeated_is_one_return(shop: Shop):
    desk = await bought(shop, mug=2)
    till = await shop.till(HILL)
    answers = await asyncio.gather(*(desk.give_back(SOUND, at=till, key="same") for _ in range(10)))

    assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
    assert Counter(answer.headers.get("Idempotent-Replayed") for answer in answers) == {
        "true": 9,
        None: 1,
    }
    assert await level(shop, store=HILL) == (1, 0)
    assert await points(desk) == (0, 10)


async def test_of_twenty_tills_that_take_the_last_unit_back_at_once_one_does(shop: Shop):
    desk = await bought(shop, mug=1)
    tills = [await shop.till(store) for store in (HARBOUR, HILL)]
    async with keeping(shop, "select from orders for update"):
        waiting = [
            asyncio.create_task(desk.give_back(DAMAGED, at=tills[number % 2]))
            for number in range(20)
        ]
        await all_wait(shop, 20)
    answers = await asyncio.gather(*waiting)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 19}
    assert {answer.json().get("code") for answer in answers} == {None, "more_than_given"}
    assert await figures(shop, "select sum(unavailable) from stock_levels") == 1
    assert await desk.returned() == {MUG: 1}
    assert await sound(shop)


async def test_more_than_was_handed_over_is_refused_with_what_may_come_back(shop: Shop):
    desk = await bought(shop, mug=2)
    await desk.give_back(SOUND)
    answer = await desk.give_back(SOUND | {"quantity": 2})

    assert (answer.status_code, answer.json()["code"]) == (422, "more_than_given")
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["line"], error["allowed"]) == ("/lines/0/quantity", MUG, 1)
    assert await level(shop, store=HILL) == (1, 0)


async def test_what_was_not_collected_yet_cannot_come_back(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=10)
    me = await shop.customer()
    placed = (await order(shop, await a_cart(shop, me, mug=2))).json()
    desk = Bought(shop, me, await shop.till(HARBOUR), placed["groups"][0]["pickup"])
    desk.order = placed["id"]
    answer = await desk.give_back(SOUND)

    assert (answer.status_code, answer.json()["code"]) == (422, "more_than_given")
    assert answer.json()["errors"][0]["allowed"] == 0
    assert await level(shop) == (10, 0)


async def test_everything_that_comes_back_gives_back_all_that_was_paid_and_earned(shop: Shop):
    desk = await bought(shop, mug=3)
    refunds = [(await desk.give_back(SOUND)).json()["refund"]["amount"] for _ in range(3)]

    assert sum(refunds) == 3000
    assert await points(desk) == (0, 0)
    seen = (await shop.client.get(f"/v1/orders/{desk.order}", headers=desk.me)).json()
    assert (seen["state"], seen["totals"]["to_pay"]["amount"]) == ("fulfilled", 3000)
    assert await sound(shop)


async def test_points_of_units_still_to_come_stay_when_others_come_back(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=10)
    me = await shop.customer()
    placed = (await order(shop, await a_cart(shop, me, mug=3))).json()
    desk = Bought(shop, me, await shop.till(HARBOUR), placed["groups"][0]["pickup"])
    desk.order = placed["id"]
    code = await desk.make_ready(mug=3)
    await desk.do("handover", {"code": code, "lines": [{"sku": MUG, "quantity": 2}]})
    await desk.give_back(SOUND)
    assert await points(desk) == (10, 10)
    await desk.cancel()
    await desk.give_back(SOUND)

    assert await points(desk) == (0, 0)
    assert await sound(shop)


async def test_each_line_gives_its_own_points_back_whatever_came_back_before(shop: Shop):
    desk = await bought(shop, mug=1, teapot=1)
    await desk.give_back(SOUND)
    await desk.give_back(SOUND | {"sku": TEAPOT})

    assert await points(desk) == (0, 0)


async def test_points_that_were_spent_become_a_debt(shop: Shop):
    desk = await bought(shop, mug=2)
    async with shop.units.begin() as unit:
        await unit.loyalty.points.reverse(desk.order, {MUG: 20}, "spent")
        await unit.connection.execute("update points_lots set reversed = 0 where origin is null")
    await desk.give_back(SOUND)

    assert await figures(shop, "select debt from loyalty_members") == 10


async def test_a_kit_comes_back_as_the_parts_that_were_given(shop: Shop):
    desk = await bought(shop, tea_set=1)
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(TEA_SET, 26500, parts={TEAPOT: 2})])
    answer = await desk.give_back(SOUND | {"sku": TEA_SET})

    assert answer.status_code == 201, answer.text
    assert await level(shop, store=HILL) == (2, 0)
    assert await level(shop, TEAPOT, HILL) == (1, 0)
    assert await sound(shop)


async def test_a_service_is_paid_back_and_needs_no_shelf(shop: Shop):
    desk = await bought(shop, engraving=1)
    answer = await desk.give_back(SOUND | {"sku": ENGRAVING})

    assert answer.json()["refund"]["amount"] == 9900
    assert await level(shop, ENGRAVING, HILL) == (0, 0)
    assert await figures(shop, "select count(*) from stock_movements where kind = 'return'") == 0
    assert await sound(shop)


async def test_one_line_may_come_back_in_more_than_one_condition(shop: Shop):
    desk = await bought(shop, mug=4)
    quarantine = SOUND | {"disposition": "quarantine"}
    missing = SOUND | {"disposition": "missing"}
    answer = await desk.give_back(SOUND, DAMAGED, quarantine, missing)

    assert answer.json()["refund"]["amount"] == 3000
    assert answer.json()["withheld"]["amount"] == 1000
    assert await level(shop, store=HILL) == (3, 2)
    assert await sound(shop)


async def test_what_did_not_come_is_paid_back_when_the_office_says_so(shop: Shop):
    desk = await bought(shop, mug=2)
    missing = SOUND | {"disposition": "missing"}
    told = (await desk.give_back(missing)).json()
    office = await shop.office()
    paid = await desk.tell(told["id"], "decide", {"pay": True}, by=office)
    again = await desk.tell(told["id"], "decide", {"pay": True}, by=office)

    assert (told["refund"]["amount"], told["withheld"]["amount"]) == (0, 1000)
    assert await level(shop, store=HILL) == (0, 0)
    assert [refund["through"] for refund in paid.json()["refunds"]] == ["office"]
    assert paid.json()["refund"]["amount"] == 1000
    assert (again.status_code, again.json()["code"]) == (409, "nothing_withheld")
    assert await desk.returned() == {MUG: 1}
    assert await sound(shop)


async def test_what_did_not_come_is_not_paid_back_when_the_office_says_so(shop: Shop):
    desk = await bought(shop, mug=2)
    told = (await desk.give_back(SOUND | {"disposition": "missing"})).json()
    paid = await desk.tell(told["id"], "decide", {"pay": False}, by=await shop.office())

    assert (paid.json()["refund"]["amount"], paid.json()["withheld"]["amount"]) == (0, 0)
    assert await sound(shop)


async def test_what_a_buyer_announces_moves_nothing_until_it_comes(shop: Shop):
    desk = await bought(shop, mug=2)
    told = await desk.announce(quantity=2)
    expected = await shop.client.get(f"/v1/stores/{HARBOUR}/returns", headers=desk.till)
    before = await level(shop), await desk.returned(), await points(desk)
    came = await desk.tell(told["id"], "receive", {"lines": [SOUND, DAMAGED]})

    assert (told["state"], told["store"]) == ("announced", HARBOUR)
    assert [one["id"] for one in expected.json()["items"]] == [told["id"]]
    assert before == ((8, 0), {MUG: 0}, (0, 20))
    assert came.status_code == 200, came.text
    assert came.json()["state"] == "received"
    assert [refund["through"] for refund in came.json()["refunds"]] == ["office"]
    assert await level(shop) == (10, 1)
    assert await points(desk) == (0, 0)
    assert await sound(shop)


async def test_what_was_announced_is_received_once(shop: Shop):
    desk = await bought(shop, mug=2)
    told = await desk.announce()
    answers = await asyncio.gather(
        *(desk.tell(told["id"], "receive", {"lines": [SOUND]}) for _ in range(5))
    )

    assert Counter(answer.json().get("code") for answer in answers) == {None: 1, "return_over": 4}
    assert await desk.returned() == {MUG: 1}
    late = await desk.tell(told["id"], "cancel")
    assert (late.status_code, late.json()["code"]) == (409, "return_over")


async def test_what_was_announced_may_be_called_off_until_it_comes(shop: Shop):
    desk = await bought(shop, mug=2)
    told = await desk.announce()
    twice = [await desk.tell(told["id"], "cancel", by=desk.me) for _ in range(2)]
    late = await desk.tell(told["id"], "receive", {"lines": [SOUND]})

    assert [answer.json()["state"] for answer in twice] == ["cancelled", "cancelled"]
    assert (late.status_code, late.json()["code"]) == (409, "return_over")


async def test_an_announcement_is_over_when_its_goods_come_back_in_a_store_instead(shop: Shop):
    desk = await bought(shop, mug=2, teapot=1)
    some, both = await desk.announce(), await desk.announce(quantity=2)
    mixed = await desk.give_back(
        {"sku": MUG, "quantity": 1}, {"sku": TEAPOT, "quantity": 1}, at=desk.me, channel="post"
    )

    async def states() -> list[str]:
        path = f"/v1/orders/{desk.order}/returns"
        items = (await shop.client.get(path, headers=desk.me)).json()["items"]
        found = {one["id"]: one["state"] for one in items}
        return [found[one["id"]] for one in (some, both, mixed.json())]

    await desk.give_back(SOUND)
    one_left = await states()
    await tell(shop, back("r-1", line(MUG, 1), of=desk.order))
    none_left = await states()
    late = await desk.tell(some["id"], "receive", {"lines": [SOUND]})

    assert one_left == ["announced"] * 3
    assert none_left == ["cancelled", "cancelled", "announced"]
    assert (late.status_code, late.json()["code"]) == (409, "return_over")
    assert await sound(shop)


async def test_what_comes_by_post_and_to_a_store_at_once_is_taken_once_and_leaves_nothing_open(
    shop: Shop,
):
    desk = await bought(shop, mug=1)
    told = [await desk.announce() for _ in range(2)]
    hill = await shop.till(HILL)
    async with keeping(shop, "select from orders for update"):
        waiting = [
            asyncio.create_task(one)
            for one in (
                *(desk.tell(one["id"], "receive", {"lines": [SOUND]}) for one in told * 2),
                *(desk.give_back(SOUND, at=hill) for _ in range(2)),
            )
        ]
        await all_wait(shop, 6)
    answers = await asyncio.gather(*waiting)

    took = [answer for answer in answers if answer.status_code < 300]
    assert len(took) == 1
    assert {answer.status_code for answer in answers} <= {200, 201, 409, 422}
    assert await desk.returned() == {MUG: 1}
    assert await figures(shop, "select count(*) from returns where state = 'announced'") == 0
    assert await sound(shop)


async def test_a_buyer_brings_goods_to_a_till_and_says_nothing_of_their_state(shop: Shop):
    desk = await bought(shop, mug=2)
    here = await desk.give_back({"sku": MUG, "quantity": 1}, at=desk.me)
    judged = await desk.give_back(SOUND, at=desk.me, channel="post")
    unsaid = await desk.give_back({"sku": MUG, "quantity": 1})

    pointers = [answer.json()["errors"][0]["pointer"] for answer in (here, judged, unsaid)]
    assert [answer.status_code for answer in (here, judged, unsaid)] == [422, 422, 422]
    assert pointers == ["/channel", "/lines/0/disposition", "/lines/0/disposition"]


async def test_a_return_is_seen_by_its_buyer_and_those_who_have_to_do_with_it(shop: Shop):
    desk = await bought(shop, mug=2)
    name = (await desk.give_back(SOUND)).json()["id"]
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert([a_store("quay")])
    quay = await shop.till("quay")
    stranger = await shop.customer("sample-2")

    async def status(headers: dict[str, str], path: str) -> int:
        return (await shop.client.get(path, headers=headers)).status_code

    both = f"/v1/returns/{name}", f"/v1/orders/{desk.order}/returns"
    for caller, seen in [
        (desk.me, 200),
        (desk.till, 200),
        (await shop.till(HILL), 200),
        (await shop.office(), 200),
        (quay, 404),
        (stranger, 404),
    ]:
        assert [await status(caller, path) for path in both] == [seen, seen]
    mine = (await shop.client.get(both[0], headers=desk.me)).json()
    assert not {"proposals", "by", "note"} & mine.keys()


async def test_nobody_announces_for_another_nor_receives_at_another_store(shop: Shop):
    desk = await bought(shop, mug=2)
    stranger = await shop.customer("sample-2")
    theirs = await desk.give_back({"sku": MUG, "quantity": 1}, at=stranger, channel="post")
    told = await desk.announce()
    hill = await shop.till(HILL)
    there = {"lines": [SOUND], "store": HILL}
    elsewhere = await desk.tell(told["id"], "receive", there, by=hill)
    named = await desk.give_back(SOUND, at=hill, store=HARBOUR)

    assert [one.status_code for one in (theirs, elsewhere, named)] == [404, 404, 404]


async def test_the_office_names_the_store_that_has_the_goods(shop: Shop):
    desk = await bought(shop, mug=3)
    office = await shop.office()
    unsaid = await desk.give_back(SOUND, at=office)
    nowhere = await desk.give_back(SOUND, at=office, store="nowhere")
    answer = await desk.give_back(SOUND, at=office, store=HILL, channel="post")

    assert [one.status_code for one in (unsaid, nowhere)] == [422, 422]
    assert (answer.json()["state"], answer.json()["store"]) == ("received", HILL)


async def test_staff_learn_where_the_goods_belong(shop: Shop):
    desk = await bought(shop, mug=10)
    await shelve(shop.units, HILL, mug=3)
    answer = await desk.give_back(SOUND, DAMAGED)

    assert answer.json()["proposals"] == [
        {
            "sku": MUG,
            "quantity": 1,
            "to_do": "transfer",
            "reason": "sold_out_there",
            "store": HARBOUR,
        },
        {"sku": MUG, "quantity": 1, "to_do": "quarantine", "reason": "damaged", "store": None},
    ]


async def test_a_line_is_found_by_its_barcode(shop: Shop):
    desk = await bought(shop, mug=2)
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, gtin="02012345678903")])
    scanned = {"gtin": "2012345678903", "quantity": 1, "disposition": "sellable"}
    answer = await desk.give_back(scanned)
    unknown = await desk.give_back(scanned | {"gtin": "2000000000015"})

    assert answer.status_code == 201, answer.text
    assert unknown.json()["errors"][0]["code"] == "not_ordered"


@pytest.mark.parametrize("names", [{}, {"sku": MUG, "line": MUG}])
async def test_a_line_is_named_in_one_way(shop: Shop, names: dict[str, str]):
    desk = await bought(shop, mug=1)
    answer = await desk.give_back({"quantity": 1, "disposition": "sellable", **names})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "sku_or_gtin")


async def test_a_return_without_a_key_is_told_to_bring_one(shop: Shop):
    desk = await bought(shop, mug=1)
    answer = await shop.client.post(
        f"/v1/orders/{desk.order}/returns", json={"lines": [SOUND]}, headers=desk.till
    )

    assert (answer.status_code, answer.json()["code"]) == (428, "idempotency_key_required")


async def test_a_return_tells_who_follows_once(shop: Shop):
    desk = await bought(shop, mug=2)
    await desk.give_back(SOUND)
    await desk.give_back(SOUND)
    events = "select {} from outbox_events where kind = 'return_received'"

    assert await figures(shop, events.format("count(*)")) == 2
    wholes = await figures(shop, events.format("array_agg(body ->> 'whole' order by id)"))
    assert wholes == ["false", "true"]


async def test_what_was_sent_comes_back_as_what_was_collected_does(shop: Shop):
    desk = await sent(shop, 2)
    told = await desk.announce(quantity=2)
    came = await desk.tell(told["id"], "receive", {"lines": [SOUND | {"quantity": 2}]})

    assert came.status_code == 200, came.text
    assert came.json()["refund"]["amount"] == 2000
    assert await level(shop) == (5, 0)
    assert await points(desk) == (0, 0)
    assert await sound(shop)


async def sent(shop: Shop, mugs: int) -> Bought:
    """Mugs that left the harbour for their buyer."""
    await shelve(shop.units, HARBOUR, mug=5)
    me = await shop.customer()
    cart = await a_cart(shop, me)
    await put(shop, cart["id"], me, MUG, mugs, fulfilment={"method": "ship"})
    address = {"street": "Sample street 1", "city": "Stockholm", "country": "SE"}
    placed = await order(shop, cart, address=address)
    assert placed.status_code == 201, placed.text
    desk = Bought(shop, me, await shop.till(HARBOUR), "")
    desk.order = placed.json()["id"]
    parcel = {"carrier": "Sample Post", "tracking_number": "SP1"}
    gone = await shop.client.post(
        f"/v1/orders/{desk.order}/shipments",
        json=parcel,
        headers=desk.till | {"Idempotency-Key": shop.fresh()},
    )
    assert gone.status_code == 200, gone.text
    return desk


async def test_an_order_that_a_tills_receipt_names_knows_what_came_back(shop: Shop):
    desk = await bought(shop, mug=3)
    receipt = back("r-1", line(MUG, 2, disposition="damaged"), of=desk.order)
    told = await tell(shop, receipt, receipt, store=HILL)
    [seen] = (await shop.client.get(f"/v1/orders/{desk.order}/returns", headers=desk.me)).json()[
        "items"
    ]
    earned = await points(desk)
    rest = await desk.give_back(SOUND)

    assert [(one["status"], one["conflicts"]) for one in told] == [
        ("applied", []),
        ("duplicate", []),
    ]
    assert (seen["receipt"], seen["store"], seen["refunds"]) == ("r-1", HILL, [])
    assert earned == (0, 10)
    assert rest.json()["refund"]["amount"] == 1000
    assert await desk.returned() == {MUG: 3}
    assert await level(shop, store=HILL) == (3, 2)
    assert await points(desk) == (0, 0)
    assert await sound(shop)


async def test_what_a_till_took_back_beyond_what_its_buyer_had_does_not_fit(shop: Shop):
    desk = await bought(shop, mug=1)
    [told] = await tell(shop, back("r-1", line(MUG, 2), line(TEAPOT), of=desk.order), store=HILL)
    conflicts = [(one["pointer"], one["code"]) for one in told["conflicts"]]

    assert told["status"] == "applied"
    assert conflicts == [
        ("/lines/0/quantity", "more_than_given"),
        ("/lines/1/quantity", "more_than_given"),
    ]
    assert await desk.returned() == {MUG: 1}
    assert await level(shop, store=HILL) == (2, 0)
    assert await sound(shop)


async def test_an_order_that_nobody_knows_does_not_fit_and_nothing_waits_for_it(shop: Shop):
    [told] = await tell(shop, back("r-1", of="ord_00000000000000000000000000"))

    assert told["status"] == "applied"
    assert [(one["pointer"], one["code"]) for one in told["conflicts"]] == [
        ("/of", "unknown_order")
    ]
    assert await level(shop) == (1, 0)
    assert await sound(shop)


async def test_a_sale_and_two_returns_in_one_batch_settle_the_points_of_all(shop: Shop):
    desk = await bought(shop, mug=2)
    told = await tell(
        shop,
        sale("r-1", line(MUG, 1), member="sample-1"),
        back("r-2", line(MUG, 1), of=desk.order),
        back("r-3", line(MUG, 1), of=desk.order),
        back("r-4", line(MUG, 1), of="r-1"),
    )

    assert {one["status"] for one in told} == {"applied"}
    assert await points(desk) == (0, 0)
    assert await desk.returned() == {MUG: 2}


BROUGHT = {"sku": MUG, "quantity": 1, "disposition": "damaged"}


@pytest.fixture
async def trusting(database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop that takes goods worth 300 kronor back without a receipt."""
    async with a_shop(database_url, tmp_path, non_receipted_return_max=30000) as shop:
        yield shop


async def bring(shop: Shop, *lines: Any, key: str = "", **more: Any) -> Any:
    return await shop.client.post(
        f"/v1/stores/{HILL}/returns",
        json={"lines": lines or [BROUGHT], "reason": "a gift", **more},
        headers=await shop.till(HILL) | {"Idempotency-Key": key or shop.fresh()},
    )


async def test_without_a_receipt_nothing_comes_back_until_the_office_allows_it(shop: Shop):
    answer = await bring(shop)

    assert (answer.status_code, answer.json()["code"]) == (409, "receipt_required")
    assert await level(shop, store=HILL) == (0, 0)


async def test_without_a_receipt_goods_come_back_for_store_credit_only(trusting: Shop):
    cheap = {"unit_price": {"amount": 20000, "currency": "SEK"}}
    answer = await bring(trusting, BROUGHT, BROUGHT | {"sku": TEA_SET} | cheap)

    assert answer.status_code == 201, answer.text
    assert answer.json()["order"] is None
    assert answer.json()["refunds"] == [
        {
            "type": "store_credit",
            "amount": {"amount": 21000, "currency": "SEK"},
            "through": "till",
        }
    ]
    assert await level(trusting, store=HILL) == (3, 3)
    assert await level(trusting, TEAPOT, HILL) == (1, 1)
    assert await figures(trusting, "select count(*) from outbox_events") == 1
    assert await sound(trusting)


@pytest.mark.parametrize(
    ("line", "status", "code", "pointer"),
    [
        (BROUGHT | {"quantity": 31}, 409, "receipt_required", ""),
        (BROUGHT | {"quantity": 1_000_000}, 409, "receipt_required", ""),
        (BROUGHT | {"sku": "NOTHING"}, 422, "unknown_sku", "/lines/0/sku"),
        (BROUGHT | {"disposition": "missing"}, 422, "not_allowed", "/lines/0/disposition"),
        (
            BROUGHT | {"unit_price": {"amount": 1001, "currency": "SEK"}},
            422,
            "above_price",
            "/lines/0/unit_price",
        ),
        (
            BROUGHT | {"unit_price": {"amount": -1, "currency": "SEK"}},
            422,
            "minimum",
            "/lines/0/unit_price/amount",
        ),
    ],
)
async def test_without_a_receipt_nothing_is_worth_more_than_is_allowed(
    trusting: Shop, line: Any, status: int, code: str, pointer: str
):
    answer = await bring(trusting, line)
    told = answer.json()
    found = (told["errors"][0]["code"], told["errors"][0]["pointer"]) if pointer else told["code"]

    assert answer.status_code == status
    assert found == ((code, pointer) if pointer else code)
    assert await level(trusting, store=HILL) == (0, 0)


async def test_without_a_receipt_somebody_says_why(trusting: Shop):
    answer = await bring(trusting, reason="")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/reason")


async def test_what_is_brought_without_a_receipt_is_booked_once(trusting: Shop):
    till = await trusting.till(HILL)
    answers = await asyncio.gather(
        *(
            trusting.client.post(
                f"/v1/stores/{HILL}/returns",
                json={"lines": [BROUGHT], "reason": "a gift"},
                headers=till | {"Idempotency-Key": "same"},
            )
            for _ in range(5)
        )
    )

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await level(trusting, store=HILL) == (1, 1)
