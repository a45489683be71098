"""Attempts that are in flight are looked at: a notice, or time, is the reason, never the truth."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from domain.payments import SEARCHABLE_AFTER, Absent, Attempt, Outcome
from service.payments.asking import in_turn
from service.payments.recording import record
from service.ports.payments import Notice, Payments
from service.ports.unit import Units
from service.retries import tried_again

AT_ONCE: Final = 8
LEASE: Final = timedelta(minutes=1)
KEPT: Final = timedelta(days=30)
"""How long it is known which notices were heard; a provider repeats them for days."""

log = structlog.get_logger("hylla.payments")


@tried_again
async def hear(units: Units, provider: str, notice: Notice) -> bool:
    """A provider says that something happened: have the payment looked at, once for each notice."""
    async with units.begin() as unit:
        new = await unit.attempts.hear(provider, notice)
    log.info("payment notice", kind=notice.kind, new=new)
    return new


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


@tried_again
async def forget_notices(units: Units, *, limit: int) -> int:
    """Notices are known long enough for any repeat, and not for ever."""
    async with units.begin() as unit:
        return await unit.attempts.forget(unit.now - KEPT, limit)
