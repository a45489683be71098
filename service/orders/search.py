"""An order is looked for by the office or a store."""

from datetime import datetime

from msgspec import Struct

from domain.foundation.callers import Caller, NotYours, Role
from domain.kernel.ids import CustomerId, OrderId, StoreId
from domain.orders.orders import OrderState
from domain.orders.progress import SeenOrder
from domain.orders.search import Sought, looks_like_a_phone, sought_by
from service.orders.ports import Wanted
from service.orders.queries import followed
from service.shared.unit_of_work import Unit, Units


class Search(Struct, frozen=True):
    """All that is told must fit; `query` is whatever somebody can say of an order."""

    state: OrderState | None = None
    store: StoreId | None = None
    customer: CustomerId | None = None
    query: str | None = None
    placed_from: datetime | None = None
    placed_until: datetime | None = None


async def find(
    units: Units, *, caller: Caller, search: Search, before: OrderId | None, limit: int
) -> list[SeenOrder]:
    """The orders that fit, newest first; of a store only those that it has a part of.

    Raises:
        NotYours: the caller does not work at that store.
    """
    async with units.read() as unit:
        wanted = Wanted(
            state=search.state,
            stores=_stores(caller, search.store),
            customer=search.customer,
            sought=await _sought(unit, search.query),
            placed_from=search.placed_from,
            placed_until=search.placed_until,
        )
        found = await unit.orders.find(wanted, before=before, limit=limit)
        return await followed(unit, caller, found)


def _stores(caller: Caller, store: StoreId | None) -> list[StoreId] | None:
    """Where it must have a part; None for anywhere."""
    if store is None:
        return None if caller.role is Role.OFFICE else sorted(caller.stores)
    if not caller.works_at(store):
        raise NotYours(caller, store)
    return [store]


async def _sought(unit: Unit, query: str | None) -> Sought | None:
    if query is None:
        return None
    stores = await unit.stores.all() if looks_like_a_phone(query) else {}
    return sought_by(query, {store.country for store in stores.values()})
