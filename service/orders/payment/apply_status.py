"""What a payment's truth means for its order: placed, waiting, or over; and money for nothing.

Every step is decided from how things stand, under the locks of the cart and the order: so a truth
that comes again, late, or from two sides at once has its effect once.
"""

from collections.abc import Sequence

from msgspec import Struct

from domain.carts.carts import Cart
from domain.foundation.events import PaymentReturned
from domain.inventory.holds import HoldState, claims
from domain.inventory.stock_levels import Cause, NotEnoughStock, Source, moves_of
from domain.kernel.errors import GaveWay
from domain.kernel.ids import AttemptId
from domain.kernel.money import Money
from domain.orders import timeline
from domain.orders.orders import Order, OrderState
from domain.payments.attempts import Attempt, AttemptState
from domain.payments.transactions import Ask, Plan, Transaction, TransactionState, to_ask
from service.carts.cart_holds import kept_by
from service.inventory.availability import with_parts
from service.orders.checkout.allocation import Promises
from service.orders.payment.start_payment import transaction_of
from service.shared.unit_of_work import Unit

PAID = frozenset({AttemptState.AUTHORISED, AttemptState.CAPTURED})


class _Waiting(Struct, frozen=True):
    """A taken order that is not paid yet: its cart, its attempts, and what was asked for them."""

    cart: Cart
    order: Order
    attempts: Sequence[Attempt]
    asked: Sequence[Transaction]

    @property
    def current(self) -> Attempt:
        return next(attempt for attempt in self.attempts if attempt.id == self.order.attempt)


async def follow(unit: Unit, cart: Cart, order: Order, looked_at: AttemptId | None = None) -> Order:
    """The taken order after everything that follows from how its attempts stand now.

    `looked_at` was just asked how it stands; of the others that are in flight nobody knows.
    """
    attempts = await unit.attempts.take_of_order(order.id)
    if order.is_pending:
        asked = await unit.attempts.transactions([attempt.id for attempt in attempts])
        order = await _decide(unit, _Waiting(cart, order, attempts, asked), looked_at)
    await settle(unit, order, attempts)
    return order


async def settle(unit: Unit, order: Order, attempts: Sequence[Attempt] | None = None) -> None:
    """Plan what the taken order has to ask, so that it keeps what it is owed and no more.

    The first goods that go take the money of all that is still wanted; what is given up later is
    given back.
    """
    if attempts is None:
        attempts = await unit.attempts.take_of_order(order.id)
    asked = await unit.attempts.transactions([attempt.id for attempt in attempts])
    for attempt in attempts:
        mine = [one for one in asked if one.attempt == attempt.id]
        plan = to_ask(attempt, mine, order.owed_by(attempt.id), take=order.has_begun)
        if plan is not None:
            await _ask(unit, order, attempt, plan)


async def _ask(unit: Unit, order: Order, attempt: Attempt, plan: Plan) -> None:
    """An attempt is let go of once; what else is asked, once for each step of the order."""
    cause = attempt.id if plan.kind is Ask.VOID else f"{attempt.id}/{order.version}"
    asked = transaction_of(unit, attempt, plan.kind, plan.amount, cause)
    if not await unit.attempts.plan(asked):
        return
    gives_back = plan.kind in {Ask.VOID, Ask.REFUND} and attempt.authorised > 0
    if gives_back and (order.state is OrderState.EXPIRED or order.attempt != attempt.id):
        await tell_returned(unit, order, attempt)


async def tell_returned(unit: Unit, order: Order, attempt: Attempt) -> None:
    """The buyer is to learn that money comes back; however often this happens, once."""
    amount = attempt.captured or attempt.authorised
    await unit.outbox.add(
        PaymentReturned(
            order=order.id,
            attempt=attempt.id,
            amount=Money(amount, attempt.amount.currency),
            customer=order.customer,
            at=unit.now,
        )
    )


async def _decide(unit: Unit, waiting: _Waiting, looked_at: AttemptId | None) -> Order:
    """Place the order whose money is there; end the one whose time is over.

    What the provider was asked to let go of is not wanted any more, even where it comes just then.
    """
    current, order = waiting.current, waiting.order
    if current.state in PAID and not is_let_go(current, waiting.asked):
        try:
            return await _place(unit, waiting.cart, order)
        except (NotEnoughStock, GaveWay):  # nothing was written: it has gone meanwhile
            return await _expire(unit, waiting.cart, order)
    if not current.in_flight:
        await _unpin(unit, waiting.cart, current.id)
    if order.pay_by is not None and order.pay_by <= unit.now:
        return await _end(unit, waiting, looked_at)
    return order


async def _unpin(unit: Unit, cart: Cart, attempt: AttemptId) -> None:
    """What is held counts for its grace, so that another card can be tried."""
    hold = (await kept_by(unit, cart)).hold
    if hold is None:
        return
    after = hold.unpinned(attempt, unit.now)
    if after is not hold:
        await unit.holds.keep(after)


async def _place(unit: Unit, cart: Cart, order: Order) -> Order:
    kept = await kept_by(unit, cart)
    catalogue = await with_parts(unit, [line.sku for line in order.lines])
    await unit.stores.share(sorted({group.store for group in order.groups}))
    paid = order.paid(unit.now)
    promises = await Promises.open(unit, [paid], catalogue, [kept])
    placed = promises.promise(paid, kept)
    await promises.close()
    await unit.carts.keep(cart.ordered(placed.id, unit.now))
    return placed


async def _expire(unit: Unit, cart: Cart, order: Order) -> Order:
    """It is over, its goods are free, and its cart is its shopper's again."""
    expired = order.expired(unit.now)
    kept = await kept_by(unit, cart)
    if kept.hold and kept.claimed:
        await unit.stock.lock(kept.claimed.keys())
        source = Source(Cause.HOLD, kept.hold.id, order.actor, unit.now)
        await unit.stock.apply(moves_of(claims(kept.claimed, sign=-1), source))
        await unit.holds.close([kept.hold.id], HoldState.EXPIRED)
    await unit.carts.keep(cart.reopened(unit.now))
    await unit.orders.keep(expired)
    await unit.outbox.add(told=[timeline.expired(expired)])
    return expired


async def _end(unit: Unit, waiting: _Waiting, looked_at: AttemptId | None) -> Order:
    """The time to pay is over: the provider lets go first, and then the order is over too."""
    open_ = [one for one in waiting.attempts if not has_ended(one, waiting.asked)]
    if not open_:
        return await _expire(unit, waiting.cart, waiting.order)
    for attempt in open_:
        if attempt.payment and (attempt.id == looked_at or not attempt.in_flight):
            await _ask(unit, waiting.order, attempt, Plan(Ask.VOID, 0))
    return waiting.order


def is_let_go(attempt: Attempt, asked: Sequence[Transaction]) -> bool:
    """The provider was asked to let go of it, and has not refused."""
    return any(
        one.attempt == attempt.id
        and one.kind is Ask.VOID
        and one.state is not TransactionState.REFUSED
        for one in asked
    )


def has_ended(attempt: Attempt, asked: Sequence[Transaction]) -> bool:
    """No money comes of it any more, or the provider will not let go: then a person has to look."""
    return attempt.is_closed or any(
        one.attempt == attempt.id and one.kind is Ask.VOID and one.state is TransactionState.REFUSED
        for one in asked
    )
