"""The payments of an order, and the list of those that need a person."""

from collections.abc import Sequence

from msgspec import Struct

from domain.kernel.ids import OrderId
from domain.payments.attempts import PaymentAttempt
from domain.payments.transactions import Transaction
from service.payments.ports import UnsettledTransaction
from service.shared.unit_of_work import Units


class AttemptDetails(Struct, frozen=True):
    """An attempt, and all that was asked for it, oldest first."""

    attempt: PaymentAttempt
    transactions: list[Transaction]


async def list_attempts(units: Units, *, order: OrderId) -> list[AttemptDetails]:
    """Every attempt to be paid for an order, oldest first. Raises NotFound."""
    async with units.read() as unit:
        await unit.orders.orders.get(order)
        attempts = await unit.payments.attempts.list_by_order(order)
        asked = await unit.payments.attempts.list_transactions([attempt.id for attempt in attempts])
    return [
        AttemptDetails(attempt, [one for one in asked if one.attempt == attempt.id])
        for attempt in attempts
    ]


async def list_unsettled(units: Units, *, after: str, limit: int) -> Sequence[UnsettledTransaction]:
    """Returns the cases that need a person, ordered by id."""
    async with units.read() as unit:
        return await unit.payments.attempts.list_unsettled(after, limit)
