"""Planned transactions are carried out, between units, each under its own id as its key."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Final

import structlog

from domain.payments.attempts import PaymentAttempt
from service.orders.payment.record_outcome import record_outcome
from service.payments.execute import call_provider
from service.payments.payment_methods import TRANSACTION_LEASE
from service.payments.ports import LeasedTransaction, PaymentProvider
from service.shared.unit_of_work import Units

CONCURRENCY: Final = 8
"""Transactions under way at once in one process."""

log = structlog.get_logger("hylla.payments")


async def execute_due_transactions(units: Units, payments: PaymentProvider) -> int:
    """Executes the due transactions; returns their number. Safe in every process."""
    async with units.begin() as unit:
        due = await unit.payments.attempts.lease_transactions(CONCURRENCY, TRANSACTION_LEASE)
        now = unit.now
    await run_concurrently(*(execute_transaction(units, payments, leased, now) for leased in due))
    return len(due)


async def execute_transaction(
    units: Units, payments: PaymentProvider, leased: LeasedTransaction, now: datetime
) -> PaymentAttempt:
    """Executes one transaction and records its outcome."""
    transaction, attempt = leased.transaction, leased.attempt
    outcome = await call_provider(payments, transaction, attempt, now)
    after = await record_outcome(units, attempt, outcome, transaction.id)
    log.info(
        "transaction executed",
        transaction=transaction.id,
        kind=transaction.kind,
        attempt=attempt.id,
        outcome=type(outcome).__name__,
        state=after.state,
        tries=transaction.tries,
    )
    return after


async def run_concurrently(*work: Awaitable[object]) -> None:
    """Runs all steps concurrently; an error is logged, and the step is repeated after its lease."""
    for done in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(done, Exception):
            log.error("payment step failed", exc_info=done)
        elif isinstance(done, BaseException):
            raise done
