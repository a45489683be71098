"""An order as its buyer, its locations and the office see it."""

from collections.abc import Sequence

from msgspec import structs

from domain.foundation.callers import AccessDenied, Caller, Role
from domain.kernel.ids import OrderId
from domain.orders.orders import Order
from domain.orders.progress import FulfilmentState, OrderDetails
from domain.orders.timeline import TimelineEntry
from domain.payments.attempts import PaymentAttempt
from service.shared.unit_of_work import Unit, Units


async def get_order(units: Units, *, caller: Caller, order: OrderId) -> OrderDetails:
    """Its customer, the guest with a token of it, its stores and the office may see an order."""
    async with units.read() as unit:
        found = await unit.orders.orders.get(order)
        ensure_visible(caller, found)
        return await get_details(unit, caller, found)


async def get_details(unit: Unit, caller: Caller, order: Order) -> OrderDetails:
    """The order, how far its groups are, and how it is paid."""
    [seen] = await get_order_details(unit, caller, [order])
    return seen


async def get_order_details(
    unit: Unit, caller: Caller, orders: Sequence[Order]
) -> list[OrderDetails]:
    """Returns orders with the progress of their fulfilments and payments, read for all at once.

    Data for the payment page are only for the buyer.
    """
    wanted = [order.attempt for order in orders if order.attempt]
    attempts = await unit.payments.attempts.get_many(wanted) if wanted else {}
    found: dict[OrderId, dict[str, FulfilmentState]] = {order.id: {} for order in orders}
    if orders:
        for group in await unit.fulfilment.progress.get_by_orders(list(found)):
            found[group.order][group.id] = group
    return [
        OrderDetails(
            order,
            found[order.id],
            _for(caller, order, attempts[order.attempt]) if order.attempt else None,
        )
        for order in orders
    ]


def _for(caller: Caller, order: Order, attempt: PaymentAttempt) -> PaymentAttempt:
    if is_buyer(caller, order):
        return attempt
    return structs.replace(attempt, client_secret="", next_action=None)


async def list_my_orders(
    units: Units, *, caller: Caller, before: OrderId | None, limit: int
) -> list[OrderDetails]:
    """The customer's orders, newest first."""
    assert caller.customer is not None, "only a customer has orders of their own"
    async with units.read() as unit:
        orders = await unit.orders.orders.list_by_customer(
            caller.customer, before=before, limit=limit
        )
        return await get_order_details(unit, caller, orders)


async def list_timeline(
    units: Units, *, caller: Caller, order: OrderId, after: int, limit: int
) -> Sequence[TimelineEntry]:
    """Returns the timeline of an order; only staff see which employee acted."""
    async with units.read() as unit:
        found = await unit.orders.orders.get(order)
        ensure_visible(caller, found)
        entries = await unit.orders.timeline.list_by_order(order, after=after, limit=limit)
    if is_prepared_by(caller, found):
        return entries
    return [structs.replace(entry, actor="") for entry in entries]


def ensure_visible(caller: Caller, order: Order) -> None:
    """Raises AccessDenied."""
    if not is_visible(caller, order):
        raise AccessDenied(caller, order.id)


def is_visible(caller: Caller, order: Order) -> bool:
    """Whether the caller is its buyer, or works where it is prepared."""
    return is_buyer(caller, order) or is_prepared_by(caller, order)


def is_prepared_by(caller: Caller, order: Order) -> bool:
    """Staff of a location that has part of it, or of the office."""
    return any(caller.works_at(group.store) for group in order.groups)


def is_buyer(caller: Caller, order: Order) -> bool:
    """Its customer, or the guest with its cart's token or its link's."""
    if caller.role is Role.CUSTOMER and order.customer == caller.customer:
        return True
    return order.customer is None and (order.cart == caller.cart or order.id == caller.order)
