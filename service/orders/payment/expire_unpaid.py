"""Orders that nobody has paid in time come to their end, once."""

from domain.kernel.ids import OrderId
from service.orders.payment.apply_status import follow
from service.shared.retry import tried_again
from service.shared.unit_of_work import Units

BATCH = 100


async def end_unpaid(units: Units) -> int:
    """End what is due; how many orders that were.

    What is in flight is looked at first, by its own step. Two at once end each order once.
    """
    async with units.read() as unit:
        due = await unit.orders.unpaid(BATCH)
    return sum([await _end(units, order) for order in due])


@tried_again
async def _end(units: Units, order: OrderId) -> bool:
    async with units.begin() as unit:
        cart = await unit.carts.take((await unit.orders.get(order)).cart)
        before = await unit.orders.take(order)
        if not before.is_pending:
            return False
        return not (await follow(unit, cart, before)).is_pending
