"""A SKU stands in a cart once for each way in which it reaches its buyer."""

from typing import Any

import pytest

from tests.support.api.cart_holds import hold, look
from tests.support.api.cart_lines import THERE, a_split_cart, put_at
from tests.support.api.carts import HERE, a_cart
from tests.support.api.holds import held
from tests.support.api.orders import figures, order
from tests.support.api.pickups import Desk
from tests.support.examples import HARBOUR, HILL, MUG, shelve
from tests.support.shop import Shop

SENT = {"method": "ship", "store": None}


async def drop_at(shop: Shop, cart: dict[str, Any], at: str) -> Any:
    address = f"/v1/carts/{cart['id']}/lines/{MUG}{at and '?'}{at}"
    return await shop.client.delete(address, headers=cart["headers"])


def lines(answer: Any) -> list[tuple[int, Any]]:
    assert answer.status_code == 200, answer.text
    return [(line["quantity"], line["fulfilment"]) for line in answer.json()["lines"]]


async def test_some_are_collected_here_and_some_there(shop: Shop):
    cart = await a_split_cart(shop, await shop.page())
    answer = await put_at(shop, cart, f"store={HILL}", 4)

    assert lines(answer) == [(2, HERE), (4, THERE)]
    assert [(group["store"], group["lines"]) for group in answer.json()["groups"]] == [
        (HARBOUR, [MUG]),
        (HILL, [MUG]),
    ]
    assert answer.json()["totals"]["goods"]["amount"] == 6000


async def test_some_are_sent_and_some_collected(shop: Shop):
    cart = await a_cart(shop, await shop.page(), mug=1)
    answer = await put_at(shop, cart, "method=ship", 2)

    assert lines(answer) == [(1, HERE), (2, SENT)]


async def test_a_line_is_named_where_there_are_several(shop: Shop):
    cart = await a_split_cart(shop, await shop.page())
    refused = [await put_at(shop, cart, "", 1), await drop_at(shop, cart, "")]
    dropped = await drop_at(shop, cart, f"store={HARBOUR}")
    only_one = await put_at(shop, cart, "", 5)

    assert [(no.status_code, no.json()["code"]) for no in refused] == [(409, "several_lines")] * 2
    assert refused[0].json()["fulfilments"] == [HERE, THERE]
    assert lines(dropped) == [(3, THERE)]
    assert lines(only_one) == [(5, THERE)]


async def test_a_line_that_is_switched_joins_the_one_that_is_there(shop: Shop):
    cart = await a_split_cart(shop, await shop.page())
    first, again = [
        await put_at(shop, cart, f"store={HARBOUR}", 2, fulfilment=THERE) for _ in range(2)
    ]

    assert lines(first) == [(5, THERE)]
    assert again.json()["version"] == first.json()["version"]


async def test_a_line_that_said_nothing_takes_the_first_way_that_is_named(shop: Shop):
    cart = await a_cart(shop, await shop.page())
    await put_at(shop, cart, "", 2)
    answer = await put_at(shop, cart, f"store={HILL}", 3)

    assert lines(answer) == [(3, THERE)]


async def test_all_in_one_store_is_one_line_again(shop: Shop):
    cart = await a_split_cart(shop, await shop.page())
    answer = await shop.client.put(
        f"/v1/carts/{cart['id']}/fulfilment", json=THERE, headers=cart["headers"]
    )

    assert lines(answer) == [(5, THERE)]


async def test_lines_that_do_not_fit_on_one_stay_two(shop: Shop):
    cart = await a_split_cart(shop, await shop.page())
    await put_at(shop, cart, f"store={HILL}", 998)
    switched = await put_at(shop, cart, f"store={HARBOUR}", 2, fulfilment=THERE)
    after = await look(shop, cart)

    assert (switched.status_code, switched.json()["code"]) == (422, "too_many_units")
    assert [line["quantity"] for line in after["lines"]] == [2, 998]


@pytest.mark.parametrize(
    ("at", "parameter", "code"),
    [
        ("store=moon", "store", "unknown_store"),
        ("method=pickup", "store", "required"),
        (f"method=ship&store={HARBOUR}", "store", "unknown_field"),
        ("method=drone", "method", "enum"),
    ],
)
async def test_an_address_that_no_line_can_have_names_its_parameter(
    shop: Shop, at: str, parameter: str, code: str
):
    cart = await a_cart(shop, await shop.page())
    answer = await put_at(shop, cart, at, 1)

    [error] = answer.json()["errors"]
    assert answer.status_code == 422
    assert (error["parameter"], error["in"]) == (parameter, "query")
    assert code == error["code"] or parameter == "method"


async def test_one_key_does_not_answer_for_another_line(shop: Shop):
    cart = await a_cart(shop, await shop.page())
    keyed = cart | {"headers": cart["headers"] | {"Idempotency-Key": "same"}}
    await put_at(shop, keyed, f"store={HARBOUR}", 1)
    other = await put_at(shop, keyed, f"store={HILL}", 1)

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_each_line_is_held_in_its_own_store(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2)
    await shelve(shop.units, HILL, mug=2)
    cart = await a_split_cart(shop, await shop.page())
    short = await hold(shop, cart)
    await put_at(shop, cart, f"store={HILL}", 1)
    kept = await hold(shop, cart)

    assert [(error["store"], error["wanted"]) for error in short.json()["errors"]] == [(HILL, 3)]
    assert kept.status_code == 200
    assert (await held(shop), await held(shop, store=HILL)) == ((2, 0), (1, 1))


async def test_an_order_of_one_thing_in_two_stores_is_settled_line_by_line(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=2)
    await shelve(shop.units, HILL, mug=3)
    me = await shop.customer()
    placed = (await order(shop, await a_split_cart(shop, me))).json()
    here, there = (group["pickup"] for group in placed["groups"])
    desk = Desk(shop, me, await shop.till(HARBOUR), here)
    code = await desk.make_ready(mug=2)
    await desk.do("handover", {"code": code})
    await Desk(shop, me, await shop.till(HILL), there).cancel()
    after = (await shop.client.get(f"/v1/orders/{placed['id']}", headers=me)).json()
    rewards = await shop.client.get("/v1/me/rewards", headers=me)

    assert placed["points"]["to_earn"] == 50
    assert [
        (line["line"], line["quantity"], line["collected"], line["cancelled"])
        for line in after["lines"]
    ] == [(MUG, 2, 2, 0), (f"{MUG}/2", 3, 0, 3)]
    assert (after["state"], after["totals"]["to_pay"]["amount"]) == ("fulfilled", 2000)
    balance = rewards.json()["balance"]
    assert (balance["available"], balance["pending"]) == (20, 0)
    async with shop.units.read() as unit:
        assert [one.name for one in await unit.administration.audit.check() if not one.ok] == []


async def test_a_claim_keeps_two_ways_of_one_thing_apart(shop: Shop):
    me = await shop.customer()
    mine = await a_split_cart(shop, me)
    guest = await a_split_cart(shop, await shop.page())
    await drop_at(shop, guest, f"store={HARBOUR}")
    token = {"Cart-Token": guest["headers"]["Cart-Token"]}
    claimed = await shop.client.post(f"/v1/carts/{guest['id']}/claim", json={}, headers=me | token)

    assert claimed.json()["id"] == mine["id"]
    assert lines(claimed) == [(2, HERE), (6, THERE)]


async def test_a_claim_takes_the_guests_store_where_each_has_one(shop: Shop):
    me = await shop.customer()
    await a_cart(shop, me, mug=3)
    guest = await a_cart(shop, await shop.page())
    await put_at(shop, guest, f"store={HILL}", 2)
    token = {"Cart-Token": guest["headers"]["Cart-Token"]}
    claimed = await shop.client.post(f"/v1/carts/{guest['id']}/claim", json={}, headers=me | token)

    assert lines(claimed) == [(5, THERE)]


async def test_orders_from_before_lines_had_names_have_those_of_their_skus(shop: Shop):
    await shelve(shop.units, mug=1)
    cart = await a_cart(shop, await shop.page(), mug=1)
    placed = (await order(shop, cart)).json()
    await figures(shop, "update orders set lines = lines #- '{0,line}' returning id")
    after = await shop.client.get(f"/v1/orders/{placed['id']}", headers=cart["headers"])

    assert after.json()["lines"][0]["line"] == MUG
