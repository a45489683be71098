"""Expiry of orders that are not paid in time."""

from domain.kernel.ids import OrderId
from service.orders.payment.apply_status import apply_status
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units

BATCH = 100


async def expire_unpaid_orders(units: Units) -> int:
    """Expires the due orders; returns their number.

    Payments in progress are reconciled first, by their own job. Two processes expire each order
    once.
    """
    async with units.read() as unit:
        due = await unit.orders.orders.list_unpaid(BATCH)
    return sum([await _end(units, order) for order in due])


@retry_on_conflict
async def _end(units: Units, order: OrderId) -> bool:
    async with units.begin() as unit:
        cart = await unit.carts.carts.get_for_update((await unit.orders.orders.get(order)).cart)
        before = await unit.orders.orders.get_for_update(order)
        if not before.is_pending:
            return False
        return not (await apply_status(unit, cart, before)).is_pending
