"""Fetches the status of a payment attempt from its provider."""

from datetime import datetime

from domain.payments.attempts import (
    SEARCH_DELAY,
    PaymentAttempt,
    ProviderOutcome,
    ProviderPaymentNotFound,
)
from service.payments.ports import PaymentProvider


async def fetch_outcome(
    payments: PaymentProvider, attempt: PaymentAttempt, now: datetime
) -> ProviderOutcome | None:
    """Returns a payment's outcome; None leaves it to its transaction until the deadline."""
    if attempt.payment:
        return await payments.get_payment(attempt.payment)
    if now < attempt.deadline:
        return None
    found = await payments.find_payment(attempt.id)
    if found is None and now >= attempt.deadline + SEARCH_DELAY:
        return ProviderPaymentNotFound()
    return found
