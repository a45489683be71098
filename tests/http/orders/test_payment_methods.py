"""Who may pay how, and where."""

from typing import Any

import pytest

from domain.stores.stores import StoreKind
from tests.support.api.search import find
from tests.support.api.shipments import ADDRESS, ALL_SENT, DEPOT, a_cart, audited, do, level, order
from tests.support.examples import HARBOUR, MUG, a_store, shelve
from tests.support.shop import Shop, a_shop


def paid(method: str, **more: Any) -> dict[str, Any]:
    return {"payment": {"method": method, **more}}


def wrong(answer: Any) -> tuple[int, str, str]:
    error = answer.json()["errors"][0]
    return answer.status_code, error["pointer"], error["code"]


async def test_what_is_sent_is_not_paid_where_nobody_collects_it(shop: Shop):
    await shelve(shop.units, mug=5)
    cart = await a_cart(shop, await shop.page(), {MUG: 1})
    refused = await order(shop, cart, **paid("pay_at_pickup"))

    assert wrong(refused) == (422, "/payment/method", "nothing_sent_unpaid")
    assert await level(shop) == (5, 0, 0)


@pytest.mark.parametrize("who", ["page", "customer"])
async def test_only_a_till_takes_money_at_a_till(shop: Shop, who: str):
    await shelve(shop.units, mug=5)
    cart = await a_cart(shop, await getattr(shop, who)(), {MUG: 1})
    refused = await order(shop, cart, **paid("pay_at_till"))

    assert wrong(refused) == (422, "/payment/method", "not_at_a_till")


async def test_a_walk_in_pays_at_the_till_for_what_another_location_sends(shop: Shop):
    async with shop.units.begin() as unit:
        await unit.stores.stores.upsert([a_store(DEPOT, kind=StoreKind.WAREHOUSE)])
    await shelve(shop.units, DEPOT, mug=5)
    till = await shop.till(HARBOUR)
    cart = await a_cart(shop, till, {MUG: 2})
    placed = await order(shop, cart, **paid("pay_at_till", receipt="T1-0042"))
    sent = await do(
        shop, f"/v1/orders/{placed.json()['id']}/shipments", ALL_SENT, await shop.associate(DEPOT)
    )

    assert placed.status_code == 201, placed.text
    assert placed.json()["tenders"][0]["type"] == "pay_at_till"
    assert await find(shop, await shop.office(), query="T1-0042") == [placed.json()["id"]]
    assert [group["store"] for group in placed.json()["groups"]] == [DEPOT]
    assert placed.json()["address"]["city"] == ADDRESS["city"]
    assert sent.json()["state"] == "shipped"
    assert await level(shop, DEPOT) == (3, 0, 0)
    assert await audited(shop)


async def test_a_receipt_is_told_of_what_was_paid_at_a_till_alone(shop: Shop):
    cart = await a_cart(shop, await shop.page(), {MUG: 1})
    refused = await order(shop, cart, **paid("on_account", receipt="T1-0042"))

    assert wrong(refused) == (422, "/payment/receipt", "unknown_field")


async def test_nobody_pays_on_account_unless_the_retailer_bills(database_url: str, tmp_path: Any):
    async with a_shop(database_url, tmp_path, on_account=False) as shop:
        await shelve(shop.units, mug=5)
        cart = await a_cart(shop, await shop.page(), {MUG: 1})
        refused = await order(shop, cart, **paid("on_account"))

    assert wrong(refused) == (422, "/payment/method", "not_offered")
