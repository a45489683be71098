"""Effects of a payment's status on its order: placed, waiting or ended; and payments not needed.

Every step is decided from the current state, under the locks of the cart and the order: a status
that arrives again, late, or from two sides at once has its effect once.
"""

from collections.abc import Sequence

from msgspec import Struct

from domain.carts.carts import Cart
from domain.foundation.events import PaymentRefunded, PaymentVoided
from domain.inventory.holds import HoldState, to_deltas
from domain.inventory.stock_levels import (
    InsufficientStock,
    MovementReason,
    PostingSource,
    to_postings,
)
from domain.kernel.errors import TransactionConflict
from domain.kernel.ids import AttemptId
from domain.orders import timeline
from domain.orders.orders import Order, OrderState
from domain.payments.attempts import AttemptState, PaymentAttempt
from domain.payments.transactions import (
    PlannedTransaction,
    Transaction,
    TransactionKind,
    TransactionState,
    next_transaction,
)
from service.carts.cart_holds import get_cart_hold
from service.inventory.availability import get_products_with_parts
from service.orders.checkout.allocation import Allocator
from service.orders.payment.start_payment import new_transaction
from service.shared.unit_of_work import Unit

PAID_STATES = frozenset({AttemptState.AUTHORISED, AttemptState.CAPTURED})


class _PendingOrder(Struct, frozen=True):
    """A locked order that is not paid yet: its cart, its attempts, and their transactions."""

    cart: Cart
    order: Order
    attempts: Sequence[PaymentAttempt]
    asked: Sequence[Transaction]

    @property
    def current(self) -> PaymentAttempt:
        return next(attempt for attempt in self.attempts if attempt.id == self.order.attempt)


async def apply_status(
    unit: Unit, cart: Cart, order: Order, looked_at: AttemptId | None = None
) -> Order:
    """Returns the locked order after the effects of its payment attempts' status.

    The status of `looked_at` was just read; that of other attempts in progress is unknown.
    """
    attempts = await unit.payments.attempts.list_by_order_for_update(order.id)
    if order.is_pending:
        asked = await unit.payments.attempts.list_transactions([attempt.id for attempt in attempts])
        order = await _decide(unit, _PendingOrder(cart, order, attempts, asked), looked_at)
    await settle_payment(unit, order, attempts)
    return order


async def settle_payment(
    unit: Unit, order: Order, attempts: Sequence[PaymentAttempt] | None = None
) -> None:
    """Plans the transactions after which the order has received what it is owed, and no more.

    The first handover or parcel captures the amount of all units still wanted; units cancelled
    later are refunded.
    """
    if attempts is None:
        attempts = await unit.payments.attempts.list_by_order_for_update(order.id)
    asked = await unit.payments.attempts.list_transactions([attempt.id for attempt in attempts])
    for attempt in attempts:
        mine = [one for one in asked if one.attempt == attempt.id]
        plan = next_transaction(
            attempt, mine, order.amount_owed(attempt.id), take=order.has_started
        )
        if plan is not None:
            await _plan_transaction(unit, order, attempt, plan)


async def _plan_transaction(
    unit: Unit, order: Order, attempt: PaymentAttempt, plan: PlannedTransaction
) -> None:
    """Plans a transaction: one void of an attempt, any other once a version of the order."""
    cause = attempt.id if plan.kind is TransactionKind.VOID else f"{attempt.id}/{order.version}"
    asked = new_transaction(unit, attempt, plan.kind, plan.amount, cause)
    if not await unit.payments.attempts.add_transaction(asked):
        return
    gives_back = (
        plan.kind in {TransactionKind.VOID, TransactionKind.REFUND} and attempt.authorised > 0
    )
    if gives_back and (order.state is OrderState.EXPIRED or order.attempt != attempt.id):
        await announce_returned_payment(unit, order, attempt)


async def announce_returned_payment(unit: Unit, order: Order, attempt: PaymentAttempt) -> None:
    """Adds the event of a payment that its order does not need. A repeat sends no more messages."""
    event = PaymentRefunded if attempt.captured else PaymentVoided
    await unit.administration.outbox.add(
        event(
            order=order.id,
            attempt=attempt.id,
            amount=attempt.to_refund,
            customer=order.customer,
            at=unit.now,
        )
    )


async def _decide(unit: Unit, waiting: _PendingOrder, looked_at: AttemptId | None) -> Order:
    """Places an order whose payment is authorised, or ends one whose time is over.

    A payment whose void is planned no longer counts, even where it is authorised at that moment.
    """
    current, order = waiting.current, waiting.order
    if current.state in PAID_STATES and not is_voiding(current, waiting.asked):
        try:
            return await _place(unit, waiting.cart, order)
        except (
            InsufficientStock,
            TransactionConflict,
        ):  # nothing was written: it has gone meanwhile
            return await _expire(unit, waiting.cart, order)
    if not current.is_in_flight:
        await _unpin(unit, waiting.cart, current.id)
    if order.payment_due_at is not None and order.payment_due_at <= unit.now:
        return await _end(unit, waiting, looked_at)
    return order


async def _unpin(unit: Unit, cart: Cart, attempt: AttemptId) -> None:
    """Unpins the hold: it lasts for its grace time, so that another card can be tried."""
    hold = (await get_cart_hold(unit, cart)).hold
    if hold is None:
        return
    after = hold.unpin(attempt, unit.now)
    if after is not hold:
        await unit.inventory.holds.update(after)


async def _place(unit: Unit, cart: Cart, order: Order) -> Order:
    kept = await get_cart_hold(unit, cart)
    catalogue = await get_products_with_parts(unit, [line.sku for line in order.lines])
    await unit.stores.stores.lock_shared(sorted({group.store for group in order.groups}))
    paid = order.mark_paid(unit.now)
    promises = await Allocator.open(unit, [paid], catalogue, [kept])
    placed = promises.promise(paid, kept)
    await promises.close()
    await unit.carts.carts.update(cart.mark_ordered(placed.id, unit.now))
    return placed


async def _expire(unit: Unit, cart: Cart, order: Order) -> Order:
    """It is over, its goods are free, and its cart is its shopper's again."""
    expired = order.expire(unit.now)
    kept = await get_cart_hold(unit, cart)
    if kept.hold and kept.claimed:
        await unit.inventory.stock_levels.get_for_update(kept.claimed.keys())
        source = PostingSource(MovementReason.HOLD, kept.hold.id, order.actor, unit.now)
        await unit.inventory.stock_levels.apply(
            to_postings(to_deltas(kept.claimed, sign=-1), source)
        )
        await unit.inventory.holds.close([kept.hold.id], HoldState.EXPIRED)
    await unit.carts.carts.update(cart.reopen(unit.now))
    await unit.orders.orders.update(expired)
    await unit.administration.outbox.add(told=[timeline.expired_entry(expired)])
    return expired


async def _end(unit: Unit, waiting: _PendingOrder, looked_at: AttemptId | None) -> Order:
    """The time to pay is over: the provider lets go first, and then the order is over too."""
    open_ = [one for one in waiting.attempts if not is_finished(one, waiting.asked)]
    if not open_:
        return await _expire(unit, waiting.cart, waiting.order)
    for attempt in open_:
        if attempt.payment and (attempt.id == looked_at or not attempt.is_in_flight):
            await _plan_transaction(
                unit, waiting.order, attempt, PlannedTransaction(TransactionKind.VOID, 0)
            )
    return waiting.order


def is_voiding(attempt: PaymentAttempt, asked: Sequence[Transaction]) -> bool:
    """The provider was asked to let go of it, and has not refused."""
    return any(
        one.attempt == attempt.id
        and one.kind is TransactionKind.VOID
        and one.state is not TransactionState.REFUSED
        for one in asked
    )


def is_finished(attempt: PaymentAttempt, asked: Sequence[Transaction]) -> bool:
    """No money comes of it any more, or the provider will not let go: then a person has to look."""
    return attempt.is_closed or any(
        one.attempt == attempt.id
        and one.kind is TransactionKind.VOID
        and one.state is TransactionState.REFUSED
        for one in asked
    )
