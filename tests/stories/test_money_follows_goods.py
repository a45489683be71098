"""What is handed over is paid for, what is not is not: to the last coin, once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.card_shop import CardShop, Shopper, a_card_shop
from tests.support.examples import shelve
from tests.support.fake_stripe import GOOD, Fault


@pytest.fixture
async def at(database_url: str, tmp_path: Path) -> AsyncIterator[CardShop]:
    async with a_card_shop(database_url, tmp_path) as at:
        await shelve(at.shop.units, mug=9, teapot=3)
        yield at


async def paid(at: CardShop, **lines: int) -> tuple[Shopper, dict[str, Any]]:
    buyer = await at.shopper(**lines)
    placed = await buyer.check_out(GOOD)
    assert placed.json()["state"] == "placed", placed.text
    return buyer, placed.json()


async def cancel(at: CardShop, buyer: Shopper, pickup: str) -> httpx.Response:
    return await at.shop.client.post(
        f"/v1/pickups/{pickup}/cancel",
        json={"reason": "changed_mind"},
        headers=buyer.headers | {"Idempotency-Key": at.shop.fresh()},
    )


def money(at: CardShop) -> list[tuple[str, int, int, int]]:
    return list(at.fake.book().values())


async def test_nothing_is_taken_before_something_is_handed_over(at: CardShop):
    buyer, order = await paid(at, mug=2)
    pickup = await at.ready(order, mug=2)
    await at.sweep()
    before = money(at)
    await at.hand_over(buyer, pickup)
    await at.sweep()

    assert before == [("requires_capture", 2000, 0, 0)]
    assert money(at) == [("succeeded", 0, 2000, 0)]
    assert (await buyer.order(order["id"]))["payment"]["state"] == "captured"
    assert await at.is_well()


async def test_what_the_store_did_not_find_is_not_taken(at: CardShop):
    buyer, order = await paid(at, mug=3)
    pickup = await at.ready(order, mug=2)
    await at.hand_over(buyer, pickup)
    await at.sweep()

    assert money(at) == [("succeeded", 0, 2000, 0)]
    assert await at.book() == [(3000, 2000, 0)]
    assert await at.is_well()


async def test_the_first_handover_takes_all_that_is_wanted_and_later_ones_nothing(at: CardShop):
    buyer, order = await paid(at, mug=3)
    pickup = await at.ready(order, mug=3)
    await at.hand_over(buyer, pickup, mug=1)
    await at.sweep()
    first = money(at)
    await at.hand_over(buyer, pickup, mug=2)
    await at.sweep()

    assert first == money(at) == [("succeeded", 0, 3000, 0)]
    assert at.fake.calls["capture"] == 1
    assert await at.is_well()


async def test_what_is_given_up_after_the_money_was_taken_is_given_back_once(at: CardShop):
    buyer, order = await paid(at, mug=3)
    pickup = await at.ready(order, mug=3)
    await at.hand_over(buyer, pickup, mug=1)
    await at.sweep()
    gone = await cancel(at, buyer, pickup)
    again = await cancel(at, buyer, pickup)
    await at.sweep(rounds=5)
    await at.tell(times=2)
    await at.sweep()

    assert (gone.status_code, again.status_code) == (200, 200)
    assert money(at) == [("succeeded", 0, 3000, 2000)]
    assert len(at.fake.refunds) == 1
    assert {"payment_refunded", "payment_voided"}.isdisjoint(await at.facts())
    assert await at.is_well()


async def test_what_is_given_up_while_the_money_is_being_taken_is_given_back(at: CardShop):
    buyer, order = await paid(at, mug=3)
    pickup = await at.ready(order, mug=3)
    await at.hand_over(buyer, pickup, mug=1)
    await cancel(at, buyer, pickup)
    await at.sweep()

    taken = [(one[2], one[3]) for one in money(at)]
    assert taken in ([(3000, 2000)], [(1000, 0)])
    assert await at.is_well()


async def edit(at: CardShop, buyer: Shopper, order: str, mugs: int) -> httpx.Response:
    return await at.shop.client.patch(
        f"/v1/orders/{order}",
        json={"lines": [{"sku": "MUG", "quantity": mugs}]},
        headers=buyer.headers | {"Idempotency-Key": at.shop.fresh()},
    )


async def test_an_order_may_grow_again_to_what_was_reserved_and_no_further(at: CardShop):
    buyer, order = await paid(at, mug=3)
    fewer, again, too_many = [await edit(at, buyer, order["id"], mugs) for mugs in (1, 3, 4)]
    await at.collect(buyer, {**order, "lines": [{"sku": "MUG", "quantity": 3}]})
    await at.sweep()

    assert (fewer.status_code, again.status_code) == (200, 200)
    assert (too_many.status_code, too_many.json()["code"]) == (409, "payment_too_small")
    assert too_many.json()["authorised"]["amount"] == 3000
    assert await at.book() == [(3000, 3000, 0)]
    assert await at.is_well()


async def test_an_order_that_is_cancelled_whole_is_never_paid(at: CardShop):
    buyer, order = await paid(at, mug=2)
    gone = await cancel(at, buyer, order["groups"][0]["pickup"])
    await at.sweep()

    assert gone.status_code == 200, gone.text
    assert money(at) == [("canceled", 0, 0, 0)]
    assert (await buyer.order(order["id"]))["payment"]["state"] == "voided"
    assert {"payment_refunded", "payment_voided"}.isdisjoint(await at.facts())
    assert await at.is_well()


async def test_a_cancellation_and_a_handover_at_once_have_one_winner(at: CardShop):
    for _ in range(5):
        buyer, order = await paid(at, mug=1)
        pickup = await at.ready(order, mug=1)
        given, gone = await asyncio.gather(at.hand_over(buyer, pickup), cancel(at, buyer, pickup))
        await at.sweep()

        assert sorted([given.status_code, gone.status_code]) == [200, 409]
        status, _, taken, back = list(at.fake.book().values())[-1]
        won = ("succeeded", 1000, 0) if given.status_code == 200 else ("canceled", 0, 0)
        assert (status, taken, back) == won
    assert await at.is_well()


@pytest.mark.parametrize("fault", [Fault.HANGS_UP, Fault.BREAKS_AFTER, Fault.BREAKS_BEFORE])
async def test_whatever_the_provider_answers_it_takes_and_gives_back_once(
    at: CardShop, fault: Fault
):
    buyer, order = await paid(at, mug=3)
    pickup = await at.ready(order, mug=3)
    at.fake.will("capture", fault)
    at.fake.will("refund", fault)
    await at.hand_over(buyer, pickup, mug=1)
    await at.sweep()
    await at.sweep(minutes=4)
    await cancel(at, buyer, pickup)
    await at.sweep(minutes=5)
    await at.sweep(minutes=10)

    assert money(at) == [("succeeded", 0, 3000, 2000)]
    assert await at.is_well()


async def test_money_that_lapsed_and_what_a_bank_refuses_are_listed_for_a_person(at: CardShop):
    office = await at.shop.office("payments")
    buyer, order = await paid(at, mug=1)
    _, other = await paid(at, mug=1)
    for name in list(at.fake.intents):
        at.fake.lapses(name)
    pickup = await at.ready(order, mug=1)
    await at.hand_over(buyer, pickup)
    await at.sweep()
    await at.tell()
    await at.sweep()
    listed = await at.shop.client.get("/v1/payments/unsettled", headers=office)
    tried = await at.shop.client.get(f"/v1/orders/{order['id']}/payments", headers=office)

    assert {(one["order"], one["kind"], one["code"]) for one in listed.json()["items"]} == {
        (order["id"], "capture", "payment_intent_unexpected_state"),
        (order["id"], "authorise", "lapsed"),
        (other["id"], "authorise", "lapsed"),
    }
    [attempt] = tried.json()["items"]
    assert attempt["state"] == "voided"
    assert [(one["kind"], one["state"]) for one in attempt["transactions"]] == [
        ("authorise", "done"),
        ("capture", "refused"),
    ]


async def test_a_dispute_is_listed_for_a_person(at: CardShop):
    office = await at.shop.office("payments")
    buyer, order = await paid(at, mug=1)
    await at.collect(buyer, order)
    await at.sweep()
    at.fake.disputes(at.fake.only["id"])
    await at.tell()
    await at.sweep()
    listed = (await at.shop.client.get("/v1/payments/unsettled", headers=office)).json()["items"]

    assert [(one["order"], one["code"], one["amount"]) for one in listed] == [
        (order["id"], "disputed", {"amount": 1000, "currency": "SEK"})
    ]
