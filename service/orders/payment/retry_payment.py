"""Another attempt to be paid for an order that waits: with another card, or from another device.

The one before is let go of at the provider first, so that no two can bring money. Where that one
turns out to have brought it, the order is placed, and there is nothing left to try.
"""

from collections.abc import Sequence

from msgspec import structs

from domain.foundation.callers import Caller, NotYours
from domain.kernel.ids import OrderId
from domain.orders.orders import Order
from domain.orders.timeline import payment_retried
from domain.payments.attempts import Attempt, NotPayable, PaymentUnderWay
from domain.payments.transactions import Ask
from service.carts.cart_holds import kept_by
from service.foundation.ports import RequestKey
from service.inventory.availability import with_parts
from service.orders.checkout.place_order import Placed, as_it_stands
from service.orders.payment.apply_status import has_ended
from service.orders.payment.execute_transactions import ask
from service.orders.payment.reconcile_attempts import look
from service.orders.payment.start_payment import Held, Means, begin_again, transaction_of
from service.orders.queries import is_buyer
from service.payments.payment_methods import LEASE, Cashier
from service.payments.ports import Leased
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units


async def try_again(
    units: Units,
    cashier: Cashier,
    *,
    caller: Caller,
    order: OrderId,
    card: str,
    key: RequestKey | None,
) -> Placed:
    """Start another attempt; a repeat with the same key starts none, and answers how it stands.

    Raises:
        NotPayable: it is paid, or over.
        PaymentUnderWay: the attempt before cannot be let go of now.
        NotEnoughStock: its goods are not held any more, and have gone meanwhile.
    """
    cashier.must_take_cards()
    before = await _open(units, caller, order, key)
    if before is not None:
        for attempt in before:
            await look(units, cashier.provider, attempt, attempt.changed_at)
        for leased in await _to_let_go(units, order):
            await ask(units, cashier.provider, leased, leased.transaction.planned_at)
    means = Means(cashier.provider.provider, card)
    tried, asked = await _started(units, caller, order, means, key)
    if asked is not None:
        await ask(units, cashier.provider, asked, asked.transaction.planned_at)
    return await as_it_stands(units, tried)


async def _open(
    units: Units, caller: Caller, order: OrderId, key: RequestKey | None
) -> Sequence[Attempt] | None:
    """Attempts that the provider knows and that have not ended; None for a repeat."""
    async with units.read() as unit:
        if key and any(await unit.requests.firsts([key], Placed)):
            return None
        found = await unit.orders.get(order)
        if not is_buyer(caller, found):
            raise NotYours(caller, order)
        attempts = await unit.attempts.of_order(order)
        return [one for one in attempts if one.payment and not one.is_closed]


@tried_again
async def _to_let_go(units: Units, order: OrderId) -> list[Leased]:
    """What is to be asked so that no attempt is open any more; nothing for an order that is paid.

    What somebody else is asking already is left to them.

    Raises PaymentUnderWay: one has only just begun.
    """
    async with units.begin() as unit:
        taken = await _taken(unit, order)
        if not taken.is_pending:
            return []
        leased = []
        for attempt in await unit.attempts.take_of_order(order):
            if not attempt.payment and not attempt.is_closed:
                raise PaymentUnderWay(order, attempt.deadline)
            asked = transaction_of(unit, attempt, Ask.VOID, 0, attempt.id)
            asked = structs.replace(asked, tries=1, due_at=unit.now + LEASE)
            if not attempt.is_closed and await unit.attempts.plan(asked):
                leased.append(Leased(asked, attempt))
        return leased


@tried_again
async def _started(
    units: Units, caller: Caller, order: OrderId, means: Means, key: RequestKey | None
) -> tuple[Placed, Leased | None]:
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Placed):
            return first, None
        cart = await unit.carts.take((await unit.orders.get(order)).cart)
        taken = await unit.orders.take(order)
        if not is_buyer(caller, taken):
            raise NotYours(caller, order)
        await _must_be_payable(unit, taken)
        catalogue = await with_parts(unit, [line.sku for line in taken.lines])
        held = Held(catalogue, await kept_by(unit, cart))
        started, asked = await begin_again(unit, taken, cart, held, means)
        await unit.outbox.add(told=[payment_retried(started, caller)])
        placed = Placed(started, new=True)
        await unit.requests.answer(key, placed)
    return placed, asked


async def _taken(unit: Unit, order: OrderId) -> Order:
    await unit.carts.take((await unit.orders.get(order)).cart)
    return await unit.orders.take(order)


async def _must_be_payable(unit: Unit, order: Order) -> None:
    """Raises NotPayable, PaymentUnderWay."""
    if not order.is_pending:
        raise NotPayable(order.id, order.state.value)
    if order.pay_by is None or order.pay_by <= unit.now:
        raise NotPayable(order.id, "expired")
    attempts = await unit.attempts.take_of_order(order.id)
    asked = await unit.attempts.transactions([attempt.id for attempt in attempts])
    if not all(has_ended(attempt, asked) for attempt in attempts):
        raise PaymentUnderWay(order.id, order.pay_by)
