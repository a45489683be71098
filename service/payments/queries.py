"""How the payments of an order stand, and which of them need a person."""

from collections.abc import Sequence

from msgspec import Struct

from domain.kernel.ids import OrderId
from domain.payments.attempts import Attempt
from domain.payments.transactions import Transaction
from service.payments.ports import Unsettled
from service.shared.unit_of_work import Units


class Tried(Struct, frozen=True):
    """An attempt, and all that was asked for it, oldest first."""

    attempt: Attempt
    transactions: list[Transaction]


async def list_tried(units: Units, *, order: OrderId) -> list[Tried]:
    """Every attempt to be paid for an order, oldest first. Raises Missing."""
    async with units.read() as unit:
        await unit.orders.get(order)
        attempts = await unit.attempts.of_order(order)
        asked = await unit.attempts.transactions([attempt.id for attempt in attempts])
    return [
        Tried(attempt, [one for one in asked if one.attempt == attempt.id]) for attempt in attempts
    ]


async def list_unsettled(units: Units, *, after: str, limit: int) -> Sequence[Unsettled]:
    """What needs a person, in the order of its ids."""
    async with units.read() as unit:
        return await unit.attempts.unsettled(after, limit)
