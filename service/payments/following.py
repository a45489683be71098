"""What a payment's truth means for its order: placed, waiting, or over; and money for nothing.

Every step is decided from how things stand, under the locks of the cart and the order: so a truth
that comes again, late, or from two sides at once has its effect once.
"""

from collections.abc import Sequence

from domain.carts import Cart
from domain.events import PaymentReturned
from domain.holds import HoldState, claims
from domain.ids import AttemptId
from domain.money import Money
from domain.orders import Order, OrderState
from domain.payments import Ask, Attempt, AttemptState, Plan, Transaction, TransactionState, to_ask
from domain.refusals import GaveWay
from domain.stock import Cause, NotEnoughStock, Source, moves_of
from service.availability import with_parts
from service.carts.keeping import kept_by
from service.orders.promising import promise
from service.payments.starting import transaction_of
from service.ports.unit import Unit

PAID = frozenset({AttemptState.AUTHORISED, AttemptState.CAPTURED})


async def follow(unit: Unit, cart: Cart, order: Order, looked_at: AttemptId | None = None) -> Order:
    """The taken order after everything that follows from how its attempts stand now.

    `looked_at` was just asked how it stands; of the others that are in flight nobody knows.
    """
    attempts = await unit.attempts.take_of_order(order.id)
    if order.is_pending:
        cart, order = await _decide(unit, cart, order, attempts)
    if order.is_pending and order.pay_by is not None and order.pay_by <= unit.now:
        order = await _end(unit, cart, order, attempts, looked_at)
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
        amount = plan.amount or attempt.authorised
        await unit.outbox.add(
            PaymentReturned(
                order=order.id,
                attempt=attempt.id,
                amount=Money(amount, attempt.amount.currency),
                customer=order.customer,
                at=unit.now,
            )
        )


async def _decide(
    unit: Unit, cart: Cart, order: Order, attempts: Sequence[Attempt]
) -> tuple[Cart, Order]:
    """Place the order whose money is there; free the goods of one whose attempt has failed."""
    current = next(attempt for attempt in attempts if attempt.id == order.attempt)
    if current.state in PAID:
        try:
            return await _place(unit, cart, order)
        except (NotEnoughStock, GaveWay):  # nothing was written: it has gone meanwhile
            return await _expire(unit, cart, order)
    if not current.in_flight:
        await _unpin(unit, cart, current.id)
    return cart, order


async def _unpin(unit: Unit, cart: Cart, attempt: AttemptId) -> None:
    """What is held counts for its grace, so that another card can be tried."""
    hold = (await kept_by(unit, cart)).hold
    if hold is None:
        return
    after = hold.unpinned(attempt, unit.now)
    if after is not hold:
        await unit.holds.keep(after)


async def _place(unit: Unit, cart: Cart, order: Order) -> tuple[Cart, Order]:
    placed = order.paid(unit.now)
    if placed.customer and await unit.points.is_member(placed.customer):
        placed = placed.earning()
    kept = await kept_by(unit, cart)
    catalogue = await with_parts(unit, [line.sku for line in order.lines])
    await unit.stores.share(sorted({group.store for group in order.groups}))
    await promise(unit, placed, catalogue, kept)
    ordered = cart.ordered(placed.id, unit.now)
    await unit.carts.keep(ordered)
    return ordered, placed


async def _expire(unit: Unit, cart: Cart, order: Order) -> tuple[Cart, Order]:
    """It is over, its goods are free, and its cart is its shopper's again."""
    expired = order.expired(unit.now)
    kept = await kept_by(unit, cart)
    if kept.hold and kept.claimed:
        await unit.stock.lock(kept.claimed.keys())
        source = Source(Cause.HOLD, kept.hold.id, order.actor, unit.now)
        await unit.stock.apply(moves_of(claims(kept.claimed, sign=-1), source))
        await unit.holds.close([kept.hold.id], HoldState.EXPIRED)
    reopened = cart.reopened(unit.now)
    await unit.carts.keep(reopened)
    await unit.orders.keep(expired)
    return reopened, expired


async def _end(
    unit: Unit, cart: Cart, order: Order, attempts: Sequence[Attempt], looked_at: AttemptId | None
) -> Order:
    """The time to pay is over: the provider lets go first, and then the order is over too."""
    asked = await unit.attempts.transactions([attempt.id for attempt in attempts])
    if all(has_ended(attempt, asked) for attempt in attempts):
        _, expired = await _expire(unit, cart, order)
        return expired
    for attempt in attempts:
        known = attempt.payment and (attempt.id == looked_at or not attempt.in_flight)
        if known and not has_ended(attempt, asked):
            await _ask(unit, order, attempt, Plan(Ask.VOID, 0))
    return order


def has_ended(attempt: Attempt, asked: Sequence[Transaction]) -> bool:
    """No money comes of it any more, or the provider will not let go: then a person has to look."""
    return attempt.is_closed or any(
        one.attempt == attempt.id and one.kind is Ask.VOID and one.state is TransactionState.REFUSED
        for one in asked
    )
