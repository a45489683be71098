"""What a coupon takes off is never charged, and an order that comes to nothing gives it back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.card_shop import CardShop, Shopper, a_card_shop
from tests.support.examples import shelve
from tests.support.fake_stripe import GOOD


@pytest.fixture
async def at(database_url: str, tmp_path: Path) -> AsyncIterator[CardShop]:
    async with a_card_shop(database_url, tmp_path) as at:
        await shelve(at.shop.units, mug=30)
        yield at


async def coupon(at: CardShop, **terms: Any) -> None:
    body = {"kind": "percentage", "percent": "10", "code": "SPRING"} | terms
    path, office = "/v1/promotions/spring", await at.shop.office()
    assert (await at.shop.client.put(path, json=body, headers=office)).status_code == 200


async def uses(at: CardShop) -> int:
    answer = await at.shop.client.get("/v1/promotions/spring", headers=await at.shop.office())
    return int(answer.json()["uses"])


async def with_coupon(at: CardShop, **lines: int) -> Shopper:
    buyer = await at.shopper(**lines)
    path = f"/v1/carts/{buyer.cart}/coupons/SPRING"
    assert (await at.shop.client.put(path, headers=buyer.headers)).status_code == 200
    return buyer


async def test_what_is_charged_is_what_is_left_of_the_price_of_what_was_found(at: CardShop):
    await coupon(at, percent="33.3333")
    buyer = await with_coupon(at, mug=3)
    order = (await buyer.check_out(GOOD)).json()
    reserved = list(at.fake.book().values())
    pickup = await at.ready(order, mug=2)
    await at.hand_over(buyer, pickup)
    await at.sweep()

    assert reserved == [("requires_capture", 2000, 0, 0)]
    assert [taken for _, _, taken, _ in at.fake.book().values()] == [1333]
    assert await at.is_well()


async def test_an_order_that_nobody_pays_gives_its_coupon_back(at: CardShop):
    await coupon(at, uses_max=1)
    buyer = await with_coupon(at, mug=1)
    await buyer.check_out()
    waiting = await uses(at)
    await at.sweep(minutes=31)
    expired = await uses(at)
    again = (await buyer.check_out(GOOD)).json()

    assert (waiting, expired, await uses(at)) == (1, 0, 1)
    assert (again["state"], again["totals"]["to_pay"]["amount"]) == ("placed", 900)
    assert await at.is_well()


async def test_of_ten_cards_one_has_the_last_use_and_nobody_else_is_charged(at: CardShop):
    await coupon(at, uses_max=1)
    buyers = [await with_coupon(at, mug=1) for _ in range(10)]
    answers = await asyncio.gather(*(buyer.check_out(GOOD) for buyer in buyers))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    assert len(at.fake.intents) == 1
    assert await uses(at) == 1
    assert await at.is_well()
