"""An order is looked for by the office or a store."""

from datetime import datetime

from msgspec import Struct

from domain.foundation.callers import AccessDenied, Caller, Role
from domain.kernel.ids import CustomerId, OrderId, StoreId
from domain.orders.orders import OrderState
from domain.orders.progress import OrderDetails
from domain.orders.search import SearchTerms, is_phone_like, parse_search
from service.orders.ports import OrderQuery
from service.orders.queries import get_order_details
from service.shared.unit_of_work import Unit, Units


class OrderSearch(Struct, frozen=True):
    """An order search: every given field must match; `query` is any text about an order."""

    state: OrderState | None = None
    store: StoreId | None = None
    customer: CustomerId | None = None
    query: str | None = None
    placed_from: datetime | None = None
    placed_until: datetime | None = None


async def search_orders(
    units: Units, *, caller: Caller, search: OrderSearch, before: OrderId | None, limit: int
) -> list[OrderDetails]:
    """The orders that fit, newest first; of a store only those that it has a part of.

    Raises:
        AccessDenied: the caller does not work at that store.
    """
    async with units.read() as unit:
        wanted = OrderQuery(
            state=search.state,
            stores=_stores(caller, search.store),
            customer=search.customer,
            sought=await _sought(unit, search.query),
            placed_from=search.placed_from,
            placed_until=search.placed_until,
        )
        found = await unit.orders.orders.search(wanted, before=before, limit=limit)
        return await get_order_details(unit, caller, found)


def _stores(caller: Caller, store: StoreId | None) -> list[StoreId] | None:
    """Where it must have a part; None for anywhere."""
    if store is None:
        return None if caller.role is Role.OFFICE else sorted(caller.stores)
    if not caller.works_at(store):
        raise AccessDenied(caller, store)
    return [store]


async def _sought(unit: Unit, query: str | None) -> SearchTerms | None:
    if query is None:
        return None
    stores = await unit.stores.stores.list_all() if is_phone_like(query) else {}
    return parse_search(query, {store.country for store in stores.values()})
