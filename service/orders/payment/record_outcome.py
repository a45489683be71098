"""Recording of a provider's outcome, whether it came as an answer or by reconciliation."""

from datetime import datetime

from msgspec import structs

from domain.kernel.ids import TransactionId
from domain.orders.orders import Order
from domain.orders.timeline import payment_entries
from domain.payments.attempts import (
    PaymentAttempt,
    ProviderOutcome,
    ProviderPayment,
    next_reconcile_at,
)
from service.orders.payment.apply_status import announce_returned_payment, apply_status, is_voiding
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units


@retry_on_conflict
async def record_outcome(
    units: Units,
    seen: PaymentAttempt,
    outcome: ProviderOutcome | None,
    asked: TransactionId | None = None,
) -> PaymentAttempt:
    """The attempt after `outcome`, and everything that follows from it.

    `seen` is how it stood when the provider was asked; `asked` is the transaction that asked.
    """
    async with units.begin() as unit:
        cart = await unit.carts.carts.get_for_update(
            (await unit.orders.orders.get(seen.order)).cart
        )
        order = await unit.orders.orders.get_for_update(seen.order)
        before = await unit.payments.attempts.get_for_update(seen.id)
        after = _due(before.with_outcome(outcome, unit.now), seen, unit.now)
        await unit.payments.attempts.update(after)
        if told := payment_entries(before, after):
            await unit.administration.outbox.add(told=told)
        if asked is not None:
            transaction = await unit.payments.attempts.get_transaction_for_update(asked)
            await unit.payments.attempts.update_transaction(
                transaction.with_outcome(outcome, unit.now)
            )
        if after.refund_failed > before.refund_failed:
            await _note_failed_refunds(unit, after, outcome)
        if after.authorised and not before.authorised:
            await _announce_if_unwanted(unit, order, after)
        await apply_status(unit, cart, order, looked_at=after.id)
    return after


async def _note_failed_refunds(
    unit: Unit, attempt: PaymentAttempt, outcome: ProviderOutcome | None
) -> None:
    """Marks the refunds that failed later as refused, so that they are listed for a person."""
    truth = getattr(outcome, "payment", None)
    assert isinstance(truth, ProviderPayment), "only a truth tells of refunds"
    codes = {one.receipt: one.code for one in truth.failed_refunds}
    for asked in await unit.payments.attempts.list_transactions([attempt.id]):
        if asked.receipt in codes:
            locked = await unit.payments.attempts.get_transaction_for_update(asked.id)
            await unit.payments.attempts.update_transaction(
                locked.with_failed_refund(codes[asked.receipt], unit.now)
            )


async def _announce_if_unwanted(unit: Unit, order: Order, attempt: PaymentAttempt) -> None:
    """Announces a payment that arrived while its void was being requested; it goes back."""
    if is_voiding(attempt, await unit.payments.attempts.list_transactions([attempt.id])):
        await announce_returned_payment(unit, order, attempt)


def _due(attempt: PaymentAttempt, seen: PaymentAttempt, now: datetime) -> PaymentAttempt:
    """When it is looked at next; at once where a notice came while the provider was asked."""
    if attempt.reconcile_at != seen.reconcile_at:
        return attempt
    return structs.replace(attempt, reconcile_at=next_reconcile_at(attempt, now))
