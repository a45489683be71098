"""Availability of SKUs at stores, for the shop's pages, the app, the tills and the staff."""

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime

from msgspec import Struct

from domain.catalogue.products import Product, ProductNotFound
from domain.inventory.availability import (
    AvailabilityView,
    Freshness,
    NearbyStore,
    SkuAvailability,
    StockDisplayPolicy,
    StockLevelMap,
    compute_availability,
    group_by_sku,
    unknown_availability,
)
from domain.inventory.sales_channels import ChannelTerms, UnknownChannel
from domain.inventory.supply import add_supply
from domain.kernel.ids import WEB, ChannelId, Sku, StoreId
from domain.stores.stores import UnknownStore
from service.shared.unit_of_work import Unit, Units


class NearLocation(Struct, frozen=True):
    """A point and how far from it to look."""

    latitude: float
    longitude: float
    radius_km: float


class AvailabilityQuery(Struct, frozen=True):
    """The SKUs and the stores of a query: named ones, those around a point, or all that have any.

    `stock_display` is the policy of channels without one of their own. `explain` names the stores
    whose breakdown may be shown, where it is wanted; `by` asks for the units that can be promised
    by a day.
    """

    skus: list[Sku]
    stores: list[StoreId] | None = None
    around: NearLocation | None = None
    stock_display: StockDisplayPolicy = StockDisplayPolicy()
    explain: Callable[[StoreId], bool] | None = None
    by: date | None = None
    channel: ChannelId = WEB


class StockView(Struct, frozen=True):
    """The facts behind availability: products with the parts of kits, and their stock levels.

    The stock levels are those of one channel, with its terms.
    """

    catalogue: Mapping[Sku, Product]
    levels: Mapping[Sku, StockLevelMap]
    terms: ChannelTerms

    @property
    def holders(self) -> set[StoreId]:
        return {store for levels in self.levels.values() for store, _ in levels}


class AvailabilityAnswer(Struct, frozen=True):
    """`as_of` is the moment for which it is known to be true."""

    as_of: datetime
    channel: ChannelId
    items: list[SkuAvailability]
    source: Freshness = Freshness.LIVE


async def get_availability(units: Units, question: AvailabilityQuery) -> AvailabilityAnswer:
    """Returns each SKU in the order of the query; an unknown one has the status `unknown_sku`.

    Raises UnknownStore, UnknownChannel.
    """
    async with units.read() as unit:
        lying = await load_stock(unit, question.skus, question.channel)
        blocked = (
            await unit.inventory.stock_levels.get_conditions(lying.catalogue)
            if question.explain
            else {}
        )
        due = (
            await unit.inventory.supply.list_incoming(lying.catalogue, by=question.by)
            if question.by
            else []
        )
        places = await _places(unit, question, lying.holders | {one.store for one in due})
    view = AvailabilityView(
        now=unit.now,
        display_policy=lying.terms.policy.to_display_policy(question.stock_display),
        may_explain=question.explain,
        conditions=blocked,
        channel=question.channel,
    )
    items = [
        compute_availability(lying.catalogue[sku], lying.catalogue, lying.levels, places, view)
        if sku in lying.catalogue
        else unknown_availability(sku)
        for sku in dict.fromkeys(question.skus)
    ]
    if question.by:
        items = [
            add_supply(item, lying.catalogue, lying.levels, due=due, by=question.by, view=view)
            for item in items
        ]
    return AvailabilityAnswer(as_of=unit.now, channel=question.channel, items=items)


async def answer_query(
    units: Units, question: AvailabilityQuery
) -> tuple[datetime, SkuAvailability]:
    """One SKU. Raises ProductNotFound, UnknownStore, UnknownChannel."""
    answer = await get_availability(units, question)
    item = answer.items[0]
    if "unknown_sku" in item.reasons:
        raise ProductNotFound(item.sku)
    return answer.as_of, item


async def load_stock(unit: Unit, skus: Collection[Sku], channel: ChannelId = WEB) -> StockView:
    """The products with their parts, and every shelf that decides how many there are.

    Raises UnknownChannel.
    """
    catalogue = await get_products_with_parts(unit, skus)
    sold = await unit.inventory.sellable_stock.get_for_channel(channel, catalogue)
    if sold is None:
        raise UnknownChannel(channel, {"parameter": "channel", "in": "query"})
    terms, levels = sold
    return StockView(catalogue, group_by_sku(terms.apply_to_all(levels)), terms)


async def get_products_with_parts(unit: Unit, skus: Collection[Sku]) -> dict[Sku, Product]:
    """Returns the products, and the parts of the kits among them."""
    products = await unit.catalogue.products.get_many(skus)
    parts = {part for product in products.values() for part in product.parts} - products.keys()
    return {**products, **(await unit.catalogue.products.get_many(parts) if parts else {})}


async def _places(
    unit: Unit, question: AvailabilityQuery, holders: Collection[StoreId]
) -> list[NearbyStore]:
    named = await unit.stores.stores.get_many(
        holders if question.stores is None else question.stores
    )
    for store in question.stores or ():
        if store not in named:
            raise UnknownStore(store, {"parameter": "store", "in": "query"})
    if question.around:
        around = question.around
        found = await unit.stores.stores.list_near(
            around.latitude, around.longitude, around.radius_km
        )
        everywhere = question.stores is None
        return [NearbyStore(store, km) for store, km in found if everywhere or store.store in named]
    return [NearbyStore(named[store]) for store in sorted(named)]
