"""Start of a payment: the goods are held for it, and its first transaction is planned."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, structs

from domain.carts.carts import Cart
from domain.inventory.availability import Catalogue, stocked_components
from domain.inventory.holds import (
    DEFAULT_TTL,
    Hold,
    HoldLine,
    HoldState,
    delta_between,
    group_by_store,
    units_by_key,
)
from domain.inventory.stock_levels import (
    InsufficientStock,
    MovementReason,
    PostingSource,
    StockKey,
    lines_by_stock_key,
    shortages,
    to_postings,
)
from domain.kernel.ids import WEB, AttemptId, HoldId, Sku, TransactionId
from domain.orders.orders import Order
from domain.payments.attempts import PaymentAttempt
from domain.payments.transactions import Transaction, TransactionKind
from service.carts.cart_holds import CartHold
from service.payments.payment_methods import TRANSACTION_LEASE
from service.payments.ports import LeasedTransaction
from service.shared.unit_of_work import Unit
from service.sourcing.routing import may_be_elsewhere


class HeldGoods(Struct, frozen=True):
    """The parts of an order, and the units of it that its cart holds."""

    catalogue: Catalogue
    kept: CartHold


class PaymentMeans(Struct, frozen=True):
    """Who takes the money, and the card that the page gave there before, if it did."""

    provider: str
    card: str = ""


async def start_payment(
    unit: Unit,
    order: Order,
    cart: Cart,
    held: HeldGoods,
    means: PaymentMeans,
    *,
    payment_due_at: datetime,
) -> tuple[Order, LeasedTransaction]:
    """Lets a new order wait for its payment until `payment_due_at`, with its goods held.

    Raises:
        InsufficientStock, TransactionConflict: nothing is held, the cart stays.
        HoldPinned: the cart's hold is pinned by another payment.
    """
    attempt = AttemptId(unit.new_id("pay"))
    order = order.await_payment(attempt, payment_due_at, unit.now)
    cart = await _hold(unit, order, cart, held, new=True)
    await unit.orders.orders.add(order)
    await unit.carts.carts.update(cart.start_payment(order.id, payment_due_at, unit.now))
    return order, await _start(unit, order, means)


async def restart_payment(
    unit: Unit, order: Order, cart: Cart, held: HeldGoods, means: PaymentMeans
) -> tuple[Order, LeasedTransaction]:
    """Let a waiting order wait for another attempt; those before it have ended.

    Raises:
        InsufficientStock: its goods are not held any more, and have gone meanwhile.
    """
    assert order.payment_due_at is not None, "an order that waits knows until when"
    attempt = AttemptId(unit.new_id("pay"))
    order = order.await_payment(attempt, order.payment_due_at, unit.now)
    await unit.carts.carts.update(await _hold(unit, order, cart, held, new=False))
    await unit.orders.orders.update(order)
    return order, await _start(unit, order, means)


async def _start(unit: Unit, order: Order, means: PaymentMeans) -> LeasedTransaction:
    assert order.attempt is not None
    assert order.payment_due_at is not None
    attempt = PaymentAttempt(
        id=order.attempt,
        order=order.id,
        provider=means.provider,
        amount=order.totals.to_pay,
        card=means.card,
        deadline=order.payment_due_at,
        reconcile_at=order.payment_due_at,
        started_at=unit.now,
        changed_at=unit.now,
    )
    await unit.payments.attempts.add(attempt)
    asked = new_transaction(
        unit, attempt, TransactionKind.AUTHORISE, attempt.amount.amount, attempt.id
    )
    asked = structs.replace(
        asked, tries=1, due_at=unit.now + TRANSACTION_LEASE
    )  # it is ours to ask, now
    await unit.payments.attempts.add_transaction(asked)
    return LeasedTransaction(asked, attempt)


def new_transaction(
    unit: Unit, attempt: PaymentAttempt, kind: TransactionKind, amount: int, cause: str
) -> Transaction:
    """Something to be asked for an attempt, as soon as anybody can."""
    return Transaction(
        id=TransactionId(unit.new_id("ptx")),
        attempt=attempt.id,
        order=attempt.order,
        kind=kind,
        cause=cause,
        amount=amount,
        planned_at=unit.now,
        changed_at=unit.now,
        due_at=unit.now,
    )


def _wanted(
    order: Order, catalogue: Catalogue
) -> tuple[list[HoldLine], dict[StockKey, int], dict[Sku, dict[Sku, int]]]:
    """Returns the lines to hold, the units that they take of each stock level, and kit parts."""
    lines = [
        HoldLine(line.sku, group.store, line.quantity)
        for group in order.groups
        for line in order.lines_of(group.id).values()
    ]
    parts = {line.sku: stocked_components(catalogue[line.sku], catalogue) for line in lines}
    return lines, units_by_key(lines, parts), parts


async def _hold(unit: Unit, order: Order, cart: Cart, held: HeldGoods, *, new: bool) -> Cart:
    """Holds exactly the units of the order, pinned by its payment attempt."""
    lines, wanted, parts = _wanted(order, held.catalogue)
    kept = held.kept
    levels, terms = await unit.inventory.sellable_stock.get_for_update(
        wanted.keys() | kept.claimed.keys(), [WEB]
    )
    if short := shortages(wanted, terms[WEB].apply_to_all(levels), kept.places):
        if new:
            collected = {g.store for g in order.groups if g.pickup}
            may_be_elsewhere(short, [place for place in wanted if place[0] in collected])
        raise InsufficientStock(
            short, lines_by_stock_key((li.store, li.sku, parts[li.sku]) for li in lines)
        )
    before = kept.hold if kept.places else None
    if before is not None:
        before.ensure_not_pinned(unit.now)
    source = PostingSource(MovementReason.HOLD, order.id, order.actor, unit.now)
    await unit.inventory.stock_levels.apply(
        to_postings(delta_between(kept.claimed, wanted), source)
    )
    return cart.with_hold(await _pin(unit, order, lines, wanted, kept), unit.now)


async def _pin(
    unit: Unit, order: Order, lines: list[HoldLine], wanted: Mapping[StockKey, int], kept: CartHold
) -> HoldId | None:
    assert order.attempt is not None
    assert order.payment_due_at is not None
    ttl = order.payment_due_at - unit.now
    if kept.hold and kept.places and wanted:
        hold = kept.hold.with_lines(lines, wanted).pin(order.attempt, ttl, unit.now)
        await unit.inventory.holds.update(hold)
        return hold.id
    if kept.hold and kept.claimed:
        state = HoldState.RELEASED if kept.places else HoldState.EXPIRED
        await unit.inventory.holds.close([kept.hold.id], state)
    if not wanted:
        return None
    hold = Hold(
        id=HoldId(unit.new_id("hld")),
        state=HoldState.ACTIVE,
        lines=lines,
        units=group_by_store(wanted),
        created_at=unit.now,
        held_until=unit.now + DEFAULT_TTL,
        customer=order.customer,
        cart=order.cart,
    )
    await unit.inventory.holds.add([hold])
    await unit.inventory.holds.update(hold.pin(order.attempt, ttl, unit.now))
    return hold.id
