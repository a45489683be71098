import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from service.fulfilment.expire_pickups import expire_pickups
from tests.support.api.orders import figures, level
from tests.support.api.pickups import a_desk, points
from tests.support.examples import HARBOUR, HILL, MUG, TEA_SET, TEAPOT, a_product
from tests.support.shop import Shop

GTIN = "02012345678903"


async def test_ready_twice_is_one_change_and_one_event(shop: Shop):
    desk = await a_desk(shop, mug=2)
    await desk.make_ready(mug=2)
    again = await desk.do("ready", {"bin": "A1"}, key="second-tap")

    assert again.json()["state"] == "ready"
    assert (
        await figures(shop, "select count(*) from outbox_events where kind = 'pickup_ready'") == 1
    )


async def test_the_code_is_shown_to_the_customer_alone_and_only_while_it_is_ready(shop: Shop):
    desk = await a_desk(shop, mug=2)
    before = await desk.look()
    code = await desk.make_ready(mug=2)
    staff = await shop.client.get(f"/v1/pickups/{desk.pickup}", headers=desk.till)
    await desk.do("handover", {"code": code})

    assert "code" not in before
    assert "code" not in staff.json()
    assert "code" not in await desk.look()


async def test_a_code_of_one_store_tells_another_only_where_to_go(shop: Shop):
    desk = await a_desk(shop, mug=2)
    code = await desk.make_ready(mug=2)
    answer = await shop.client.post(
        f"/v1/stores/{HILL}/pickups/identify", json={"code": code}, headers=await shop.till(HILL)
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "other_store")
    assert answer.json()["store"] == HARBOUR
    assert desk.pickup not in answer.text


async def test_after_five_wrong_codes_the_right_one_needs_a_manager(shop: Shop):
    desk = await a_desk(shop, mug=2)
    code = await desk.make_ready(mug=2)
    tries = [await desk.do("handover", {"code": "WRONG"}, key="same") for _ in range(5)]
    locked = await desk.do("handover", {"code": code}, key="right")
    desk.till = await shop.associate(HARBOUR)
    accepted = await desk.do("handover", {"proof": "passport shown"}, key="manager")

    assert [one.json()["tries_left"] for one in tries] == [4, 3, 2, 1, 0]
    assert (locked.status_code, locked.json()["code"]) == (403, "code_locked")
    assert accepted.json()["state"] == "collected"
    assert await figures(shop, "select proof from pickups") == "passport shown"


async def test_a_till_may_not_accept_another_proof(shop: Shop):
    desk = await a_desk(shop, mug=2)
    await desk.make_ready(mug=2)

    assert (await desk.do("handover", {"proof": "a smile"})).json()["code"] == "wrong_code"


async def test_goods_are_given_once_by_twenty_tills(shop: Shop):
    desk = await a_desk(shop, mug=2)
    code = await desk.make_ready(mug=2)

    answers = await asyncio.gather(
        *(desk.do("handover", {"code": code}, key=f"till-{n}") for n in range(20))
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    assert {a.json()["store"] for a in answers if a.status_code == 409} == {HARBOUR}
    assert await level(shop) == (8, 0)
    assert await points(desk) == (0, 20)


async def test_a_handover_that_is_repeated_with_its_key_is_answered_again(shop: Shop):
    desk = await a_desk(shop, mug=2)
    code = await desk.make_ready(mug=2)
    first, second = [await desk.do("handover", {"code": code}, key="same") for _ in range(2)]

    assert (second.status_code, second.json()) == (200, first.json())
    assert await level(shop) == (8, 0)


async def test_two_visits_earn_for_what_each_took_home(shop: Shop):
    desk = await a_desk(shop, mug=3)
    code = await desk.make_ready(mug=3)
    two = {"code": code, "lines": [{"sku": MUG, "quantity": 2}]}
    first = await desk.do("handover", two, key="first")
    after_first = await points(desk)
    second = await desk.do("handover", {"code": code}, key="second")

    assert (first.json()["state"], second.json()["state"]) == ("ready", "collected")
    assert (after_first, await points(desk)) == ((10, 20), (0, 30))
    assert await level(shop) == (7, 0)


async def test_a_short_pick_lowers_the_order_the_shelf_and_the_points(shop: Shop):
    desk = await a_desk(shop, mug=3)
    await desk.do("accept")
    await desk.do("pick", {"lines": [{"sku": MUG, "quantity": 2, "short": True}]})
    placed = (await shop.client.get("/v1/me/orders", headers=desk.me)).json()["items"][0]

    assert placed["totals"]["to_pay"]["amount"] == 2000
    assert placed["points"] == {"to_earn": 20}
    assert await level(shop) == (9, 2)
    assert await points(desk) == (20, 0)


async def test_a_wrong_barcode_is_refused_with_what_was_expected(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.catalogue.products.upsert([a_product(MUG, gtin=GTIN)])
    desk = await a_desk(shop, mug=1)
    wrong = await desk.do("pick", {"lines": [{"gtin": "02012345678910", "quantity": 1}]})
    right = await desk.do("pick", {"lines": [{"gtin": GTIN, "quantity": 1}]}, key="again")

    assert (wrong.status_code, wrong.json()["expected"]) == (422, [MUG])
    assert right.json()["lines"][0]["picked"] == 1


async def test_what_was_picked_is_sold_again_only_after_it_was_put_back(shop: Shop):
    desk = await a_desk(shop, tea_set=1)
    await desk.do("pick", {"lines": [{"sku": TEA_SET, "quantity": 1}]})
    cancelled = await desk.cancel()
    waiting = (await level(shop), await level(shop, TEAPOT))
    await desk.do("put-back")

    assert cancelled.json()["state"] == "cancelled"
    assert waiting == ((10, 2), (10, 1))
    assert (await level(shop), await level(shop, TEAPOT)) == ((10, 0), (10, 0))
    assert await points(desk) == (0, 0)


async def test_a_declined_pickup_cancels_its_order_and_frees_its_stock(shop: Shop):
    desk = await a_desk(shop, mug=3)
    declined = await desk.do("decline", {"reason": "broken"})
    placed = (await shop.client.get("/v1/me/orders", headers=desk.me)).json()["items"][0]

    assert (declined.json()["state"], placed["state"]) == ("declined", "cancelled")
    assert (await level(shop), await points(desk)) == ((10, 0), (0, 0))


async def test_the_code_of_a_cancelled_pickup_opens_nothing(shop: Shop):
    desk = await a_desk(shop, mug=1)
    code = await desk.make_ready(mug=1)
    await desk.cancel()
    shown = await shop.client.post(
        f"/v1/stores/{HARBOUR}/pickups/identify", json={"code": code}, headers=desk.till
    )
    given = await desk.do("handover", {"code": code})

    assert (shown.status_code, shown.json()["code"]) == (404, "unknown_code")
    assert (given.status_code, given.json()["state"]) == (409, "cancelled")


async def test_what_lies_ready_is_not_declined_in_part(shop: Shop):
    desk = await a_desk(shop, mug=1, teapot=1)
    await desk.make_ready(mug=1, teapot=1)
    answer = await desk.do("decline", {"reason": "damaged", "lines": [MUG]})

    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert [line["cancelled"] for line in (await desk.look())["lines"]] == [0, 0]


async def test_what_nobody_collects_expires_once_and_waits_to_be_put_back(shop: Shop):
    desk = await a_desk(shop, mug=3)
    code = await desk.make_ready(mug=3)
    async with shop.units.begin() as unit:
        await unit.connection.execute(
            "update pickups set collect_by = $1", unit.now - timedelta(minutes=1)
        )
    await asyncio.gather(expire_pickups(shop.units), expire_pickups(shop.units))
    late = await desk.do("handover", {"code": code})

    assert (late.status_code, late.json()["state"]) == (409, "expired")
    assert (await level(shop), await points(desk)) == ((10, 3), (0, 0))
    await desk.do("put-back")
    assert await level(shop) == (10, 0)
    assert (
        await figures(shop, "select count(*) from outbox_events where kind = 'pickup_ended'") == 1
    )


@pytest.mark.parametrize("verb", ["accept", "pick", "ready", "handover", "decline", "put-back"])
async def test_another_store_and_the_customer_cannot_do_the_stores_work(shop: Shop, verb: str):
    desk = await a_desk(shop, mug=1)
    bodies = {
        "pick": {"lines": [{"sku": MUG, "quantity": 1}]},
        "handover": {"code": "X"},
        "decline": {"reason": "no"},
    }
    desk.till = await shop.till(HILL)
    other = await desk.do(verb, bodies.get(verb))
    desk.till = desk.me
    customer = await desk.do(verb, bodies.get(verb))

    assert (other.status_code, customer.status_code) == (404, 403)


async def test_a_store_sees_its_work_oldest_first_and_by_state(shop: Shop):
    desks = [await a_desk(shop, mug=1) for _ in range(3)]
    await desks[1].do("accept")
    path = f"/v1/stores/{HARBOUR}/pickups"
    first = (await shop.client.get(f"{path}?limit=2", headers=desks[0].till)).json()
    rest = await shop.client.get(f"{path}?cursor={first['next_cursor']}", headers=desks[0].till)
    accepted = await shop.client.get(f"{path}?state=accepted", headers=desks[0].till)

    assert [one["id"] for one in first["items"] + rest.json()["items"]] == [d.pickup for d in desks]
    assert [one["id"] for one in accepted.json()["items"]] == [desks[1].pickup]


async def test_a_pickup_is_not_ready_before_it_is_picked(shop: Shop):
    desk = await a_desk(shop, mug=1, teapot=1)
    await desk.do("pick", {"lines": [{"sku": MUG, "quantity": 1}]})
    answer = await desk.do("ready")

    assert (answer.status_code, answer.json()["missing"]) == (409, [TEAPOT])


async def test_goods_of_a_line_that_was_given_up_can_be_put_back_while_the_rest_goes_on(
    shop: Shop,
):
    desk = await a_desk(shop, mug=2, teapot=1)
    await desk.do("pick", {"lines": [{"sku": MUG, "quantity": 2}]})
    await desk.do("decline", {"reason": "damaged", "lines": [MUG]})
    waiting = await level(shop)
    back = await desk.do("put-back")
    code = await desk.make_ready(teapot=1)
    given = await desk.do("handover", {"code": code})

    assert (waiting, back.json()["state"], await level(shop)) == ((10, 2), "picking", (10, 0))
    assert given.json()["state"] == "collected"
    assert (await desk.do("put-back", key="again")).status_code == 409


async def test_what_lies_picked_in_vain_can_be_put_back_after_the_rest_was_collected(shop: Shop):
    desk = await a_desk(shop, mug=2, teapot=1)
    await desk.do("pick", {"lines": [{"sku": MUG, "quantity": 2}]})
    await desk.do("decline", {"reason": "damaged", "lines": [MUG]})
    await desk.do("handover", {"code": await desk.make_ready(teapot=1)})
    back = await desk.do("put-back")

    assert (back.status_code, back.json()["state"]) == (200, "collected")
    assert await level(shop) == (10, 0)


async def test_two_lines_that_share_a_part_take_it_off_the_shelf_together(shop: Shop):
    desk = await a_desk(shop, mug=1, tea_set=2)
    code = await desk.make_ready(mug=1, tea_set=2)
    await desk.do("handover", {"code": code})

    assert (await level(shop), await level(shop, TEAPOT)) == ((5, 0), (8, 0))


async def test_a_code_that_opens_another_waiting_pickup_is_not_given_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    codes = type(shop.house.codes)
    theirs = codes.handover_code
    monkeypatch.setattr(
        codes,
        "handover_code",
        lambda self, pickup, revision: (
            "SAMECODE" if revision == 1 else theirs(self, pickup, revision)
        ),
    )
    first, second = await a_desk(shop, mug=1), await a_desk(shop, mug=1)

    assert await first.make_ready(mug=1) == "SAMECODE"
    assert await second.make_ready(mug=1) != "SAMECODE"


async def test_a_code_that_was_used_says_when_and_where(shop: Shop):
    desk = await a_desk(shop, mug=2)
    code = await desk.make_ready(mug=2)
    await desk.do("handover", {"code": code})
    shown = await shop.client.post(
        f"/v1/stores/{HARBOUR}/pickups/identify", json={"code": code}, headers=desk.till
    )
    wrong = await desk.do("handover", {"code": "WRONG"}, key="wrong")

    assert (shown.status_code, shown.json()["code"]) == (409, "already_collected")
    assert (shown.json()["store"], wrong.json()["code"]) == (HARBOUR, "already_collected")


async def test_when_it_was_collected_is_told_by_the_clock_on_the_stores_wall(shop: Shop):
    desk = await a_desk(shop, mug=1)
    code = await desk.make_ready(mug=1)
    given = await desk.do("handover", {"code": code})
    shown = await shop.client.post(
        f"/v1/stores/{HARBOUR}/pickups/identify", json={"code": code}, headers=desk.till
    )
    again = await desk.do("handover", {"code": code})
    late = await desk.cancel()

    assert given.json()["collected_at"].endswith(("+01:00", "+02:00"))
    assert {told.json()["collected_at"] for told in (given, shown, again, late)} == {
        given.json()["collected_at"]
    }


async def test_one_pickup_that_cannot_expire_holds_up_no_other(shop: Shop):
    desks = [await a_desk(shop, mug=1) for _ in range(3)]
    for desk in desks:
        await desk.make_ready(mug=1)
    async with shop.units.begin() as unit:
        past = unit.now - timedelta(minutes=1)
        await unit.connection.execute("update pickups set collect_by = $1", past)
        await unit.connection.execute(
            "update pickups set lines = '[{\"sku\": 7}]' where id = $1", desks[0].pickup
        )

    assert await expire_pickups(shop.units) == 2


@pytest.mark.parametrize("verb", ["pick", "handover"])
async def test_a_line_that_stands_twice_is_refused(shop: Shop, verb: str):
    desk = await a_desk(shop, mug=3)
    code = await desk.make_ready(mug=3) if verb == "handover" else ""
    twice = [{"sku": MUG, "quantity": 1}, {"sku": MUG, "quantity": 2}]
    body = {"lines": twice} | ({"code": code} if code else {})
    answer = await desk.do(verb, body, key="twice")

    assert (answer.status_code, answer.json()["code"]) == (422, "repeated_line")


@pytest.mark.parametrize("proof", [" ", "\t\n", "ab", " ab  "])
async def test_a_proof_that_says_nothing_opens_nothing(shop: Shop, proof: str):
    desk = await a_desk(shop, mug=2)
    await desk.make_ready(mug=2)
    desk.till = await shop.associate(HARBOUR)
    refused = await desk.do("handover", {"code": "", "proof": proof})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/proof"
    assert (await desk.look())["state"] == "ready"


async def test_what_is_ready_may_be_moved_to_another_bin_and_nobody_is_told_again(shop: Shop):
    desk = await a_desk(shop, mug=2)
    code = await desk.make_ready(mug=2)
    moved = (await desk.do("ready", {"bin": "B7"}, key="moved")).json()
    again = (await desk.do("ready", {}, key="second-tap")).json()

    assert (moved["state"], moved["bin"], again["bin"]) == ("ready", "B7", "B7")
    assert again["version"] == moved["version"]
    assert (
        await figures(shop, "select count(*) from outbox_events where kind = 'pickup_ready'") == 1
    )
    assert (await desk.look())["code"] == code
