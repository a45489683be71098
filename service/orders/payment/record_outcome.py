"""What a provider said is written down, whoever brings it: an answer, or a look."""

from datetime import datetime

from msgspec import structs

from domain.kernel.ids import TransactionId
from domain.orders.orders import Order
from domain.orders.timeline import payment_steps
from domain.payments.attempts import Attempt, Outcome, Truth, next_look
from service.orders.payment.apply_status import follow, is_let_go, tell_returned
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units


@tried_again
async def record(
    units: Units, seen: Attempt, outcome: Outcome | None, asked: TransactionId | None = None
) -> Attempt:
    """The attempt after `outcome`, and everything that follows from it.

    `seen` is how it stood when the provider was asked; `asked` is the transaction that asked.
    """
    async with units.begin() as unit:
        cart = await unit.carts.take((await unit.orders.get(seen.order)).cart)
        order = await unit.orders.take(seen.order)
        before = await unit.attempts.take(seen.id)
        after = _due(before.answered(outcome, unit.now), seen, unit.now)
        await unit.attempts.keep(after)
        if told := payment_steps(before, after):
            await unit.outbox.add(told=told)
        if asked is not None:
            transaction = await unit.attempts.take_transaction(asked)
            await unit.attempts.keep_transaction(transaction.answered(outcome, unit.now))
        if after.refund_failed > before.refund_failed:
            await _note_failed_refunds(unit, after, outcome)
        if after.authorised and not before.authorised:
            await _tell_if_unwanted(unit, order, after)
        await follow(unit, cart, order, looked_at=after.id)
    return after


async def _note_failed_refunds(unit: Unit, attempt: Attempt, outcome: Outcome | None) -> None:
    """What came back is refused by now, and so is listed for a person."""
    truth = getattr(outcome, "truth", None)
    assert isinstance(truth, Truth), "only a truth tells of refunds"
    codes = {one.receipt: one.code for one in truth.failed_refunds}
    for asked in await unit.attempts.transactions([attempt.id]):
        if asked.receipt in codes:
            locked = await unit.attempts.take_transaction(asked.id)
            await unit.attempts.keep_transaction(locked.bounced(codes[asked.receipt], unit.now))


async def _tell_if_unwanted(unit: Unit, order: Order, attempt: Attempt) -> None:
    """Money that comes while the provider is asked to let go of it goes back, and that is told."""
    if is_let_go(attempt, await unit.attempts.transactions([attempt.id])):
        await tell_returned(unit, order, attempt)


def _due(attempt: Attempt, seen: Attempt, now: datetime) -> Attempt:
    """When it is looked at next; at once where a notice came while the provider was asked."""
    if attempt.look_at != seen.look_at:
        return attempt
    return structs.replace(attempt, look_at=next_look(attempt, now))
