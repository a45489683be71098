"""Rivals that are made to meet on real locks, so that nothing is left to chance."""

import asyncio
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from domain.refusals import Busy, GaveWay
from service.retries import TRIES, tried_again
from tests.examples import shelve
from tests.http.rivals import all_wait, keeping
from tests.http.shop import Shop
from tests.http.test_carts import a_cart
from tests.http.test_holds import held, hold
from tests.http.test_orders import figures, order, shelf

A_CART = "select from carts where id = $1 for update"


async def test_a_checkout_that_is_undone_by_a_deadlock_succeeds_once(shop: Shop):
    await shelve(shop.units, mug=5)
    cart = await a_cart(shop, await shop.page(), mug=1)
    with capture_logs() as logs:
        async with keeping(shop) as rival:  # of the shelf; the checkout has the cart
            checkout = asyncio.create_task(order(shop, cart))
            await all_wait(shop, 1)
            await rival.execute(A_CART, cart["id"])  # each waits for the other: one is undone
        placed = await checkout

    assert tries_again(logs) == ["place"]
    assert placed.status_code == 201, placed.text
    assert "Idempotent-Replayed" not in placed.headers
    assert await shelf(shop) == (5, 1)
    assert await figures(shop, "select count(*) from orders") == 1
    assert await figures(shop, "select count(*) from events where kind = 'order_placed'") == 1


async def test_what_has_no_key_and_is_undone_by_a_deadlock_succeeds_too(shop: Shop):
    await shelve(shop.units, mug=5)
    page = await shop.page()
    path = f"/v1/holds/{(await hold(shop, page)).json()['id']}"
    with capture_logs() as logs:
        async with keeping(shop) as rival:
            release = asyncio.create_task(shop.client.delete(path, headers=page))
            await all_wait(shop, 1)
            await rival.execute("select from holds for update")
        released = await release

    assert tries_again(logs) == ["release"]
    assert (released.status_code, released.json()["state"]) == (200, "released")
    assert await held(shop) == (0, 5)


def tries_again(logs: list[Any]) -> list[str]:
    return [line["use_case"] for line in logs if line["event"] == "gave way"]


class Unlucky:
    """A use case that writes a cart's currency down, and collides so many times before."""

    def __init__(self, shop: Shop, collisions: list[type[Exception]], *, after: bool = False):
        self.shop, self.collisions, self.after = shop, collisions, after
        self.tries = 0

    @tried_again
    async def __call__(self) -> int:
        self.tries += 1
        async with self.shop.units.begin() as unit:
            await unit.connection.execute("update stock set safety_stock = safety_stock + 1")
            if self.collisions:
                raise self.collisions.pop()
        return self.tries


async def test_what_was_undone_twice_is_done_once(shop: Shop):
    await shelve(shop.units, mug=5)
    collisions = [asyncpg.DeadlockDetectedError, asyncpg.SerializationError]

    assert await Unlucky(shop, [*collisions])() == 3
    assert await figures(shop, "select safety_stock from stock") == 1


async def test_who_gives_way_for_ever_is_told_to_come_back(shop: Shop):
    await shelve(shop.units, mug=5)
    unlucky = Unlucky(shop, [asyncpg.DeadlockDetectedError] * 99)

    with pytest.raises(Busy):
        await unlucky()
    assert unlucky.tries == TRIES
    assert await figures(shop, "select safety_stock from stock") == 0


@pytest.mark.parametrize(
    "trouble", [asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError, ConnectionError]
)
async def test_nothing_else_is_tried_again(shop: Shop, trouble: type[Exception]):
    unlucky = Unlucky(shop, [trouble])

    with pytest.raises((Busy, ConnectionError)) as caught:
        await unlucky()
    assert not isinstance(caught.value, GaveWay)
    assert unlucky.tries == 1
