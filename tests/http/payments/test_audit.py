"""Figures of payments that are not what they should be are reported."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.card_shop import OF_CARDS, CardShop, a_card_shop
from tests.support.examples import shelve
from tests.support.fake_stripe import GOOD


@pytest.fixture
async def at(database_url: str, tmp_path: Path) -> AsyncIterator[CardShop]:
    """One order waits for its money, one has it, one was collected and partly given back."""
    async with a_card_shop(database_url, tmp_path) as at:
        await shelve(at.shop.units, mug=9)
        await (await at.shopper(mug=1)).check_out()
        await (await at.shopper(mug=1)).check_out(GOOD)
        buyer = await at.shopper(mug=2)
        await at.collect(buyer, (await buyer.check_out(GOOD)).json(), mug=1)
        await at.sweep()
        yield at


async def broken(at: CardShop) -> set[str]:
    async with at.shop.units.read() as unit:
        return {one.name for one in await unit.administration.audit.check() if not one.ok}


async def test_all_is_well_where_nobody_meddled(at: CardShop):
    async with at.shop.units.read() as unit:
        checked = {one.name: one.checked for one in await unit.administration.audit.check()}

    assert await at.is_well()
    assert all(checked[name] for name in OF_CARDS)


@pytest.mark.parametrize(
    ("meddling", "found"),
    [
        (
            "update payment_attempts set authorised = 0 where state = 'authorised'",
            "orders_by_card_are_authorised",
        ),
        (
            "update orders set attempt = 'pay_none' where state = 'placed'",
            "orders_by_card_are_authorised",
        ),
        (
            "update payment_attempts set state = 'failed' where state = 'waiting'",
            "a_pinned_hold_has_a_live_attempt",
        ),
        (
            "update orders set state = 'expired' where state = 'pending_payment'",
            "a_pinned_hold_has_a_live_attempt",
        ),
        (
            "update orders set to_pay_minor = 500 where state = 'partly_fulfilled'",
            "captured_money_is_owed",
        ),
        (
            "update orders set refunded_minor = 500 where state = 'partly_fulfilled'",
            "captured_money_is_owed",
        ),
        (
            "update orders set state = 'expired' where state = 'partly_fulfilled'",
            "captured_money_is_owed",
        ),
        (
            """
            insert into payment_transactions
                (id, attempt, order_id, kind, cause, amount, state, due_at, planned_at, changed_at)
            select 'ptx_none', id, order_id, 'refund', 'x', 2001, 'planned', now(), now(), now()
            from payment_attempts where captured > 0
            """,
            "refunds_are_never_above_captures",
        ),
        (
            "update carts set state = 'ordered' where state = 'paying'",
            "an_ordered_cart_has_its_order",
        ),
        (
            "update carts set state = 'paying' where state = 'ordered'",
            "an_ordered_cart_has_its_order",
        ),
    ],
)
async def test_what_somebody_breaks_is_reported(at: CardShop, meddling: str, found: str):
    async with at.shop.units.read() as unit:
        await unit.connection.execute(meddling)

    assert found in await broken(at)
