"""Returns, as their buyer, the stores and the office see them."""

from collections.abc import Collection, Sequence

from domain.foundation.callers import AccessDenied, Caller
from domain.kernel.ids import OrderId, ReturnId, StoreId
from domain.returns.returns import Return, ReturnState
from service.orders.queries import ensure_visible, is_visible
from service.shared.unit_of_work import Units


async def get_return(units: Units, *, caller: Caller, back: ReturnId) -> Return:
    """Returns a return, for the viewers of its order and for the store that has the goods."""
    async with units.read() as unit:
        found = await unit.returns.returns.get(back)
        if not caller.works_at(found.store):
            if found.order is None:
                raise AccessDenied(caller, back)
            ensure_visible(caller, await unit.orders.orders.get(found.order))
    return found


async def list_returns_of_order(
    units: Units, *, caller: Caller, order: OrderId
) -> Sequence[Return]:
    """Returns the returns of an order; another store sees those that were brought to it."""
    async with units.read() as unit:
        found = await unit.orders.orders.get(order)
        backs = await unit.returns.returns.list_by_order(order)
    if is_visible(caller, found):
        return backs
    mine = [back for back in backs if caller.works_at(back.store)]
    if not mine:
        raise AccessDenied(caller, order)
    return mine


async def list_returns_at_store(
    units: Units,
    *,
    caller: Caller,
    store: StoreId,
    states: Collection[ReturnState],
    after: ReturnId | None,
    limit: int,
) -> Sequence[Return]:
    """Returns the returns at a store, oldest first. Raises AccessDenied, StoreNotFound."""
    if not caller.works_at(store):
        raise AccessDenied(caller, store)
    async with units.read() as unit:
        await unit.stores.stores.get(store)
        return await unit.returns.returns.list_by_store(store, states, after=after, limit=limit)
