"""Carts that are placed together, in one transaction, and rounds of them that are in their way."""

import asyncio
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from msgspec import convert
from msgspec.structs import replace

from adapters.postgres.db.pool import SESSION_SETTINGS, connect
from adapters.postgres.db.statements import Statement
from adapters.postgres.db.unit_of_work import PostgresUnits, utc_now
from adapters.postgres.inventory.repositories.stock_levels import LOCK
from domain.foundation.callers import Caller, Role
from domain.inventory.stock_levels import InsufficientStock
from domain.kernel.errors import DomainError, Locked, TransactionConflict
from service.orders.checkout.build_order import Checkout, CheckoutCommand
from service.orders.checkout.place_order import PlacedOrder, PlaceOrderResult, place_orders
from service.payments.payment_methods import PaymentMethods
from service.shared.batching import Batcher
from tests.support.api.cart_holds import hold
from tests.support.api.carts import a_cart
from tests.support.api.checkout_batches import in_a_round_of_its_own, wish
from tests.support.api.orders import CHECKOUT, figures, level, order
from tests.support.api.prices import coupon, take, uses
from tests.support.api.receipts import sound
from tests.support.api.shipments import ADDRESS
from tests.support.api.shipments import a_cart as a_cart_to_send
from tests.support.concurrency import all_wait, deadlocks, keeping
from tests.support.examples import HARBOUR, HILL, MUG, TEAPOT, shelve
from tests.support.place_cart import place_cart
from tests.support.shop import Shop

SENT: dict[str, Any] = {"address": ADDRESS, "payment": {"method": "on_account"}}
CASHIER = PaymentMethods(on_account=True)


async def together(shop: Shop, *wishes: CheckoutCommand) -> list[Any]:
    return await place_orders(shop.units, CASHIER, wishes)


def names(answers: list[Any]) -> list[str]:
    return [one.error_code if isinstance(one, DomainError) else "placed" for one in answers]


async def test_each_cart_becomes_an_order_of_its_own(shop: Shop):
    await shelve(shop.units, mug=9, teapot=2)
    me, page = await shop.customer(), await shop.page()
    mine, theirs = await a_cart(shop, me, mug=2), await a_cart(shop, page, mug=1, teapot=1)
    member = (await shop.client.get("/v1/me", headers=me)).json()["id"]
    caller = Caller(Role.CUSTOMER, member, customer=member)
    first, second = await together(
        shop,
        CheckoutCommand(
            caller, mine["id"], convert(CHECKOUT, Checkout), "en", wish(shop, mine).key
        ),
        wish(shop, theirs),
    )

    orders = [first.placed.order, second.placed.order]
    assert [[line.quantity for line in one.lines] for one in orders] == [[2], [1, 1]]
    assert [one.cart for one in orders] == [mine["id"], theirs["id"]]
    assert [one.points.to_earn > 0 for one in orders] == [True, False]
    assert await figures(shop, "select count(*) from pickups") == 2
    assert await figures(shop, "select count(*) from order_timeline where kind = 'placed'") == 2
    assert await figures(shop, "select count(*) from outbox_events") == 2
    assert (
        await figures(shop, "select sum(pending) from loyalty_members") == orders[0].points.to_earn
    )
    assert (await level(shop), await level(shop, TEAPOT)) == ((9, 3), (2, 1))
    assert await sound(shop)


async def test_whom_it_refuses_stands_in_nobodys_way(shop: Shop):
    await shelve(shop.units, mug=9)
    page = await shop.page()
    carts = [await a_cart(shop, page, **lines) for lines in ({"mug": 1}, {}, {"mug": 10})]
    stranger = await a_cart(shop, page, mug=1)
    last = await a_cart(shop, page, mug=3)
    answers = await together(
        shop,
        *(wish(shop, cart) for cart in carts),
        wish(shop, {"id": "crt_nobody"}),
        CheckoutCommand(
            Caller(Role.SHOP, "key_page"),
            stranger["id"],
            convert(CHECKOUT, Checkout),
            "en",
            wish(shop, stranger).key,
        ),
        wish(shop, last),
    )

    expected = ["placed", "cart_empty", "insufficient_stock", "not_found", "not_found", "placed"]
    assert names(answers) == expected
    assert await level(shop) == (9, 4)
    assert (
        await figures(shop, "select count(*) from idempotency_keys where response is not null") == 2
    )
    assert await figures(shop, "select count(*) from carts where state = 'open'") == 3
    assert await sound(shop)


async def test_the_last_one_goes_to_who_came_first(shop: Shop):
    await shelve(shop.units, mug=3)
    page = await shop.page()
    carts = [await a_cart(shop, page, mug=2), *[await a_cart(shop, page, mug=1) for _ in range(3)]]
    answers = await together(shop, *(wish(shop, cart) for cart in carts))

    assert names(answers) == ["placed", "placed", "insufficient_stock", "insufficient_stock"]
    assert answers[2].errors[0]["available"] == 0
    assert await level(shop) == (3, 3)


async def test_what_one_of_them_holds_is_nobody_elses(shop: Shop):
    await shelve(shop.units, mug=2)
    page = await shop.page()
    late, holder = await a_cart(shop, page, mug=1), await a_cart(shop, page, mug=2)
    assert (await hold(shop, holder)).status_code == 200
    answers = await together(shop, wish(shop, late), wish(shop, holder))

    assert names(answers) == ["insufficient_stock", "placed"]
    assert await figures(shop, "select count(*) from holds where state = 'converted'") == 1
    assert await figures(shop, "select sum(held) from stock_levels") == 0
    assert await sound(shop)


@pytest.mark.parametrize("holder_first", [True, False])
async def test_what_a_hold_kept_that_is_over_is_there_once(
    shop: Shop, database_url: str, *, holder_first: bool
):
    """Nobody has swept it yet."""
    await shelve(shop.units, mug=1)
    page = await shop.page()
    holder, other = await a_cart(shop, page, mug=1), await a_cart(shop, page, mug=1)
    assert (await hold(shop, holder)).status_code == 200
    ahead = timedelta(minutes=15, seconds=1)
    later = PostgresUnits(connect(database_url), clock=lambda: utc_now() + ahead)
    carts = [holder, other] if holder_first else [other, holder]
    answers = await place_orders(later, CASHIER, [wish(shop, cart) for cart in carts])
    await later.close()

    assert names(answers) == ["placed", "insufficient_stock"]
    assert await level(shop) == (1, 1)


async def test_the_last_use_of_a_coupon_goes_to_who_came_first(shop: Shop):
    await shelve(shop.units, mug=9)
    await coupon(shop, uses_max=2)
    carts = [await a_cart(shop, await shop.page(), mug=1) for _ in range(3)]
    for cart in carts:
        await take(shop, cart)
    answers = await together(shop, *(wish(shop, cart) for cart in carts))

    assert names(answers) == ["placed", "placed", "coupon_used_up"]
    assert await uses(shop) == 2
    assert await level(shop) == (9, 2)
    assert await sound(shop)


async def test_who_is_refused_has_used_no_coupon(shop: Shop):
    await shelve(shop.units, mug=1)
    await coupon(shop, uses_max=1)
    carts = [await a_cart(shop, await shop.page(), mug=count) for count in (2, 1)]
    for cart in carts:
        await take(shop, cart)

    assert names(await together(shop, *(wish(shop, cart) for cart in carts))) == [
        "insufficient_stock",
        "placed",
    ]
    assert await uses(shop) == 1


async def test_what_is_sent_comes_from_where_the_others_left_some(shop: Shop):
    await shelve(shop.units, HARBOUR, mug=1)
    await shelve(shop.units, HILL, mug=1)
    page = await shop.page()
    carts = [await a_cart_to_send(shop, page, {MUG: 1}) for _ in range(2)]
    answers = await together(shop, *(wish(shop, cart, **SENT) for cart in carts))

    stores = [group.store for one in answers for group in one.placed.order.groups]
    assert sorted(stores) == [HARBOUR, HILL]
    assert await sound(shop)


async def test_who_asks_for_more_than_there_is_takes_nothing_from_whom_comes_after(shop: Shop):
    await shelve(shop.units, mug=5)
    page = await shop.page()
    greedy = [await a_cart(shop, page, mug=9) for _ in range(3)]
    modest = await a_cart_to_send(shop, page, {MUG: 1})
    answers = await together(
        shop, *(wish(shop, cart) for cart in greedy), wish(shop, modest, **SENT)
    )

    assert names(answers) == ["insufficient_stock"] * 3 + ["placed"]


async def test_who_finds_that_others_take_the_last_to_be_sent_looks_again(shop: Shop):
    """The one before may still be refused, for the mug that it wants to collect."""
    await shelve(shop.units, HARBOUR, mug=1)
    page = await shop.page()
    carts = [await a_cart_to_send(shop, page, {MUG: 1}) for _ in range(2)]
    first, second = await together(shop, *(wish(shop, cart, **SENT) for cart in carts))

    assert isinstance(first, PlaceOrderResult)
    assert isinstance(second, TransactionConflict)
    (again,) = await together(shop, wish(shop, carts[1], **SENT))
    assert isinstance(again, InsufficientStock)
    (never,) = await together(
        shop, wish(shop, await a_cart_to_send(shop, page, {TEAPOT: 1}), **SENT)
    )
    assert isinstance(never, InsufficientStock)


async def test_the_first_answer_is_given_again_to_the_right_one_only(shop: Shop):
    await shelve(shop.units, mug=9)
    page = await shop.page()
    carts = [await a_cart(shop, page, mug=1) for _ in range(2)]
    wishes = [wish(shop, cart, key="once") for cart in carts]
    before = await together(shop, *wishes)
    again = await together(shop, *wishes)

    assert [one.placed for one in again] == [one.placed for one in before]
    assert [one.key.replayed for one in wishes] == [True, True]
    assert await level(shop) == (9, 2)


async def test_a_key_that_comes_twice_in_a_round_for_two_carts_harms_nobody(shop: Shop):
    await shelve(shop.units, mug=9)
    page = await shop.page()
    carts = [await a_cart(shop, page, mug=1) for _ in range(3)]
    one, other, third = [wish(shop, cart, key="once") for cart in carts]
    same = replace(other, key=replace(one.key, digest=b"something else"))
    first, second, last = await together(shop, one, same, third)
    (again,) = await together(shop, same)

    assert names([first, last]) == ["placed", "placed"]
    assert isinstance(second, TransactionConflict)
    assert again.error_code == "idempotency_key_reused"


async def rounds_at_once(shop: Shop, carts: list[dict[str, Any]]) -> Counter[str]:
    """How carts fare that are placed in transactions of their own, all at the same moment."""
    return Counter(await asyncio.gather(*(in_a_round_of_its_own(shop, cart) for cart in carts)))


async def test_of_rounds_at_once_nobody_gets_what_another_got(shop: Shop):
    await shelve(shop.units, mug=5)
    carts = [await a_cart(shop, await shop.page(), mug=1) for _ in range(20)]
    fared = await rounds_at_once(shop, carts)

    assert fared == {"placed": 5, "insufficient_stock": 15}
    assert await level(shop) == (5, 5)


async def test_without_the_lock_of_the_shelf_rounds_sell_it_twice(shop: Shop, monkeypatch):
    """What the claim before stands on."""
    unlocked = Statement(LOCK.text.replace("for update of stock_levels", ""))
    monkeypatch.setattr("adapters.postgres.inventory.repositories.sellable_stock.LOCK", unlocked)
    await shelve(shop.units, mug=5)
    carts = [await a_cart(shop, await shop.page(), mug=1) for _ in range(20)]

    assert (await rounds_at_once(shop, carts))["placed"] > 5


async def test_of_rounds_at_once_one_has_the_last_use_of_a_coupon(shop: Shop):
    await shelve(shop.units, mug=20, teapot=20)
    await coupon(shop, uses_max=1)
    carts = [
        await a_cart(shop, await shop.page(), **{sku: 1})
        for sku in ("mug", "teapot")
        for _ in range(8)
    ]
    for cart in carts:
        await take(shop, cart)

    assert await rounds_at_once(shop, carts) == {"placed": 1, "coupon_used_up": 15}
    assert await uses(shop) == 1


async def test_rounds_with_the_same_goods_the_other_way_round_do_not_wait_for_each_other(
    shop: Shop,
):
    await shelve(shop.units, mug=99, teapot=99)
    page = await shop.page()
    rounds = []
    for number in range(8):
        lines = [{"mug": 1}, {"teapot": 1}][:: 1 if number % 2 else -1]
        rounds.append([await a_cart(shop, page, **one) for one in lines])
    placed = await asyncio.gather(
        *(together(shop, *(wish(shop, cart) for cart in carts)) for carts in rounds)
    )

    assert [names(one) for one in placed] == [["placed", "placed"]] * 8
    assert await sound(shop)


async def test_rounds_that_place_the_same_cart_at_once_place_it_once(shop: Shop):
    await shelve(shop.units, mug=9)
    cart = await a_cart(shop, await shop.page(), mug=1)
    placed = await asyncio.gather(
        *(place_cart(shop.units, wish(shop, cart)) for _ in range(10)), return_exceptions=True
    )

    orders = [one for one in placed if not isinstance(one, BaseException)]
    assert len(orders) == 10
    assert len({one.order.id for one in orders}) == 1
    assert sum(one.new for one in orders) == 1
    assert await level(shop) == (9, 1)


async def test_a_key_that_is_under_way_elsewhere_stops_nobody_else(shop: Shop):
    await shelve(shop.units, mug=9)
    page = await shop.page()
    carts = [await a_cart(shop, page, mug=1) for _ in range(2)]
    busy, free = [wish(shop, cart) for cart in carts]
    async with shop.units.begin() as unit:
        await unit.foundation.idempotency.claim(busy.key, PlacedOrder)
        first, second = await asyncio.wait_for(together(shop, busy, free), timeout=4)

    assert isinstance(first, TransactionConflict)
    assert isinstance(second, PlaceOrderResult)
    assert names(await together(shop, wish(shop, carts[0]))) == ["placed"]


async def test_a_hold_and_a_checkout_of_one_cart_under_one_key_do_not_wait_for_each_other(
    shop: Shop,
):
    """Whoever has the key has it first, and the other keeps nothing meanwhile."""
    await shelve(shop.units, mug=9)
    page = await shop.page()
    mine, other = await a_cart(shop, page, mug=1), await a_cart(shop, page, mug=1)
    before = await deadlocks(shop)
    async with keeping(shop):
        placing = [asyncio.create_task(order(shop, cart, key="both")) for cart in (mine, other)]
        await all_wait(shop, 1)
        holding = asyncio.create_task(hold(shop, mine, key="both"))
        await all_wait(shop, 2)
    answers = [*await asyncio.gather(*placing), await holding]

    assert [answer.status_code for answer in answers] == [201, 201, 422]
    assert await deadlocks(shop) == before
    assert await sound(shop)


async def test_who_waits_in_vain_for_a_shelf_keeps_nobody_from_another(shop: Shop, monkeypatch):
    monkeypatch.setitem(SESSION_SETTINGS, "lock_timeout", "200ms")
    await shelve(shop.units, mug=9, teapot=9)
    page = await shop.page()
    pot, mug = await a_cart(shop, page, teapot=1), await a_cart(shop, page, mug=1)
    units = PostgresUnits(connect(shop.house.settings.database_url))
    placing = Batcher(partial(place_orders, units, CASHIER), name=lambda one: one.cart)
    kept = "select from stock_levels where sku = $1 for update"
    async with keeping(shop, kept, TEAPOT):
        asked = [placing(wish(shop, cart)) for cart in (pot, mug)]
        refused, placed = await asyncio.gather(*asked, return_exceptions=True)
    await units.close()

    assert isinstance(refused, Locked)
    assert isinstance(placed, PlaceOrderResult)
