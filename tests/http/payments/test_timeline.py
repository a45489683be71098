"""An order tells each step of its payment once, and nothing that a stranger could use."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.card_shop import CardShop, Shopper, a_card_shop
from tests.support.examples import shelve
from tests.support.fake_stripe import DECLINED, GOOD


@pytest.fixture
async def at(database_url: str, tmp_path: Path) -> AsyncIterator[CardShop]:
    async with a_card_shop(database_url, tmp_path) as at:
        await shelve(at.shop.units, mug=9)
        yield at


async def steps(buyer: Shopper, order: dict[str, Any], who: Any = None) -> list[dict[str, Any]]:
    path = f"/v1/orders/{order['id']}/timeline"
    answer = await buyer.at.shop.client.get(path, headers=who or buyer.headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def words(told: list[dict[str, Any]]) -> list[tuple[str, str, int | None]]:
    return [
        (one["what"], one["by"], one["amount"]["amount"] if "amount" in one else None)
        for one in told
    ]


async def test_an_order_tells_what_was_reserved_taken_and_given_back(at: CardShop):
    buyer = await at.shopper(mug=3)
    declined = (await buyer.check_out(DECLINED)).json()
    order = (await buyer.pay(declined["id"], GOOD)).json()
    await at.tell(times=2)
    pickup = await at.collect(buyer, order, mug=2)
    await at.sweep()
    key = {"Idempotency-Key": at.shop.fresh()}
    await at.shop.client.post(f"/v1/pickups/{pickup}/cancel", json={}, headers=buyer.headers | key)
    await at.sweep(rounds=5)
    await at.tell(times=2)
    await at.sweep()

    told = [one for one in words(await steps(buyer, order)) if "payment" in one[0]]
    assert told == [
        ("payment_failed", "provider", None),
        ("payment_retried", "buyer", None),
        ("payment_authorised", "provider", 3000),
        ("payment_captured", "provider", 3000),
        ("payment_refunded", "provider", 1000),
    ]
    everything = await steps(buyer, order, await at.shop.office())
    assert everything[0]["reason"] == "do_not_honor"
    assert [one["what"] for one in everything].index("placed") == 3
    assert not [name for name in ("secret", "pi_", "pm_") if name in str(everything)]


async def test_an_order_that_nobody_paid_tells_that_its_time_was_over(at: CardShop):
    buyer = await at.shopper(mug=1)
    order = (await buyer.check_out()).json()
    await at.sweep(minutes=31)
    await at.sweep(minutes=40)

    assert words(await steps(buyer, order))[-1] == ("expired", "clock", None)
    assert len([one for one in await steps(buyer, order) if one["what"] == "expired"]) == 1


async def test_what_was_let_go_of_is_told(at: CardShop):
    buyer = await at.shopper(mug=1)
    order = (await buyer.check_out(GOOD)).json()
    pickup = order["groups"][0]["pickup"]
    key = {"Idempotency-Key": at.shop.fresh()}
    await at.shop.client.post(f"/v1/pickups/{pickup}/cancel", json={}, headers=buyer.headers | key)
    await at.sweep(rounds=4)

    assert words(await steps(buyer, order))[-1] == ("payment_voided", "provider", None)
