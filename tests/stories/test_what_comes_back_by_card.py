"""What was paid by card and comes back goes back to the card: its share, once, whatever happens."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.api.receipts import back, line, tell
from tests.support.card_shop import CardShop, Shopper, a_card_shop
from tests.support.examples import HARBOUR, HILL, MUG, shelve
from tests.support.fake_stripe import GOOD, Fault

SOUND = {"sku": MUG, "quantity": 1, "disposition": "sellable"}
MISSING = SOUND | {"disposition": "missing"}
ADDRESS = {"street": "Sample street 1", "city": "Stockholm", "country": "SE"}


@pytest.fixture
async def at(database_url: str, tmp_path: Path) -> AsyncIterator[CardShop]:
    async with a_card_shop(database_url, tmp_path) as at:
        await shelve(at.shop.units, mug=30)
        yield at


def money(at: CardShop) -> list[tuple[int, int]]:
    """What was taken and given back of each payment at the provider."""
    return [(taken, back) for _, _, taken, back in at.fake.book().values()]


async def paid(at: CardShop, **lines: int) -> tuple[Shopper, dict[str, Any]]:
    buyer = await at.shopper(**lines)
    placed = await buyer.check_out(GOOD)
    assert placed.json()["state"] == "placed", placed.text
    return buyer, placed.json()


async def collected(at: CardShop, mug: int) -> tuple[Shopper, dict[str, Any]]:
    """So many mugs for 10.00 in all, ordered by card, collected at the harbour, and paid for."""
    path, office = "/v1/promotions/together", await at.shop.office()
    together = {
        "kind": "amount",
        "off": "lines",
        "amount": {"amount": 1000 * mug - 1000, "currency": "SEK"},
    }
    made = await at.shop.client.put(path, json=together, headers=office)
    assert made.status_code == 200, made.text
    buyer, order = await paid(at, mug=mug)
    await at.collect(buyer, order)
    await at.sweep()
    return buyer, order


async def give_back(
    at: CardShop, order: dict[str, Any], *lines: Any, by: Any = None, key: str = ""
) -> httpx.Response:
    """At the hill's till, unless it is another."""
    till = by or await at.shop.till(HILL)
    return await at.shop.client.post(
        f"/v1/orders/{order['id']}/returns",
        json={"lines": lines or [SOUND]},
        headers=till | {"Idempotency-Key": key or at.shop.fresh()},
    )


async def ask(at: CardShop, path: str, body: Any, who: dict[str, str]) -> httpx.Response:
    headers = who | {"Idempotency-Key": at.shop.fresh()}
    answer = await at.shop.client.post(path, json=body, headers=headers)
    assert answer.status_code < 300, answer.text
    return answer


async def test_each_unit_that_comes_back_gives_exactly_its_share_back_and_all_of_them_all(
    at: CardShop,
):
    buyer, order = await collected(at, 3)
    told, seen = [], [money(at)]
    for _ in range(3):
        told.append((await give_back(at, order)).json())
        await at.sweep()
        seen.append(money(at))

    assert [one["refunds"][0]["through"] for one in told] == ["provider"] * 3
    assert seen == [[(1000, 0)], [(1000, 333)], [(1000, 666)], [(1000, 1000)]]
    assert [one["amount"] for one in at.fake.refunds] == [333, 333, 334]
    assert (await buyer.order(order["id"]))["payment"]["state"] == "captured"
    assert await at.is_well()


async def test_a_return_that_is_asked_again_gives_money_back_once(at: CardShop):
    _, order = await collected(at, 3)
    till = await at.shop.till(HILL)
    answers = await asyncio.gather(*(give_back(at, order, by=till, key="same") for _ in range(5)))
    await at.sweep(rounds=5)
    answers.append(await give_back(at, order, by=till, key="same"))
    await at.tell(times=2)
    await at.sweep()

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert money(at) == [(1000, 333)]
    assert await at.is_well()


async def test_two_tills_at_once_give_the_last_unit_back_once(at: CardShop):
    _, order = await collected(at, 1)
    tills = [await at.shop.till(store) for store in (HARBOUR, HILL) * 3]
    answers = await asyncio.gather(*(give_back(at, order, by=till) for till in tills))
    await at.sweep(rounds=5)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 5}
    assert money(at) == [(1000, 1000)]
    assert len(at.fake.refunds) == 1
    assert await at.is_well()


async def test_two_units_at_two_tills_at_once_give_both_back(at: CardShop):
    _, order = await collected(at, 3)
    harbour = await at.shop.till(HARBOUR)
    await asyncio.gather(give_back(at, order, by=harbour), give_back(at, order))
    await at.sweep(rounds=5)

    assert money(at) == [(1000, 666)]
    assert await at.is_well()


@pytest.mark.parametrize("first", ["return", "cancel"])
async def test_a_return_and_the_rest_given_up_come_to_the_same_in_any_order(
    at: CardShop, first: str
):
    buyer, order = await paid(at, mug=3)
    pickup = await at.ready(order, mug=3)
    await at.hand_over(buyer, pickup, mug=2)
    await at.sweep()
    taken = money(at)

    async def cancel() -> None:
        await ask(at, f"/v1/orders/{order['id']}/cancellations", {}, buyer.headers)

    if first == "cancel":
        await cancel()
    await give_back(at, order)
    if first == "return":
        await cancel()
    await at.sweep(rounds=5)
    half = money(at)
    await give_back(at, order)
    await at.sweep(rounds=5)

    assert (taken, half, money(at)) == ([(3000, 0)], [(3000, 2000)], [(3000, 3000)])
    assert await at.is_well()


async def test_what_comes_back_while_the_money_is_being_taken_is_given_back_after(at: CardShop):
    buyer, order = await paid(at, mug=3)
    await at.collect(buyer, order)
    await give_back(at, order)
    await at.sweep(rounds=5)

    assert money(at) == [(3000, 1000)]
    assert await at.is_well()


@pytest.mark.parametrize("fault", [Fault.HANGS_UP, Fault.BREAKS_AFTER, Fault.BREAKS_BEFORE])
async def test_whatever_the_provider_answers_it_gives_back_once(at: CardShop, fault: Fault):
    _, order = await collected(at, 3)
    at.fake.will("refund", fault)
    await give_back(at, order)
    await at.sweep()
    await at.sweep(minutes=5)
    await at.sweep(minutes=10)

    assert money(at) == [(1000, 333)]
    assert await at.is_well()


@pytest.mark.parametrize(("pays", "given_back"), [(True, 1000), (False, 0)])
async def test_what_did_not_come_is_given_back_once_the_office_says_so(
    at: CardShop, pays: bool, given_back: int
):
    _, order = await collected(at, 1)
    waits = (await give_back(at, order, MISSING)).json()
    await at.sweep()
    before = money(at)
    office = await at.shop.office()
    await ask(at, f"/v1/returns/{waits['id']}/decide", {"pay": pays}, office)
    await at.sweep()

    assert before == [(1000, 0)]
    assert money(at) == [(1000, given_back)]
    assert await at.is_well()


async def test_returns_and_decisions_one_after_the_other_are_each_given_back(at: CardShop):
    _, order = await collected(at, 3)
    office = await at.shop.office()
    waits = [(await give_back(at, order, MISSING)).json()["id"] for _ in range(2)]
    await give_back(at, order)
    for name in waits:
        await ask(at, f"/v1/returns/{name}/decide", {"pay": True}, office)
    await at.sweep(rounds=5)

    assert money(at) == [(1000, 1000)]
    assert await at.is_well()


async def test_what_a_till_paid_back_itself_is_not_given_back_again(at: CardShop):
    _, order = await collected(at, 3)
    receipt = back("r-1", line(MUG, 1), of=order["id"])
    [told] = await tell(at.shop, receipt)
    await at.sweep()

    assert told["status"] == "applied"
    assert money(at) == [(1000, 0)]
    assert await at.is_well()


async def test_what_is_sent_is_taken_when_it_leaves_and_given_back_when_it_comes_back(at: CardShop):
    buyer = await at.shopper()
    await buyer.put(MUG, 2, store=None)
    order = (await buyer.check_out(GOOD, address=ADDRESS)).json()
    await at.sweep()
    before = money(at)
    till = await at.shop.till(HARBOUR)
    parcel = {"carrier": "Sample Post", "tracking_number": "SP1"}
    await ask(at, f"/v1/orders/{order['id']}/shipments", parcel, till)
    await at.sweep()
    sent = money(at)
    by_post = {"lines": [{"sku": MUG, "quantity": 1}], "channel": "post"}
    path = f"/v1/orders/{order['id']}/returns"
    coming = (await ask(at, path, by_post, buyer.headers)).json()
    await at.sweep()
    announced = money(at)
    await ask(at, f"/v1/returns/{coming['id']}/receive", {"lines": [SOUND]}, till)
    await at.sweep()

    assert (before, sent, announced) == ([(0, 0)], [(2000, 0)], [(2000, 0)])
    assert money(at) == [(2000, 1000)]
    assert await at.is_well()


async def test_the_first_parcel_or_handover_takes_all_and_what_comes_back_goes_back(at: CardShop):
    buyer = await at.shopper(mug=2)
    sent = {"quantity": 2, "fulfilment": {"method": "ship"}}
    path = f"/v1/carts/{buyer.cart}/lines/{MUG}?method=ship"
    await at.shop.client.put(path, json=sent, headers=buyer.headers)
    order = (await buyer.check_out(GOOD, address=ADDRESS)).json()
    pickup = order["groups"][0]["pickup"]
    till = await at.shop.till(HARBOUR)
    parcel = {"carrier": "Sample Post", "tracking_number": "SP1"}
    await ask(at, f"/v1/orders/{order['id']}/shipments", parcel, till)
    await at.sweep()
    first = money(at)
    await give_back(at, order, SOUND | {"quantity": 2})
    await ask(at, f"/v1/pickups/{pickup}/cancel", {}, buyer.headers)
    await at.sweep(rounds=5)

    assert first == [(4000, 0)]
    assert money(at) == [(4000, 4000)]
    assert await at.is_well()


async def unsettled(at: CardShop) -> list[tuple[str, int, str]]:
    listed = await at.shop.client.get("/v1/payments/unsettled", headers=await at.shop.office())
    return [(one["kind"], one["amount"]["amount"], one["code"]) for one in listed.json()["items"]]


async def test_a_refund_that_the_bank_sends_back_waits_for_a_person_and_is_not_made_again(
    at: CardShop,
):
    _, order = await collected(at, 2)
    await give_back(at, order)
    await at.sweep()
    assert await unsettled(at) == []

    at.fake.sends_back(at.fake.refunds[0]["id"])
    await at.tell(times=3)
    await at.sweep(rounds=5)

    assert await unsettled(at) == [("refund", 500, "expired_or_canceled_card")]
    assert money(at) == [(1000, 0)]
    assert len(at.fake.refunds) == 1
    office = await at.shop.office()
    tried = await at.shop.client.get(f"/v1/orders/{order['id']}/payments", headers=office)
    [attempt] = tried.json()["items"]
    assert attempt["refunded"]["amount"] == 0
    assert attempt["transactions"][-1]["state"] == "refused"
    steps = await at.shop.client.get(f"/v1/orders/{order['id']}/timeline", headers=office)
    told = [one for one in steps.json()["items"] if one["what"] == "refund_failed"]
    assert [one["amount"]["amount"] for one in told] == [500]
    assert await at.is_well()

    await give_back(at, order)  # of the other mug, which goes back as if nothing had been
    await at.sweep()
    assert money(at) == [(1000, 500)]
    assert len(await unsettled(at)) == 1
    assert await at.is_well()
