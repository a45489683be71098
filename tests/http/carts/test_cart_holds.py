import asyncio
from collections import Counter
from datetime import datetime, timedelta

from service.inventory.holds import expire_holds
from tests.support.api.cart_holds import claim, hold, look
from tests.support.api.carts import a_cart, put
from tests.support.api.holds import held, let_time_pass, line
from tests.support.api.holds import hold as hold_stock
from tests.support.api.orders import level, order
from tests.support.api.receipts import line as receipt_line
from tests.support.api.receipts import sale, tell
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, shelve
from tests.support.shop import Shop


async def test_a_cart_holds_its_lines_and_does_not_count_against_itself(shop: Shop):
    await shelve(shop.units, mug=3, teapot=1)
    cart = await a_cart(shop, await shop.page(), tea_set=1, mug=1)
    kept = (await hold(shop, cart)).json()

    assert kept["held_until"] is not None
    assert [line["problems"] for line in kept["lines"]] == [[], []]
    assert (await held(shop, MUG), await held(shop, TEAPOT)) == ((3, 0), (1, 0))
    assert (await look(shop, cart))["held_until"] == kept["held_until"]


async def test_another_shopper_is_told_that_there_is_none(shop: Shop):
    await shelve(shop.units, mug=1)
    page = await shop.page()
    mine, other = await a_cart(shop, page, mug=1), await a_cart(shop, page, mug=1)
    await hold(shop, mine)
    refused = await order(shop, other)
    placed = await order(shop, mine)

    assert (refused.status_code, placed.status_code) == (409, 201)
    assert (await level(shop), await held(shop)) == ((1, 1), (0, 0))


async def test_fewer_in_the_cart_are_free_at_once(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=3)
    await hold(shop, cart)
    await put(shop, cart["id"], cart["headers"], MUG, 1)

    assert await held(shop) == (1, 2)


async def test_another_store_frees_the_one_before(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=3)
    await shelve(shop.units, HILL, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=2)
    await hold(shop, cart)
    there = {"method": "pickup", "store": HILL}
    await put(shop, cart["id"], cart["headers"], MUG, 2, fulfilment=there)
    between = (await held(shop), await held(shop, store=HILL))
    await hold(shop, cart)

    assert between == ((0, 3), (0, 3))
    assert (await held(shop), await held(shop, store=HILL)) == ((0, 3), (2, 1))


async def test_a_hold_that_cannot_grow_stays_as_it_was(shop: Shop):
    await shelve(shop.units, mug=3)
    cart = await a_cart(shop, await shop.page(), mug=2)
    await hold(shop, cart)
    await put(shop, cart["id"], cart["headers"], MUG, 9)
    refused = await hold(shop, cart)

    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
    assert await held(shop) == (2, 1)


async def test_an_order_after_the_hold_is_over_claims_again_if_it_can(shop: Shop):
    await shelve(shop.units, mug=1)
    page = await shop.page()
    late, quick = await a_cart(shop, page, mug=1), await a_cart(shop, page, mug=1)
    await hold(shop, late)
    await let_time_pass(shop, 16)
    placed = await order(shop, quick)
    refused = await order(shop, late)
    await expire_holds(shop.units)

    assert (placed.status_code, refused.status_code) == (201, 409)
    assert (await level(shop), await held(shop)) == ((1, 1), (0, 0))


async def test_the_late_owner_still_gets_what_nobody_took(shop: Shop):
    await shelve(shop.units, mug=1)
    cart = await a_cart(shop, await shop.page(), mug=1)
    await hold(shop, cart)
    await let_time_pass(shop, 16)

    assert (await order(shop, cart)).status_code == 201
    assert (await level(shop), await held(shop)) == ((1, 1), (0, 0))


async def test_what_is_held_is_honoured_after_safety_stock_was_raised(shop: Shop):
    await shelve(shop.units, mug=3)
    page = await shop.page()
    mine, other = await a_cart(shop, page, mug=1), await a_cart(shop, page, mug=1)
    await hold(shop, mine)
    async with shop.units.begin() as unit:
        await unit.connection.execute("update stock_levels set safety_stock = 3")

    assert (await hold(shop, other)).status_code == 409
    assert (await order(shop, mine)).status_code == 201


async def test_a_hold_a_sweep_and_an_order_at_once_leave_the_shelf_right(shop: Shop):
    await shelve(shop.units, mug=10)
    page = await shop.page()
    carts = [await a_cart(shop, page, mug=1) for _ in range(10)]
    await asyncio.gather(*(hold(shop, cart) for cart in carts))
    await let_time_pass(shop, 16)

    answers = await asyncio.gather(
        *(order(shop, cart) for cart in carts[:5]),
        *(hold(shop, cart) for cart in carts[5:]),
        expire_holds(shop.units),
        expire_holds(shop.units),
    )

    assert Counter(answer.status_code for answer in answers[:10]) == {201: 5, 200: 5}
    assert await level(shop) == (10, 5)
    assert await held(shop) == (5, 0)


async def test_a_claim_keeps_what_the_guest_held_when_the_cart_moves(shop: Shop):
    await shelve(shop.units, mug=2, teapot=1)
    guest = await a_cart(shop, await shop.page(), mug=2)
    await hold(shop, guest)
    me = await shop.customer()
    token = {"Cart-Token": guest["headers"]["Cart-Token"]}
    claimed = await shop.client.post(f"/v1/carts/{guest['id']}/claim", json={}, headers=me | token)

    assert claimed.json()["held_until"] is not None
    assert await held(shop) == (2, 0)


async def test_a_merge_lets_go_of_what_the_guest_held(shop: Shop):
    await shelve(shop.units, mug=3, teapot=2)
    me = await shop.customer()
    await a_cart(shop, me, tea_set=1)
    guest = await a_cart(shop, await shop.page(), mug=2)
    await hold(shop, guest)
    token = {"Cart-Token": guest["headers"]["Cart-Token"]}
    await shop.client.post(f"/v1/carts/{guest['id']}/claim", json={}, headers=me | token)

    assert await held(shop) == (0, 3)


async def test_what_a_guest_held_is_the_customers_after_the_log_in(shop: Shop):
    await shelve(shop.units, mug=50)
    me = await shop.customer()
    guest = await a_cart(shop, await shop.page(), mug=15)
    await hold(shop, guest)
    await claim(shop, guest, me)
    more = await hold_stock(shop, me, line(quantity=6))
    await tell(shop, sale("r-1", receipt_line(MUG, 15), minutes=0, member="sample-1"))

    assert (more.status_code, more.json()["code"]) == (409, "hold_limit")
    assert await held(shop) == (0, 35)


async def test_a_merge_frees_what_the_customers_own_cart_no_longer_asks_for(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=3)
    me = await shop.customer()
    mine = await a_cart(shop, me, mug=1)
    await hold(shop, mine)
    guest = await a_cart(shop, await shop.page())
    there = {"method": "pickup", "store": HILL}
    await put(shop, guest["id"], guest["headers"], MUG, 2, fulfilment=there)
    await claim(shop, guest, me)

    assert await held(shop) == (0, 3)


async def test_whoever_is_busy_with_a_cart_keeps_it_for_an_hour_at_most(shop: Shop):
    await shelve(shop.units, mug=5)
    cart = await a_cart(shop, await shop.page(), mug=2)
    first = (await hold(shop, cart)).json()["held_until"]
    ends = [datetime.fromisoformat(first)]
    for minute in range(10, 121, 10):
        async with shop.units.begin() as unit:  # ten minutes ago all this was
            await unit.connection.execute(
                "update holds set created_at = created_at - interval '10 min',"
                " held_until = held_until - interval '10 min'"
            )
            await unit.connection.execute(
                "update hold_units set held_until = held_until - interval '10 min'"
            )
        seen = await put(shop, cart["id"], cart["headers"], TEAPOT, 1 + minute // 10 % 2)
        if until := seen.json()["held_until"]:
            ends.append(datetime.fromisoformat(until) + timedelta(minutes=minute))

    assert ends == sorted(ends)
    assert timedelta(minutes=44) < ends[-1] - ends[0] < timedelta(minutes=46)
    assert seen.json()["held_until"] is None
