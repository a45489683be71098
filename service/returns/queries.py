"""Returns, as their buyer, the stores and the office see them."""

from collections.abc import Collection, Sequence

from domain.foundation.callers import Caller, NotYours
from domain.kernel.ids import OrderId, ReturnId, StoreId
from domain.returns.returns import Return, ReturnState
from service.orders.queries import may_see, must_see
from service.shared.unit_of_work import Units


async def look(units: Units, *, caller: Caller, back: ReturnId) -> Return:
    """Whoever sees its order sees it, and so does the store that has the goods."""
    async with units.read() as unit:
        found = await unit.returns.get(back)
        if not caller.works_at(found.store):
            if found.order is None:
                raise NotYours(caller, back)
            must_see(caller, await unit.orders.get(found.order))
    return found


async def list_of_order(units: Units, *, caller: Caller, order: OrderId) -> Sequence[Return]:
    """What came back of an order; a store that has nothing else of it sees what came to it."""
    async with units.read() as unit:
        found = await unit.orders.get(order)
        backs = await unit.returns.of_order(order)
    if may_see(caller, found):
        return backs
    mine = [back for back in backs if caller.works_at(back.store)]
    if not mine:
        raise NotYours(caller, order)
    return mine


async def list_at(
    units: Units,
    *,
    caller: Caller,
    store: StoreId,
    states: Collection[ReturnState],
    after: ReturnId | None,
    limit: int,
) -> Sequence[Return]:
    """What came back to a store, or will, oldest first. Raises NotYours, StoreMissing."""
    if not caller.works_at(store):
        raise NotYours(caller, store)
    async with units.read() as unit:
        await unit.stores.get(store)
        return await unit.returns.of_store(store, states, after=after, limit=limit)
