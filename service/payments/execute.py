"""Executes a planned transaction at the payment provider."""

from datetime import datetime

from domain.payments.attempts import PaymentAttempt, ProviderOutcome
from domain.payments.transactions import Transaction, TransactionKind
from service.payments.ports import AuthorisationRequest, PaymentProvider


async def call_provider(
    payments: PaymentProvider, asked: Transaction, attempt: PaymentAttempt, now: datetime
) -> ProviderOutcome | None:
    again = asked.tries > 1
    if asked.kind is TransactionKind.AUTHORISE:
        if attempt.payment:  # a notice was faster than the answer
            return await payments.get_payment(attempt.payment)
        if attempt.refused or now >= attempt.deadline:
            return None
        wanted = AuthorisationRequest(attempt.id, attempt.order, attempt.amount, attempt.card)
        return await payments.authorise(wanted, key=asked.id, again=again)
    if asked.kind is TransactionKind.VOID:
        return await payments.void(attempt.payment, again=again)
    if asked.kind is TransactionKind.CAPTURE:
        return await payments.capture(attempt.payment, asked.amount, again=again)
    return await payments.refund(attempt.payment, asked.amount, key=asked.id, again=again)
