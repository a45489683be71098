"""Executes a planned transaction at the payment provider."""

from datetime import datetime

from domain.payments.attempts import Attempt, Outcome
from domain.payments.transactions import Ask, Transaction
from service.payments.ports import Payments, Wanted


async def _outcome(
    payments: Payments, asked: Transaction, attempt: Attempt, now: datetime
) -> Outcome | None:
    again = asked.tries > 1
    if asked.kind is Ask.AUTHORISE:
        if attempt.payment:  # a notice was faster than the answer
            return await payments.look(attempt.payment)
        if attempt.refused or now >= attempt.deadline:
            return None
        wanted = Wanted(attempt.id, attempt.order, attempt.amount, attempt.card)
        return await payments.authorise(wanted, key=asked.id, again=again)
    if asked.kind is Ask.VOID:
        return await payments.void(attempt.payment, again=again)
    if asked.kind is Ask.CAPTURE:
        return await payments.capture(attempt.payment, asked.amount, again=again)
    return await payments.refund(attempt.payment, asked.amount, key=asked.id, again=again)
