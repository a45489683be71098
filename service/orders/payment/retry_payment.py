"""Another attempt to be paid for an order that waits: with another card, or from another device.

The one before is let go of at the provider first, so that no two can bring money. Where that one
turns out to have brought it, the order is placed, and there is nothing left to try.
"""

from collections.abc import Sequence

from msgspec import structs

from domain.foundation.callers import AccessDenied, Caller
from domain.kernel.ids import OrderId
from domain.orders.orders import Order
from domain.orders.timeline import payment_retried_entry
from domain.payments.attempts import OrderNotPayable, PaymentAttempt, PaymentInProgress
from domain.payments.transactions import TransactionKind
from service.carts.cart_holds import get_cart_hold
from service.foundation.ports import IdempotencyKey
from service.inventory.availability import get_products_with_parts
from service.orders.checkout.place_order import PlacedOrder, get_placed_order
from service.orders.payment.apply_status import is_finished
from service.orders.payment.execute_transactions import execute_transaction
from service.orders.payment.reconcile_attempts import reconcile_attempt
from service.orders.payment.start_payment import (
    HeldGoods,
    PaymentMeans,
    new_transaction,
    restart_payment,
)
from service.orders.queries import is_buyer
from service.payments.payment_methods import TRANSACTION_LEASE, PaymentMethods
from service.payments.ports import LeasedTransaction
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units


async def retry_payment(
    units: Units,
    cashier: PaymentMethods,
    *,
    caller: Caller,
    order: OrderId,
    card: str,
    key: IdempotencyKey | None,
) -> PlacedOrder:
    """Starts another payment attempt; a repeat with the same key only returns the status.

    Raises:
        OrderNotPayable: it is paid, or has ended.
        PaymentInProgress: the previous attempt cannot be voided now.
        InsufficientStock: its goods are no longer held, and are gone.
    """
    cashier.ensure_cards_accepted()
    before = await _open(units, caller, order, key)
    if before is not None:
        for attempt in before:
            await reconcile_attempt(units, cashier.provider, attempt, attempt.changed_at)
        for leased in await _plan_voids(units, order):
            await execute_transaction(
                units, cashier.provider, leased, leased.transaction.planned_at
            )
    means = PaymentMeans(cashier.provider.provider, card)
    tried, asked = await _started(units, caller, order, means, key)
    if asked is not None:
        await execute_transaction(units, cashier.provider, asked, asked.transaction.planned_at)
    return await get_placed_order(units, tried)


async def _open(
    units: Units, caller: Caller, order: OrderId, key: IdempotencyKey | None
) -> Sequence[PaymentAttempt] | None:
    """Attempts that the provider knows and that have not ended; None for a repeat."""
    async with units.read() as unit:
        if key and any(await unit.foundation.idempotency.get_answers([key], PlacedOrder)):
            return None
        found = await unit.orders.orders.get(order)
        if not is_buyer(caller, found):
            raise AccessDenied(caller, order)
        attempts = await unit.payments.attempts.list_by_order(order)
        return [one for one in attempts if one.payment and not one.is_closed]


@retry_on_conflict
async def _plan_voids(units: Units, order: OrderId) -> list[LeasedTransaction]:
    """Plans the voids after which no attempt is open; none for an order that is paid.

    Voids that are planned already are left to their executor.

    Raises PaymentInProgress: an attempt has only just started.
    """
    async with units.begin() as unit:
        taken = await _get_order_for_update(unit, order)
        if not taken.is_pending:
            return []
        leased = []
        for attempt in await unit.payments.attempts.list_by_order_for_update(order):
            if not attempt.payment and not attempt.is_closed:
                raise PaymentInProgress(order, attempt.deadline)
            asked = new_transaction(unit, attempt, TransactionKind.VOID, 0, attempt.id)
            asked = structs.replace(asked, tries=1, due_at=unit.now + TRANSACTION_LEASE)
            if not attempt.is_closed and await unit.payments.attempts.add_transaction(asked):
                leased.append(LeasedTransaction(asked, attempt))
        return leased


@retry_on_conflict
async def _started(
    units: Units, caller: Caller, order: OrderId, means: PaymentMeans, key: IdempotencyKey | None
) -> tuple[PlacedOrder, LeasedTransaction | None]:
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, PlacedOrder):
            return first, None
        cart = await unit.carts.carts.get_for_update((await unit.orders.orders.get(order)).cart)
        taken = await unit.orders.orders.get_for_update(order)
        if not is_buyer(caller, taken):
            raise AccessDenied(caller, order)
        await _ensure_payable(unit, taken)
        catalogue = await get_products_with_parts(unit, [line.sku for line in taken.lines])
        held = HeldGoods(catalogue, await get_cart_hold(unit, cart))
        started, asked = await restart_payment(unit, taken, cart, held, means)
        await unit.administration.outbox.add(told=[payment_retried_entry(started, caller)])
        placed = PlacedOrder(started, new=True)
        await unit.foundation.idempotency.save_answer(key, placed)
    return placed, asked


async def _get_order_for_update(unit: Unit, order: OrderId) -> Order:
    await unit.carts.carts.get_for_update((await unit.orders.orders.get(order)).cart)
    return await unit.orders.orders.get_for_update(order)


async def _ensure_payable(unit: Unit, order: Order) -> None:
    """Raises OrderNotPayable, PaymentInProgress."""
    if not order.is_pending:
        raise OrderNotPayable(order.id, order.state.value)
    if order.payment_due_at is None or order.payment_due_at <= unit.now:
        raise OrderNotPayable(order.id, "expired")
    attempts = await unit.payments.attempts.list_by_order_for_update(order.id)
    asked = await unit.payments.attempts.list_transactions([attempt.id for attempt in attempts])
    if not all(is_finished(attempt, asked) for attempt in attempts):
        raise PaymentInProgress(order.id, order.payment_due_at)
