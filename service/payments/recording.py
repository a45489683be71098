"""What a provider said is written down, whoever brings it: an answer, or a look."""

from datetime import datetime

from msgspec import structs

from domain.ids import TransactionId
from domain.payments import Attempt, Outcome, next_look
from service.payments.following import follow
from service.ports.unit import Units
from service.retries import tried_again


@tried_again
async def record(
    units: Units, seen: Attempt, outcome: Outcome | None, asked: TransactionId | None = None
) -> Attempt:
    """The attempt after `outcome`, and everything that follows from it.

    `seen` is how it stood when the provider was asked; `asked` is the transaction that asked.
    """
    async with units.begin() as unit:
        cart = await unit.carts.take((await unit.orders.get(seen.order)).cart)
        order = await unit.orders.take(seen.order)
        before = await unit.attempts.take(seen.id)
        after = _due(before.answered(outcome, unit.now), seen, unit.now)
        await unit.attempts.keep(after)
        if asked is not None:
            transaction = await unit.attempts.take_transaction(asked)
            await unit.attempts.keep_transaction(transaction.answered(outcome, unit.now))
        await follow(unit, cart, order, looked_at=after.id)
    return after


def _due(attempt: Attempt, seen: Attempt, now: datetime) -> Attempt:
    """When it is looked at next; at once where a notice came while the provider was asked."""
    if attempt.look_at != seen.look_at:
        return attempt
    return structs.replace(attempt, look_at=next_look(attempt, now))
