"""An order as its buyer, its locations and the office see it."""

from collections.abc import Sequence

from msgspec import structs

from domain.foundation.callers import Caller, NotYours, Role
from domain.kernel.ids import OrderId
from domain.orders.orders import Order
from domain.orders.progress import Progress, SeenOrder
from domain.orders.timeline import Entry
from domain.payments.attempts import Attempt
from service.shared.unit_of_work import Unit, Units


async def look(units: Units, *, caller: Caller, order: OrderId) -> SeenOrder:
    """Its customer, the guest with a token of it, its stores and the office may see an order."""
    async with units.read() as unit:
        found = await unit.orders.get(order)
        must_see(caller, found)
        return await as_it_is(unit, caller, found)


async def as_it_is(unit: Unit, caller: Caller, order: Order) -> SeenOrder:
    """The order, how far its groups are, and how it is paid."""
    [seen] = await followed(unit, caller, [order])
    return seen


async def followed(unit: Unit, caller: Caller, orders: Sequence[Order]) -> list[SeenOrder]:
    """The orders, how far their groups are, and how they are paid, asked for all of them at once.

    What is the page's alone is for their buyer alone.
    """
    wanted = [order.attempt for order in orders if order.attempt]
    attempts = await unit.attempts.by_id(wanted) if wanted else {}
    found: dict[OrderId, dict[str, Progress]] = {order.id: {} for order in orders}
    if orders:
        for group in await unit.groups.of(list(found)):
            found[group.order][group.id] = group
    return [
        SeenOrder(
            order,
            found[order.id],
            _for(caller, order, attempts[order.attempt]) if order.attempt else None,
        )
        for order in orders
    ]


def _for(caller: Caller, order: Order, attempt: Attempt) -> Attempt:
    if is_buyer(caller, order):
        return attempt
    return structs.replace(attempt, client_secret="", next_action=None)


async def list_mine(
    units: Units, *, caller: Caller, before: OrderId | None, limit: int
) -> list[SeenOrder]:
    """The customer's orders, newest first."""
    assert caller.customer is not None, "only a customer has orders of their own"
    async with units.read() as unit:
        orders = await unit.orders.of_customer(caller.customer, before=before, limit=limit)
        return await followed(unit, caller, orders)


async def timeline(
    units: Units, *, caller: Caller, order: OrderId, after: int, limit: int
) -> Sequence[Entry]:
    """What happened to an order, for whoever may see it; who of the staff did it, staff see."""
    async with units.read() as unit:
        found = await unit.orders.get(order)
        must_see(caller, found)
        entries = await unit.timeline.of(order, after=after, limit=limit)
    if prepares(caller, found):
        return entries
    return [structs.replace(entry, actor="") for entry in entries]


def must_see(caller: Caller, order: Order) -> None:
    """Raises NotYours."""
    if not may_see(caller, order):
        raise NotYours(caller, order.id)


def may_see(caller: Caller, order: Order) -> bool:
    """Its buyer, and whoever works where it is prepared."""
    return is_buyer(caller, order) or prepares(caller, order)


def prepares(caller: Caller, order: Order) -> bool:
    """Staff of a location that has part of it, or of the office."""
    return any(caller.works_at(group.store) for group in order.groups)


def is_buyer(caller: Caller, order: Order) -> bool:
    """Its customer, or the guest with its cart's token or its link's."""
    if caller.role is Role.CUSTOMER and order.customer == caller.customer:
        return True
    return order.customer is None and (order.cart == caller.cart or order.id == caller.order)
