"""Money and goods change hands together or not at all, whatever the network does in between."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.orders.payment.reconcile_attempts import reconcile_due_attempts
from tests.support.card_shop import CONTACT, CardShop, a_card_shop
from tests.support.examples import shelve
from tests.support.fake_stripe import ASKS_THE_BANK, DECLINED, GOOD, SLOW, Fault


@pytest.fixture
async def at(database_url: str, tmp_path: Path) -> AsyncIterator[CardShop]:
    async with a_card_shop(database_url, tmp_path) as at:
        yield at


async def test_a_good_card_places_the_order_and_reserves_the_money(at: CardShop):
    await shelve(at.shop.units, mug=3)
    shopper = await at.shopper(mug=2)

    placed = await shopper.check_out(GOOD)

    assert placed.status_code == 201, placed.text
    order = placed.json()
    assert order["state"] == "placed"
    assert order["payment"] == {
        "method": "card",
        "state": "authorised",
        "attempt": order["payment"]["attempt"],
    }
    assert list(at.fake.book().values()) == [("requires_capture", 2000, 0, 0)]
    assert await at.level() == (3, 2, 0)
    assert (await shopper.cart_now())["state"] == "ordered"
    assert await at.is_well()


async def test_however_often_it_is_clicked_there_is_one_order_and_one_charge(at: CardShop):
    await shelve(at.shop.units, mug=3)
    shopper = await at.shopper(mug=1)

    answers = await asyncio.gather(
        *(shopper.check_out(GOOD, key="click") for _ in range(3)),
        *(shopper.check_out(GOOD) for _ in range(3)),
    )

    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    orders = [answer.json() for answer in answers if answer.status_code < 300]
    assert len({order["id"] for order in orders}) == 1
    assert len(at.fake.intents) == 1
    assert await at.level() == (3, 1, 0)
    assert await at.is_well()


async def test_while_the_bank_asks_the_goods_are_kept_and_the_cart_is_left_alone(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper, rival = await at.shopper(mug=1), await at.shopper(mug=1)
    order = (await shopper.check_out(ASKS_THE_BANK)).json()

    gone = await rival.check_out(GOOD)
    changed = await shopper.put("MUG", 2)
    payment = order["payment"]

    assert order["state"] == "pending_payment"
    assert payment["state"] == "waiting"
    assert payment["client_secret"] == f"{at.fake.only['id']}_secret_sample"
    assert payment["next_action"]["type"] == "use_stripe_sdk"
    assert payment["publishable_key"] == "pk_test_sample"
    assert (gone.status_code, gone.json()["code"]) == (409, "insufficient_stock")
    assert (changed.status_code, changed.json()["code"]) == (409, "payment_under_way")
    assert changed.json()["until"] == payment["until"]
    assert await at.level() == (1, 0, 1)
    assert await at.is_well()


async def test_the_page_asks_for_the_card_and_the_notice_places_the_order(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out()).json()
    at.fake.pays(at.fake.only["id"], DECLINED)
    await at.tell()
    await at.sweep()
    declined = await shopper.order(order["id"])
    at.fake.pays(at.fake.only["id"])
    await at.tell()
    await at.sweep()
    paid = await shopper.order(order["id"])

    assert declined["state"] == "pending_payment"
    assert declined["payment"]["problem"] == "do_not_honor"
    assert (paid["state"], paid["payment"]["state"]) == ("placed", "authorised")
    assert "client_secret" not in paid["payment"]
    assert await at.is_well()


async def test_a_message_that_comes_three_times_and_out_of_order_places_once(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out(ASKS_THE_BANK)).json()
    at.fake.pays(at.fake.only["id"])
    at.fake.events.reverse()
    statuses = await at.tell(times=3)
    async with at.later() as one, at.later() as two:
        await asyncio.gather(one.round(), two.round())

    assert set(statuses) == {200}
    assert len(statuses) == 6
    assert (await shopper.order(order["id"]))["state"] == "placed"
    assert (await at.facts()).count("order_placed") == 1
    assert await at.is_well()


async def test_a_shopper_who_vanished_finds_the_order_completed(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out(ASKS_THE_BANK)).json()
    at.fake.pays(at.fake.only["id"])
    at.fake.take_events()  # and nobody hears of it
    await at.sweep(minutes=30, seconds=1)

    assert (await shopper.order(order["id"]))["state"] == "placed"
    assert await at.level() == (1, 1, 0)
    assert await at.is_well()


async def test_an_order_that_nobody_pays_expires_once_and_the_cart_is_open_again(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out()).json()
    await at.sweep(minutes=29)
    soon = await shopper.order(order["id"])
    kept = await at.level()
    async with at.later(minutes=31) as one, at.later(minutes=31) as two:
        for _ in range(3):
            await asyncio.gather(one.round(), two.round())
    cart = await shopper.cart_now()
    again = (await shopper.check_out(GOOD)).json()

    assert (soon["state"], kept) == ("pending_payment", (1, 0, 1))
    assert (await shopper.order(order["id"]))["state"] == "expired"
    assert (cart["state"], [line["sku"] for line in cart["lines"]]) == ("open", ["MUG"])
    assert at.fake.book()["pi_000001"] == ("canceled", 0, 0, 0)
    assert (again["state"], again["id"] == order["id"]) == ("placed", False)
    assert await at.level() == (1, 1, 0)
    assert await at.is_well()


async def test_two_sweepers_at_once_release_once(at: CardShop):
    await shelve(at.shop.units, mug=5)
    shoppers = [await at.shopper(mug=1) for _ in range(4)]
    for shopper in shoppers:
        await shopper.check_out(DECLINED)
    async with at.later(minutes=40) as one, at.later(minutes=40) as two:
        for _ in range(3):
            await asyncio.gather(one.round(), two.round())

    assert await at.level() == (5, 0, 0)
    assert {status for status, *_ in at.fake.book().values()} == {"canceled"}
    assert at.fake.calls["cancel"] == 4
    assert await at.is_well()


async def test_money_that_comes_after_the_end_goes_back_and_stock_stays(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out()).json()
    payment = at.fake.only
    await at.sweep(minutes=31)
    # The provider lets go, and its bank says otherwise a moment later.
    payment |= {"status": "succeeded", "amount_received": 1000, "latest_charge": "ch_1"}
    at.fake._tell("payment_intent.succeeded", payment)
    for _ in range(3):
        at.fake._tell("payment_intent.succeeded", payment)
    await at.tell(times=2)
    await at.sweep(minutes=32)
    await at.sweep(minutes=40)

    assert (await shopper.order(order["id"]))["state"] == "expired"
    assert at.fake.book() == {payment["id"]: ("succeeded", 0, 1000, 1000)}
    assert len(at.fake.refunds) == 1
    assert await at.level() == (1, 0, 0)
    [message] = await at.messages()
    assert (message["kind"], message["state"]) == ("payment_refunded", "sent")
    assert message["about"] == {"order": order["id"]}
    assert await at.is_well()


async def test_where_the_goods_have_gone_meanwhile_the_money_goes_back(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out()).json()
    await shelve(at.shop.units, mug=-1)  # a till sold what a cart held
    at.fake.pays(at.fake.only["id"])
    await at.tell()
    await at.sweep()

    assert (await shopper.order(order["id"]))["state"] == "expired"
    assert list(at.fake.book().values()) == [("canceled", 0, 0, 0)]
    assert (await shopper.cart_now())["state"] == "open"
    assert (await at.facts()).count("payment_voided") == 1
    assert await at.level() == (0, 0, 0)
    assert await at.is_well()


async def test_a_declined_card_leaves_its_grace_and_another_card_pays(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out(DECLINED)).json()
    kept = await at.level()
    again = await shopper.pay(order["id"], GOOD)

    assert order["payment"]["state"] == "failed"
    assert order["payment"]["problem"] == "do_not_honor"
    assert kept == (1, 0, 1)
    assert (again.status_code, again.json()["state"]) == (201, "placed")
    assert list(at.fake.book().values()) == [
        ("canceled", 0, 0, 0),
        ("requires_capture", 1000, 0, 0),
    ]
    assert await at.level() == (1, 1, 0)
    assert await at.is_well()


async def test_after_its_grace_what_a_declined_card_held_is_free(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper, rival = await at.shopper(mug=1), await at.shopper(mug=1)
    order = (await shopper.check_out(DECLINED)).json()
    async with at.later(minutes=29) as sweeper:
        await sweeper.round()
        freed = await at.level()
        await rival.check_out(GOOD)
    again = await shopper.pay(order["id"], GOOD)

    assert freed == (1, 0, 0)
    assert (again.status_code, again.json()["code"]) == (409, "insufficient_stock")
    assert await at.level() == (1, 1, 0)
    assert await at.is_well()


async def test_another_attempt_lets_go_of_the_first_before_it_begins(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out()).json()
    first = at.fake.only["id"]
    second, repeat = [await shopper.pay(order["id"], key="again") for _ in range(2)]
    at.fake.pays(first)  # too late: it is nobody's any more

    assert second.status_code == 201, second.text
    assert repeat.json()["payment"] == second.json()["payment"]
    assert at.fake.book()[first][0] == "canceled"
    assert len(at.fake.intents) == 2
    assert second.json()["payment"]["attempt"] != order["payment"]["attempt"]
    assert await at.is_well()


async def test_an_attempt_that_brought_the_money_after_all_is_not_tried_again(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out()).json()
    at.fake.pays(at.fake.only["id"])
    again = await shopper.pay(order["id"], GOOD)

    assert (again.status_code, again.json()["code"]) == (409, "not_payable")
    assert (await shopper.order(order["id"]))["state"] == "placed"
    assert len(at.fake.intents) == 1
    assert await at.is_well()


@pytest.mark.parametrize("fault", [Fault.HANGS_UP, Fault.BREAKS_AFTER, Fault.BREAKS_BEFORE])
async def test_an_answer_that_never_came_is_made_good_by_the_clock(at: CardShop, fault: Fault):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    at.fake.will("create", fault)
    order = (await shopper.check_out(GOOD)).json()
    await at.sweep(minutes=3)

    assert order["payment"]["state"] == "started"
    assert (await shopper.order(order["id"]))["state"] == "placed"
    assert list(at.fake.book().values()) == [("requires_capture", 1000, 0, 0)]
    assert await at.is_well()


async def test_a_provider_that_is_dead_until_the_deadline_ends_the_order(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    at.fake.dead = True
    order = (await shopper.check_out(GOOD)).json()
    await at.sweep(minutes=31)
    meanwhile = await shopper.order(order["id"])
    at.fake.dead = False
    await at.sweep(minutes=40)

    assert meanwhile["state"] == "pending_payment"
    assert (await shopper.order(order["id"]))["state"] == "expired"
    assert at.fake.intents == {}
    assert await at.level() == (1, 0, 0)
    assert await at.is_well()


async def test_two_tabs_that_try_again_at_once_leave_one_attempt_open(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out()).json()
    answers = await asyncio.gather(*(shopper.pay(order["id"]) for _ in range(4)))
    await at.sweep()

    assert {answer.status_code for answer in answers} <= {201, 409}
    waiting = [status for status, *_ in at.fake.book().values() if status != "canceled"]
    assert len(waiting) == 1
    assert await at.is_well()


async def test_money_that_comes_while_it_is_let_go_of_goes_back_and_is_told(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out()).json()
    payment = at.fake.only["id"]
    async with at.later(minutes=31) as worker:
        await reconcile_due_attempts(
            worker.units, worker.stripe
        )  # the time is over: it is to be let go of
        at.fake.pays(payment)
        await at.tell()
        await reconcile_due_attempts(worker.units, worker.stripe)
        meanwhile = await shopper.order(order["id"])
        await worker.round()

    assert meanwhile["state"] == "pending_payment"
    assert (await shopper.order(order["id"]))["state"] == "expired"
    assert at.fake.book() == {payment: ("canceled", 0, 0, 0)}
    assert [one["kind"] for one in await at.messages()] == ["payment_voided"]
    assert await at.level() == (1, 0, 0)
    assert await at.is_well()


async def test_what_the_bank_still_works_at_keeps_the_order_waiting(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out(SLOW)).json()
    await at.sweep(minutes=31)
    meanwhile = await shopper.order(order["id"])
    at.fake.only["status"] = "requires_payment_method"
    await at.sweep(minutes=40)

    assert order["payment"]["state"] == "waiting"
    assert meanwhile["state"] == "pending_payment"
    assert (await shopper.order(order["id"]))["state"] == "expired"
    assert await at.is_well()


async def test_a_customer_finds_the_cart_that_is_being_paid_for_on_every_device(at: CardShop):
    await shelve(at.shop.units, mug=2)
    me = await at.shop.customer()
    shopper = await at.shopper(me, mug=1)
    order = (await shopper.check_out()).json()
    mine = (await at.shop.client.get("/v1/me/cart", headers=me)).json()
    listed = (await at.shop.client.get("/v1/me/orders", headers=me)).json()["items"]
    at.fake.pays(at.fake.only["id"])
    await at.tell()
    await at.sweep()
    paid = await shopper.order(order["id"])
    rewards = (await at.shop.client.get("/v1/me/rewards", headers=me)).json()["balance"]

    assert (mine["id"], mine["state"], mine["order"]) == (shopper.cart, "paying", order["id"])
    assert listed[0]["payment"]["client_secret"]
    assert paid["points"] == {"to_earn": 10}
    assert rewards["pending"] == 10
    assert await at.is_well()


async def test_what_the_page_must_know_is_for_the_buyer_alone(at: CardShop):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    order = (await shopper.check_out()).json()["id"]
    office = await at.shop.client.get(f"/v1/orders/{order}", headers=await at.shop.office("orders"))
    stranger = await at.shop.client.post(
        f"/v1/orders/{order}/payments",
        json={},
        headers=(await at.shopper()).headers | {"Idempotency-Key": "mine"},
    )

    assert "client_secret" not in office.json()["payment"]
    assert (stranger.status_code, stranger.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("payment", "pointer"),
    [
        ({"method": "cash"}, "/payment/method"),
        ({"method": "pay_at_pickup", "card": "pm_1"}, "/payment/card"),
        ({"method": "card", "card": "4242 4242 4242 4242"}, "/payment/card"),
    ],
)
async def test_a_payment_that_makes_no_sense_is_named(
    at: CardShop, payment: dict[str, str], pointer: str
):
    await shelve(at.shop.units, mug=1)
    shopper = await at.shopper(mug=1)
    answer = await at.shop.client.post(
        f"/v1/carts/{shopper.cart}/checkout",
        json={"contact": CONTACT, "payment": payment},
        headers=shopper.headers | {"Idempotency-Key": "once"},
    )

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await shopper.cart_now())["state"] == "open"


@pytest.mark.parametrize("head_start_s", [0, 0.02, 0.05, 0.1])
async def test_of_an_expiry_and_a_payment_at_once_one_wins_whole(at: CardShop, head_start_s: float):
    await shelve(at.shop.units, mug=5)
    buyer = await at.shopper(mug=2)
    order = (await buyer.check_out(ASKS_THE_BANK)).json()

    async def pays() -> None:
        await asyncio.sleep(head_start_s)
        at.fake.pays(at.fake.only["id"])
        await at.tell()

    await asyncio.gather(at.sweep(minutes=31), at.sweep(minutes=31), pays())
    await at.sweep(minutes=40)
    ended = (await buyer.order(order["id"]))["state"]
    [(status, *_)] = at.fake.book().values()

    assert (ended, status) in {("placed", "requires_capture"), ("expired", "canceled")}
    assert await at.level() == ((5, 2, 0) if ended == "placed" else (5, 0, 0))
    assert await at.is_well()
