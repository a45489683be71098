"""An order as its buyer, its locations and the office see it."""

from collections.abc import Sequence

from domain.callers import Caller, NotYours, Role
from domain.ids import OrderId
from domain.orders import Order
from service.ports.unit import Units


async def look(units: Units, *, caller: Caller, order: OrderId) -> Order:
    """Its customer, the guest with its cart's token, its stores and the office may see an order."""
    async with units.read() as unit:
        found = await unit.orders.get(order)
        must_see(caller, found)
        return found


async def list_mine(
    units: Units, *, caller: Caller, before: OrderId | None, limit: int
) -> Sequence[Order]:
    """The customer's orders, newest first."""
    assert caller.customer is not None, "only a customer has orders of their own"
    async with units.read() as unit:
        return await unit.orders.of_customer(caller.customer, before=before, limit=limit)


def must_see(caller: Caller, order: Order) -> None:
    """Raises NotYours."""
    if is_buyer(caller, order) or any(caller.works_at(group.store) for group in order.groups):
        return
    raise NotYours(caller, order.id)


def is_buyer(caller: Caller, order: Order) -> bool:
    """Its customer, or the guest with its cart's token."""
    if caller.role is Role.CUSTOMER and order.customer == caller.customer:
        return True
    return order.customer is None and order.cart == caller.cart
