"""Planned transactions are carried out, between units, each under its own id as its key."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Final

import structlog

from domain.payments.attempts import Attempt
from service.orders.payment.record_outcome import record
from service.payments.execute import _outcome
from service.payments.payment_methods import LEASE
from service.payments.ports import Leased, Payments
from service.shared.unit_of_work import Units

AT_ONCE: Final = 8
"""Transactions under way at once in one process."""

log = structlog.get_logger("hylla.payments")


async def ask_due(units: Units, payments: Payments) -> int:
    """Ask for what is due; how much that was. Safe in every process."""
    async with units.begin() as unit:
        due = await unit.attempts.lease_planned(AT_ONCE, LEASE)
        now = unit.now
    await in_turn(*(ask(units, payments, leased, now) for leased in due))
    return len(due)


async def ask(units: Units, payments: Payments, leased: Leased, now: datetime) -> Attempt:
    """Carry one out, and write down what became of it."""
    transaction, attempt = leased.transaction, leased.attempt
    outcome = await _outcome(payments, transaction, attempt, now)
    after = await record(units, attempt, outcome, transaction.id)
    log.info(
        "payment asked",
        transaction=transaction.id,
        kind=transaction.kind,
        attempt=attempt.id,
        outcome=type(outcome).__name__,
        state=after.state,
        tries=transaction.tries,
    )
    return after


async def in_turn(*work: Awaitable[object]) -> None:
    """All of it side by side; what goes wrong is told, and comes again when its lease ends."""
    for done in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(done, Exception):
            log.error("payment not settled", exc_info=done)
        elif isinstance(done, BaseException):
            raise done
