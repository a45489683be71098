"""Stock levels for staff: the quantities, now or at a past time, and the movements behind them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from adapters.http.inventory.views.consignments import IncomingView
from adapters.http.web.authentication import callers
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from adapters.http.web.parameters import ensure_timestamp
from domain.catalogue.products import ProductNotFound
from domain.foundation.callers import AccessDenied, Caller, Role
from domain.inventory.conditions import Condition
from domain.inventory.consignments import Incoming
from domain.inventory.stock_levels import StockKey, StockLevel, StockLevelAsOf, StockMovement
from domain.kernel.ids import Sku, StoreId
from service.inventory.stocktaking import ensure_past
from service.shared.unit_of_work import Unit, Units

STOCK_ROLES = (Role.TILL, Role.ASSOCIATE, Role.OFFICE)
InStores = Annotated[
    list[StoreId] | None,
    QueryParameter(name="store", max_items=500, description="These stores; else all of one's own."),
]


class StockLevelView(Struct):
    """Promised quantities are known for the present only; for the past the ledger knows the goods.

    `incoming` lists the units that deliveries and transfers bring, the earliest first.

    `unavailable` is the sum over its `conditions`.
    """

    store: StoreId
    on_hand: int
    unavailable: int
    conditions: dict[Condition, int]
    allocated: int | None = None
    held: int | None = None
    staged: int | None = None
    safety_stock: int | None = None
    version: int | None = None
    incoming: list[IncomingView] | None = None


class SkuStockView(Struct):
    sku: Sku
    as_of: datetime
    items: list[StockLevelView]


class StockLevels(Controller):
    path = "/v1/stock/{sku:str}"
    tags = ("stock",)

    @get(operation_id="get_stock", **callers(*STOCK_ROLES, scope="stock"))
    async def get_stock(
        self,
        sku: FromPath[Sku],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        stores: InStores = None,
        at: Annotated[
            datetime | None,
            QueryParameter(description="What was known at a past instant, with its offset."),
        ] = None,
    ) -> SkuStockView:
        """Get the quantities of a SKU, store by store."""
        wanted = _resolve_stores(caller, stores)
        async with units.read() as unit:
            await _ensure_product(unit, sku)
            if at is not None:
                ensure_timestamp("at", at)
                ensure_past("at", at, unit.now)
                past = await unit.inventory.stock_levels.get_as_of(sku, wanted, at)
                blocked = await unit.inventory.stock_levels.get_conditions([sku], wanted, at=at)
                return SkuStockView(sku, at, [_to_historic_view(one, sku, blocked) for one in past])
            levels = await unit.inventory.stock_levels.list_by_skus([sku], wanted)
            blocked = await unit.inventory.stock_levels.get_conditions([sku], wanted)
            incoming = await unit.inventory.supply.list_incoming([sku], wanted)
        waiting = {(one.store, sku): StockLevel(one.store, sku) for one in incoming}
        items = [
            _to_current_view(level, blocked.get(place, {}), incoming)
            for place, level in (waiting | levels).items()
        ]
        return SkuStockView(sku, unit.now, sorted(items, key=lambda item: item.store))

    @get("/movements", operation_id="list_movements", **callers(*STOCK_ROLES, scope="stock"))
    async def list_movements(
        self,
        sku: FromPath[Sku],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        stores: InStores = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[StockMovement]:
        """List a SKU's movements, newest first: cause, actor, time of event, time of recording."""
        before = decode_cursor(cursor, int)
        async with units.read() as unit:
            await _ensure_product(unit, sku)
            found = await unit.inventory.stock_levels.list_movements(
                sku, _resolve_stores(caller, stores), before=before, limit=limit + 1
            )
        return to_page(found, limit, lambda movement: movement.id)


def _to_current_view(
    level: StockLevel, blocked: dict[Condition, int], incoming: Iterable[Incoming]
) -> StockLevelView:
    return StockLevelView(
        store=level.store,
        on_hand=level.on_hand,
        unavailable=level.unavailable,
        conditions=blocked,
        allocated=level.allocated,
        held=level.held,
        staged=level.staged,
        safety_stock=level.safety_stock,
        version=level.version,
        incoming=[
            IncomingView(one.due_on, one.units, one.source)
            for one in incoming
            if one.store == level.store
        ],
    )


def _to_historic_view(
    one: StockLevelAsOf, sku: Sku, blocked: Mapping[StockKey, dict[Condition, int]]
) -> StockLevelView:
    conditions = blocked.get((one.store, sku), {})
    return StockLevelView(one.store, one.on_hand, one.unavailable, conditions)


def _resolve_stores(caller: Caller, stores: list[StoreId] | None) -> list[StoreId] | None:
    """The stores asked for, or all of the caller's own. Raises AccessDenied."""
    for store in stores or ():
        if not caller.works_at(store):
            raise AccessDenied(caller, store)
    if stores is None and caller.role is not Role.OFFICE:
        return sorted(caller.stores)
    return stores


async def _ensure_product(unit: Unit, sku: Sku) -> None:
    if not await unit.catalogue.products.filter_known([sku]):
        raise ProductNotFound(sku)
