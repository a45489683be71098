"""An order as its buyer, its locations and the office see it."""

from collections.abc import Sequence

from msgspec import Struct, structs

from domain.callers import Caller, NotYours, Role
from domain.ids import OrderId
from domain.orders import Order
from domain.payments import Attempt
from domain.timeline import Entry
from service.ports.unit import Unit, Units


class Seen(Struct, frozen=True):
    """An order, and the attempt to be paid for it, if it is paid by card."""

    order: Order
    attempt: Attempt | None = None


async def look(units: Units, *, caller: Caller, order: OrderId) -> Seen:
    """Its customer, the guest with its cart's token, its stores and the office may see an order."""
    async with units.read() as unit:
        found = await unit.orders.get(order)
        must_see(caller, found)
        [seen] = await _with_attempts(unit, caller, [found])
        return seen


async def list_mine(
    units: Units, *, caller: Caller, before: OrderId | None, limit: int
) -> Sequence[Seen]:
    """The customer's orders, newest first."""
    assert caller.customer is not None, "only a customer has orders of their own"
    async with units.read() as unit:
        found = await unit.orders.of_customer(caller.customer, before=before, limit=limit)
        return await _with_attempts(unit, caller, found)


async def _with_attempts(unit: Unit, caller: Caller, orders: Sequence[Order]) -> list[Seen]:
    """The orders with how they are paid; what is the page's alone, for their buyer alone."""
    wanted = [order.attempt for order in orders if order.attempt]
    attempts = await unit.attempts.by_id(wanted) if wanted else {}
    seen = []
    for order in orders:
        attempt = attempts[order.attempt] if order.attempt else None
        if attempt is not None and not is_buyer(caller, order):
            attempt = structs.replace(attempt, client_secret="", next_action=None)
        seen.append(Seen(order, attempt))
    return seen


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
    if not is_buyer(caller, order) and not prepares(caller, order):
        raise NotYours(caller, order.id)


def prepares(caller: Caller, order: Order) -> bool:
    """Staff of a location that has part of it, or of the office."""
    return any(caller.works_at(group.store) for group in order.groups)


def is_buyer(caller: Caller, order: Order) -> bool:
    """Its customer, or the guest with its cart's token."""
    if caller.role is Role.CUSTOMER and order.customer == caller.customer:
        return True
    return order.customer is None and order.cart == caller.cart
