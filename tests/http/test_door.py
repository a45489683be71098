"""What stands at the door: nobody learns of others' things, and nothing is open by mistake."""

from typing import Any

import pytest

from tests.examples import HARBOUR, HILL, MUG, shelve
from tests.http.shop import Shop
from tests.http.test_carts import a_cart
from tests.http.test_orders import order


@pytest.fixture
async def theirs(shop: Shop) -> dict[str, str]:
    """A cart, an order with its pickup, and a hold of one customer."""
    await shelve(shop.units, HARBOUR, mug=5)
    them = await shop.customer("sample-2")
    placed = (await order(shop, await a_cart(shop, them, mug=1))).json()
    lines = [{"store": HARBOUR, "sku": MUG, "quantity": 1}]
    held = await shop.client.post(
        "/v1/holds", json={"lines": lines}, headers=them | {"Idempotency-Key": "hold"}
    )
    cart = await a_cart(shop, them)
    return {
        "carts": cart["id"],
        "orders": placed["id"],
        "pickups": placed["groups"][0]["pickup"],
        "holds": held.json()["id"],
    }


@pytest.mark.parametrize("things", ["carts", "orders", "pickups", "holds"])
async def test_what_is_somebody_elses_is_answered_like_what_is_not_there(
    shop: Shop, theirs: dict[str, str], things: str
):
    me = await shop.customer()
    known = await told(shop, f"/v1/{things}/{theirs[things]}", me)
    unknown = await told(shop, f"/v1/{things}/{theirs[things][:-4]}none", me)

    assert known == unknown
    assert known["status"] == 404


async def test_another_stores_pickup_is_answered_like_none(shop: Shop, theirs: dict[str, str]):
    associate = await shop.associate(HILL)
    known = await told(shop, f"/v1/pickups/{theirs['pickups']}", associate)
    unknown = await told(shop, "/v1/pickups/pku_none", associate)

    assert known == unknown


async def told(shop: Shop, path: str, headers: dict[str, str]) -> Any:
    """The whole body of an answer."""
    return (await shop.client.get(path, headers=headers)).json()
