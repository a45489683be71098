"""Attempts that are in flight are looked at: a notice, or time, is the reason, never the truth."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from domain.payments.attempts import PaymentAttempt
from service.orders.payment.execute_transactions import run_concurrently
from service.orders.payment.record_outcome import record_outcome
from service.payments.ports import PaymentProvider
from service.payments.reconcile import fetch_outcome
from service.shared.unit_of_work import Units

CONCURRENCY: Final = 8
LEASE: Final = timedelta(minutes=1)

log = structlog.get_logger("hylla.payments")


async def reconcile_due_attempts(units: Units, payments: PaymentProvider) -> int:
    """Reconciles the due payment attempts; returns their number. Safe in every process."""
    async with units.begin() as unit:
        due = await unit.payments.attempts.lease(CONCURRENCY, LEASE)
        now = unit.now
    await run_concurrently(*(reconcile_attempt(units, payments, attempt, now) for attempt in due))
    return len(due)


async def reconcile_attempt(
    units: Units, payments: PaymentProvider, attempt: PaymentAttempt, now: datetime
) -> PaymentAttempt:
    """Reads the status of one payment attempt at its provider and records it."""
    return await record_outcome(units, attempt, await fetch_outcome(payments, attempt, now))
