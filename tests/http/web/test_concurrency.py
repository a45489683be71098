"""Rivals that are made to meet on real locks, so that nothing is left to chance."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from adapters.postgres.db.unit_of_work import utc_now
from domain.kernel.errors import TransactionConflict, Unavailable
from service.inventory.holds import expire_holds
from service.shared.retry import MAX_TRIES, retry_on_conflict
from tests.support.api.cart_holds import claim
from tests.support.api.cart_holds import hold as hold_cart
from tests.support.api.carts import a_cart
from tests.support.api.checkout_batches import in_a_round_of_its_own
from tests.support.api.holds import held, hold, let_time_pass, line
from tests.support.api.order_edits import edit
from tests.support.api.orders import figures, level, order
from tests.support.api.pickups import a_desk, points
from tests.support.api.receipts import ago, sale, sound, tell
from tests.support.concurrency import all_wait, is_free, keeping, queue
from tests.support.examples import HARBOUR, MUG, TEAPOT, shelve
from tests.support.shop import Shop

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

    assert tries_again(logs) == ["place_orders"]
    assert placed.status_code == 201, placed.text
    assert "Idempotent-Replayed" not in placed.headers
    assert await level(shop) == (5, 1)
    assert await figures(shop, "select count(*) from orders") == 1
    assert (
        await figures(shop, "select count(*) from outbox_events where kind = 'order_placed'") == 1
    )


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

    assert tries_again(logs) == ["release_hold"]
    assert (released.status_code, released.json()["state"]) == (200, "released")
    assert await held(shop) == (0, 5)


def tries_again(logs: list[Any]) -> list[str]:
    return [line["use_case"] for line in logs if line["event"] == "transaction retried"]


class Unlucky:
    """A use case that writes a cart's currency down, and collides so many times before."""

    def __init__(self, shop: Shop, collisions: list[type[Exception]], *, after: bool = False):
        self.shop, self.collisions, self.after = shop, collisions, after
        self.tries = 0

    @retry_on_conflict
    async def __call__(self) -> int:
        self.tries += 1
        async with self.shop.units.begin() as unit:
            await unit.connection.execute("update stock_levels set safety_stock = safety_stock + 1")
            if self.collisions:
                raise self.collisions.pop()
        return self.tries


async def test_what_was_undone_twice_is_done_once(shop: Shop):
    await shelve(shop.units, mug=5)
    collisions = [asyncpg.DeadlockDetectedError, asyncpg.SerializationError]

    assert await Unlucky(shop, [*collisions])() == 3
    assert await figures(shop, "select safety_stock from stock_levels") == 1


async def test_who_gives_way_for_ever_is_told_to_come_back(shop: Shop):
    await shelve(shop.units, mug=5)
    unlucky = Unlucky(shop, [asyncpg.DeadlockDetectedError] * 99)

    with pytest.raises(Unavailable):
        await unlucky()
    assert unlucky.tries == MAX_TRIES
    assert await figures(shop, "select safety_stock from stock_levels") == 0


@pytest.mark.parametrize(
    "trouble", [asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError, ConnectionError]
)
async def test_nothing_else_is_tried_again(shop: Shop, trouble: type[Exception]):
    unlucky = Unlucky(shop, [trouble])

    with pytest.raises((Unavailable, ConnectionError)) as caught:
        await unlucky()
    assert not isinstance(caught.value, TransactionConflict)
    assert unlucky.tries == 1


async def test_the_last_unit_goes_to_one_of_fifty_who_wait_for_it(shop: Shop):
    await shelve(shop.units, mug=1)
    page = await shop.page()
    carts = [await a_cart(shop, page, mug=1) for _ in range(50)]
    async with keeping(shop):
        checkouts = [asyncio.create_task(in_a_round_of_its_own(shop, cart)) for cart in carts]
        await all_wait(shop, 20)
    answers = await asyncio.gather(*checkouts)

    assert Counter(answers) == {"placed": 1, "insufficient_stock": 49}
    assert await level(shop) == (1, 1)


async def test_carts_that_cross_two_hundred_times_never_collide(shop: Shop):
    await shelve(shop.units, mug=1000, teapot=1000)
    page = await shop.page()
    crossing: list[dict[str, int]] = [{"mug": 1, "teapot": 1}, {"teapot": 1, "mug": 1}]
    carts = [await a_cart(shop, page, **lines) for lines in crossing * 100]
    with capture_logs() as logs:
        answers = await asyncio.gather(*(in_a_round_of_its_own(shop, cart) for cart in carts))

    assert set(answers) == {"placed"}
    assert tries_again(logs) == []
    assert (await level(shop), await level(shop, TEAPOT)) == ((1000, 200), (1000, 200))


A_SHELF = "select from stock_levels where sku = $1"


async def test_an_edit_locks_the_shelves_of_its_order_in_the_order_of_all(shop: Shop):
    """Also those of lines that stay: whoever locked them later would lock out of turn."""
    await shelve(shop.units, mug=9, teapot=9)
    placed = (await order(shop, await a_cart(shop, await shop.page(), mug=1, teapot=1))).json()
    async with keeping(shop, f"{A_SHELF} for update", MUG):
        more = edit(shop, await shop.office(), placed["id"], lines=[{"sku": TEAPOT, "quantity": 2}])
        editing = asyncio.create_task(more)
        await all_wait(shop, 1)
        teapots_are_free = await is_free(shop, A_SHELF, TEAPOT)

    assert teapots_are_free
    assert (await editing).status_code == 200


async def test_a_log_in_locks_what_both_carts_hold_in_the_order_of_all(shop: Shop):
    await shelve(shop.units, mug=9, teapot=9)
    me = await shop.customer()
    mine, guest = await a_cart(shop, me, mug=1), await a_cart(shop, await shop.page(), teapot=1)
    await hold_cart(shop, mine)
    await hold_cart(shop, guest)
    async with keeping(shop, f"{A_SHELF} for update", MUG):
        claiming = asyncio.create_task(claim(shop, guest, me))
        await all_wait(shop, 1)
        teapots_are_free = await is_free(shop, A_SHELF, TEAPOT)

    assert teapots_are_free
    assert (await claiming).status_code == 200


async def test_a_log_in_locks_both_carts_in_the_order_of_all(shop: Shop):
    await shelve(shop.units, mug=9, teapot=9)
    me = await shop.customer()
    mine, guest = await a_cart(shop, me, mug=1), await a_cart(shop, await shop.page(), teapot=1)
    first, second = sorted([mine["id"], guest["id"]])
    async with keeping(shop, A_CART, first):
        claiming = asyncio.create_task(claim(shop, guest, me))
        await all_wait(shop, 1)
        second_is_free = await is_free(shop, "select from carts where id = $1", second)

    assert second_is_free
    assert (await claiming).status_code == 200


@pytest.mark.parametrize("sweep_first", [True, False])
async def test_what_a_sweep_frees_while_somebody_waits_is_free_once(
    shop: Shop, *, sweep_first: bool
):
    await shelve(shop.units, mug=1)
    page = await shop.page()
    await hold(shop, page)
    await let_time_pass(shop, 16)
    rivals = [expire_holds(shop.units), hold(shop, page, line(quantity=2))]
    answers = await queue(shop, *(rivals if sweep_first else rivals[::-1]))
    refused = answers[1 if sweep_first else 0]
    mine = await hold(shop, page)

    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_stock")
    assert (mine.status_code, await held(shop)) == (201, (1, 0))


@pytest.mark.parametrize("count_first", [True, False])
@pytest.mark.parametrize(("sold", "left"), [(20, 8), (5, 7)])
async def test_a_count_and_a_sale_agree_whoever_is_first(
    shop: Shop, sold: int, left: int, *, count_first: bool
):
    """Ten minutes ago there were eight: a sale before that is in it, one after that is not."""
    till, office = await shop.till(HARBOUR), await shop.office()

    async def told(verb: str, **line: Any) -> Any:
        headers = office | {"Idempotency-Key": shop.fresh()}
        lines = {"lines": [{"store": HARBOUR, "sku": MUG, **line}]}
        return await shop.client.post(f"/v1/stock/{verb}", json=lines, headers=headers)

    await told("adjustments", delta=10, reason="received", occurred_at=ago(60))
    counting = told("counts", counted=8, counted_at=ago(10))
    selling = tell(shop, sale("r-1", minutes=sold), headers=till)
    rivals = [counting, selling]
    await queue(shop, *(rivals if count_first else rivals[::-1]))

    assert await figures(shop, "select on_hand from stock_levels") == left
    assert await sound(shop)


async def test_a_repair_waits_for_whoever_is_at_it_and_forgets_nothing_of_theirs(shop: Shop):
    await shelve(shop.units, mug=5)
    cart = await a_cart(shop, await shop.page(), mug=1)
    async with shop.units.read() as unit:
        await unit.connection.execute("update stock_levels set on_hand = on_hand + 100")

    async def repair() -> int:
        async with shop.units.begin() as unit:
            return len(await unit.administration.audit.repair())

    with capture_logs() as logs:
        placed, repairs = await queue(shop, order(shop, cart), repair())

    assert (placed.status_code, repairs, tries_again(logs)) == (201, 1, [])
    assert await level(shop) == (5, 1)
    assert await sound(shop)


async def test_a_hold_is_not_extended_once_its_unit_went_to_somebody_else(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    await shelve(shop.units, mug=1)
    page = await shop.page()
    mine = (await hold(shop, page)).json()["id"]
    path = f"/v1/holds/{mine}/extend"
    async with keeping(shop, "select from holds for update"):
        in_time = asyncio.create_task(shop.client.post(path, json={}, headers=page))
        await all_wait(shop, 1)
        monkeypatch.setattr(shop.units, "_clock", lambda: utc_now() + timedelta(minutes=16))
        other = await hold(shop, page)
        monkeypatch.undo()
    extended = await in_time

    assert other.status_code == 201
    assert (extended.status_code, extended.json()["code"]) == (409, "insufficient_stock")


@pytest.mark.parametrize("handover_first", [True, False])
async def test_a_cancellation_and_a_handover_have_one_winner_whoever_is_first(
    shop: Shop, *, handover_first: bool
):
    desk = await a_desk(shop, mug=2)
    code = await desk.make_ready(mug=2)
    rivals = [desk.do("handover", {"code": code}), desk.cancel()]
    first, second = await queue(shop, *(rivals if handover_first else rivals[::-1]))
    state = "collected" if handover_first else "cancelled"

    assert first.status_code == 200
    assert second.json()["code"] == ("already_collected" if handover_first else "wrong_state")
    assert ((await desk.look())["state"], await sound(shop)) == (state, True)
    assert await points(desk) == ((0, 20) if handover_first else (0, 0))
    assert await level(shop) == ((8, 0) if handover_first else (10, 2))
