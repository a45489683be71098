import asyncio
from typing import Any

import pytest

from tests.support.api.cancellations import cancel, mixed, send
from tests.support.api.carts import a_cart, put
from tests.support.api.order_views import HOME, line_of, seen, sent_home
from tests.support.api.orders import figures, level, order
from tests.support.api.pickups import a_desk, points
from tests.support.concurrency import all_wait, keeping, queue
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, shelve
from tests.support.shop import Shop


def states(told: Any) -> dict[str, str]:
    return {group["method"]: group["state"] for group in told["groups"]}


async def test_who_cancels_the_pickup_still_gets_the_parcel(shop: Shop):
    me = await shop.customer()
    placed = await mixed(shop, me)
    answer = await cancel(shop, me, placed["id"], lines=[{"sku": MUG, "quantity": 2}])

    assert answer.status_code == 200, answer.text
    assert states(answer.json()) == {"pickup": "cancelled", "ship": "placed"}
    assert answer.json()["totals"]["to_pay"]["amount"] == 50000
    assert answer.json()["state"] == "placed"
    assert (await level(shop), await level(shop, TEAPOT)) == ((9, 0), (9, 2))
    assert answer.json() == await seen(shop, me, placed["id"])


async def test_an_order_is_cancelled_whole_with_its_points(shop: Shop):
    me = await shop.customer()
    placed = await mixed(shop, me)
    answer = await cancel(shop, me, placed["id"], reason="changed_my_mind")
    told = await shop.client.get(f"/v1/orders/{placed['id']}/timeline", headers=me)

    assert states(answer.json()) == {"pickup": "cancelled", "ship": "cancelled"}
    assert (answer.json()["state"], answer.json()["points"]) == ("cancelled", {"to_earn": 0})
    assert (await level(shop), await level(shop, TEAPOT)) == ((9, 0), (9, 0))
    assert [(one["what"], one.get("reason")) for one in told.json()["items"]] == [
        ("placed", None),
        ("cancelled", "changed_my_mind"),
        ("cancelled", "changed_my_mind"),
    ]


async def test_some_units_of_a_line_are_cancelled_once_however_often_it_is_sent(shop: Shop):
    desk = await a_desk(shop, mug=3)
    name = (await desk.look())["order"]
    wish = {"lines": [{"line": MUG, "quantity": 1}]}
    first = await cancel(shop, desk.me, name, "same", **wish)
    second = await cancel(shop, desk.me, name, "same", **wish)

    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (line_of(first.json())["cancelled"], states(first.json())) == (1, {"pickup": "placed"})
    assert (await level(shop), await points(desk)) == ((10, 2), (20, 0))


async def test_all_that_is_named_is_cancelled_or_nothing(shop: Shop):
    me = await shop.customer()
    placed = await mixed(shop, me)
    lines = [{"sku": MUG, "quantity": 1}, {"sku": TEAPOT, "quantity": 3}]
    answer = await cancel(shop, me, placed["id"], lines=lines)

    assert (answer.status_code, answer.json()["code"]) == (422, "unexpected_line")
    assert answer.json()["remaining"] == {TEAPOT: 2}
    assert (await level(shop), await level(shop, TEAPOT)) == ((9, 2), (9, 2))


async def test_a_sku_on_two_lines_must_be_named_by_its_line_or_its_group(shop: Shop):
    await shelve(shop.units, mug=9)
    me = await shop.customer()
    cart = await a_cart(shop, me, mug=1)
    await shop.client.put(
        f"/v1/carts/{cart['id']}/lines/{MUG}?method=ship", json={"quantity": 2}, headers=me
    )
    placed = (await order(shop, cart, address=HOME)).json()
    sent = next(group["shipment"] for group in placed["groups"] if group["method"] == "ship")
    vague = await cancel(shop, me, placed["id"], lines=[{"sku": MUG, "quantity": 1}])
    twice = [{"line": f"{MUG}/2", "quantity": 1}, {"sku": MUG, "group": sent, "quantity": 1}]
    doubled = await cancel(shop, me, placed["id"], lines=twice)
    named = await cancel(shop, me, placed["id"], lines=twice[1:])

    assert (vague.status_code, vague.json()["code"]) == (409, "several_lines")
    assert [one["line"] for one in vague.json()["lines"]] == [MUG, f"{MUG}/2"]
    assert (doubled.status_code, doubled.json()["code"]) == (422, "repeated_line")
    assert [one["cancelled"] for one in named.json()["lines"]] == [0, 1]


async def test_a_store_cancels_what_it_prepares_and_no_more(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=9)
    await shelve(shop.units, HILL, teapot=9)
    me = await shop.customer()
    cart = await a_cart(shop, me, mug=1)
    there = {"method": "pickup", "store": HILL}
    await put(shop, cart["id"], me, TEAPOT, 1, fulfilment=there)
    name = (await order(shop, cart)).json()["id"]
    harbour, office = await shop.till(HARBOUR), await shop.office()
    foreign = await cancel(shop, harbour, name, lines=[{"sku": TEAPOT, "quantity": 1}])
    own = await cancel(shop, harbour, name)
    again = await cancel(shop, harbour, name)
    rest = await cancel(shop, office, name)

    assert (foreign.status_code, foreign.json()["code"]) == (422, "unexpected_line")
    assert [one["pointer"] for one in foreign.json()["errors"]] == ["/lines/0/sku"]
    assert [one["state"] for one in own.json()["groups"]] == ["cancelled", "placed"]
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_cancel")
    assert [one["state"] for one in rest.json()["groups"]] == ["cancelled", "cancelled"]


async def test_a_stranger_cancels_nothing(shop: Shop):
    desk = await a_desk(shop, mug=1)
    name = (await desk.look())["order"]
    strangers = [await shop.customer("sample-2"), await shop.page(), await shop.till(HILL)]
    answers = [await cancel(shop, stranger, name) for stranger in strangers]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert await level(shop) == (10, 1)


async def test_what_was_picked_waits_to_be_put_back(shop: Shop):
    desk = await a_desk(shop, mug=2)
    await desk.make_ready(mug=2)
    answer = await cancel(shop, desk.me, (await desk.look())["order"])
    waiting = await level(shop)
    await desk.do("put-back")

    assert answer.json()["state"] == "cancelled"
    assert (waiting, await level(shop)) == ((10, 2), (10, 0))


async def test_what_was_collected_is_kept_and_the_rest_is_cancelled(shop: Shop):
    desk = await a_desk(shop, mug=3)
    code = await desk.make_ready(mug=3)
    await desk.do("handover", {"code": code, "lines": [{"sku": MUG, "quantity": 2}]})
    answer = await cancel(shop, desk.me, (await desk.look())["order"])

    assert line_of(answer.json()) == {
        "quantity": 3,
        "cancelled": 1,
        "picked": 3,
        "ready": 0,
        "collected": 2,
        "shipped": 0,
        "returned": 0,
    }
    assert answer.json()["totals"]["to_pay"]["amount"] == 2000


async def test_a_parcel_that_has_left_is_no_longer_cancelled(shop: Shop):
    await shelve(shop.units, mug=9)
    me = await shop.customer()
    placed = await sent_home(shop, me, mug=2)
    await send(shop, placed["groups"][0]["shipment"], 1)
    some = await cancel(shop, me, placed["id"])
    late = await cancel(shop, me, placed["id"])
    named = await cancel(shop, me, placed["id"], lines=[{"sku": MUG, "quantity": 1}])

    assert (line_of(some.json())["shipped"], line_of(some.json())["cancelled"]) == (1, 1)
    assert (late.status_code, late.json()["code"]) == (409, "already_shipped")
    assert (named.status_code, named.json()["code"]) == (409, "already_shipped")


@pytest.mark.parametrize("named", [True, False])
async def test_of_a_handover_and_a_cancellation_one_wins(shop: Shop, *, named: bool):
    wish: Any = {"lines": [{"sku": MUG, "quantity": 2}]} if named else {}
    outcomes = []
    for first in ("handover", "cancel"):
        desk = await a_desk(shop, mug=2)
        code, name = await desk.make_ready(mug=2), (await desk.look())["order"]
        rivals = [desk.do("handover", {"code": code}), cancel(shop, desk.me, name, **wish)]
        answers = await queue(shop, *(rivals if first == "handover" else reversed(rivals)))
        ended = (await seen(shop, desk.me, name))["state"]
        outcomes.append(([answer.status_code for answer in answers], ended))

    assert outcomes == [([200, 409], "fulfilled"), ([200, 409], "cancelled")]


async def test_two_who_cancel_the_same_at_once_cancel_it_once(shop: Shop):
    me = await shop.customer()
    placed = await mixed(shop, me)
    both = [cancel(shop, me, placed["id"]), cancel(shop, await shop.office(), placed["id"])]
    answers = await queue(shop, *both)

    assert [answer.status_code for answer in answers] == [200, 409]
    assert (await level(shop), await level(shop, TEAPOT)) == ((9, 0), (9, 0))


async def test_shelves_of_all_groups_are_locked_in_one_order_whatever_the_order_of_groups(
    shop: Shop,
):
    await shelve(shop.units, HARBOUR, mug=9)
    await shelve(shop.units, HILL, teapot=9)
    me = await shop.customer()
    cart = await a_cart(shop, me)
    for sku, how in ((TEAPOT, {"method": "pickup", "store": HILL}), (MUG, {"method": "ship"})):
        await put(shop, cart["id"], me, sku, 1, fulfilment=how)
    placed = (await order(shop, cart, address=HOME)).json()
    async with keeping(
        shop, f"select from stock_levels where store = '{HARBOUR}' for update"
    ) as rival:
        cancelling = asyncio.ensure_future(cancel(shop, me, placed["id"]))
        await all_wait(shop, 1)
        await rival.execute(f"select from stock_levels where store = '{HILL}' for update nowait")
    answer = await cancelling

    assert [one["store"] for one in placed["groups"]] == [HILL, HARBOUR]
    assert answer.json()["state"] == "cancelled"
    assert await figures(shop, "select sum(allocated) from stock_levels") == 0
