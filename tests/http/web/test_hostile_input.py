"""What stands at the door: nobody learns of others' things, and nothing is open by mistake."""

from contextlib import nullcontext
from typing import Any

import pytest
from litestar import get
from litestar.exceptions import ImproperlyConfiguredException

from adapters.http import app
from adapters.http.web.authentication import callers, public
from adapters.main import build_app
from domain.foundation.callers import Role
from tests.support.api.carts import a_cart
from tests.support.api.orders import order
from tests.support.examples import HARBOUR, HILL, MUG, shelve
from tests.support.shop import Shop


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


@pytest.mark.parametrize(
    ("statement", "fits"), [({}, False), (public(), True), (callers(Role.TILL), True)]
)
async def test_an_operation_that_does_not_say_who_may_call_it_is_never_served(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, statement: dict[str, Any], fits: bool
):
    @get("/v1/forgotten", **statement)
    async def forgotten() -> None: ...

    monkeypatch.setattr(app, "CONTROLLERS", [*app.CONTROLLERS, forgotten])

    with nullcontext() if fits else pytest.raises(ImproperlyConfiguredException):
        build_app(shop.house)


async def told(shop: Shop, path: str, headers: dict[str, str]) -> Any:
    """The whole body of an answer."""
    return (await shop.client.get(path, headers=headers)).json()
