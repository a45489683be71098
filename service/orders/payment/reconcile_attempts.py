"""Attempts that are in flight are looked at: a notice, or time, is the reason, never the truth."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from domain.payments.attempts import Attempt
from service.orders.payment.execute_transactions import in_turn
from service.orders.payment.record_outcome import record
from service.payments.ports import Payments
from service.payments.reconcile import _seen
from service.shared.unit_of_work import Units

AT_ONCE: Final = 8
LEASE: Final = timedelta(minutes=1)

log = structlog.get_logger("hylla.payments")


async def look_due(units: Units, payments: Payments) -> int:
    """Look at what is due; how much that was. Safe in every process."""
    async with units.begin() as unit:
        due = await unit.attempts.lease(AT_ONCE, LEASE)
        now = unit.now
    await in_turn(*(look(units, payments, attempt, now) for attempt in due))
    return len(due)


async def look(units: Units, payments: Payments, attempt: Attempt, now: datetime) -> Attempt:
    """Look at one, and write down what is so."""
    return await record(units, attempt, await _seen(payments, attempt, now))
