"""Fetches the status of a payment attempt from its provider."""

from datetime import datetime

from domain.payments.attempts import SEARCHABLE_AFTER, Absent, Attempt, Outcome
from service.payments.ports import Payments


async def _seen(payments: Payments, attempt: Attempt, now: datetime) -> Outcome | None:
    """How it stands. What has no answer yet is its transaction's business until the deadline."""
    if attempt.payment:
        return await payments.look(attempt.payment)
    if now < attempt.deadline:
        return None
    found = await payments.find(attempt.id)
    if found is None and now >= attempt.deadline + SEARCHABLE_AFTER:
        return Absent()
    return found
