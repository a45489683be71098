"""The stock change feed for subscribers: current stock levels, and the level after each change."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from domain.catalogue.products import Product
from domain.inventory.availability import (
    AvailabilityView,
    AvailableQuantities,
    Catalogue,
    StockDisplayPolicy,
    StockLevelMap,
    component_skus,
)
from domain.inventory.change_feed import (
    FeedPosition,
    StockChange,
    Subscription,
    Update,
    stock_keys_of,
    to_update,
)
from domain.inventory.sales_channels import ChannelTerms
from domain.kernel.ids import ChannelId, Sku, StoreId
from service.inventory.availability import get_products_with_parts
from service.shared.unit_of_work import Unit, Units


class FeedChange(Struct, frozen=True):
    """A change as the subscribers of one channel receive it, with the updates it makes."""

    turns: list[list[Update]]
    stock_display: StockDisplayPolicy

    def to(self, *, exact: bool, part: slice = slice(None)) -> list[list[Update]]:
        """The updates with exact numbers for callers who may see them, or as shoppers see them."""
        if exact or self.stock_display.display is AvailableQuantities.EXACT:
            return self.turns[part]
        return [
            [
                replace(turn, quantity=self.stock_display.to_displayed(turn.quantity))
                for turn in turns
            ]
            for turns in self.turns[part]
        ]


class ChangeReader(Struct):
    """Reads changes, and all data needed to publish them."""

    changes: Sequence[StockChange]
    kits: Collection[Product]
    catalogue: Catalogue
    levels: StockLevelMap
    terms: Mapping[ChannelId, ChannelTerms]
    usual: StockDisplayPolicy
    now: datetime
    told: dict[ChannelId, FeedChange] = {}

    def heard(self, channel: ChannelId) -> FeedChange:
        """The effect of each change on a channel's products: the SKU and every kit with it."""
        if channel not in self.told:
            self.told[channel] = self._heard(channel, self.terms[channel])
        return self.told[channel]

    def _heard(self, channel: ChannelId, terms: ChannelTerms) -> FeedChange:
        stock_display = terms.policy.to_display_policy(self.usual)
        view = AvailabilityView(
            now=self.now, display_policy=stock_display.for_staff, channel=channel
        )
        seen = terms.apply_to_all(self.levels)
        made_of: dict[Sku, list[Product]] = {}
        for kit in self.kits:
            for sku in kit.parts:
                made_of.setdefault(sku, []).append(kit)
        turns = [
            [
                *_itself(change, self.catalogue, terms, view),
                *(
                    to_update(kit, change.stock_level.store, self.catalogue, seen, view)
                    for kit in made_of.get(change.stock_level.sku, ())
                ),
            ]
            for change in self.changes
        ]
        return FeedChange(turns, stock_display)


class StockSnapshot(Struct, frozen=True):
    """The stock levels of some SKUs at one moment."""

    skus: Sequence[Sku]
    heard: FeedChange
    moment: FeedPosition


async def load_snapshot(
    units: Units, following: Subscription, *, after: Sku, limit: int, usual: StockDisplayPolicy
) -> StockSnapshot:
    """Loads the current levels of the followed SKUs: the first ones after a given SKU, in order.

    SKU by SKU and store by store; SKUs that are not sold are left out.
    """
    stores, channel = following.stores, following.channel
    async with units.snapshot() as unit:
        skus = await _behind(unit, following, after, limit)
        catalogue = await get_products_with_parts(unit, skus)
        sold = await unit.inventory.sellable_stock.get_for_channel(channel, catalogue, stores)
        places = None if stores is None else await unit.stores.stores.get_many(stores)
        moment = await unit.inventory.change_feed.get_position(catalogue)
    assert sold is not None, "nobody follows a channel that there is not"
    terms, lying = sold
    levels = terms.apply_to_all(lying)
    stock_display = terms.policy.to_display_policy(usual)
    view = AvailabilityView(now=unit.now, display_policy=stock_display.for_staff, channel=channel)
    turns = [
        to_update(
            catalogue[sku],
            store,
            catalogue,
            levels,
            view,
            serves=store not in terms.limited,
        )
        for sku in skus
        if sku in catalogue
        for store in sorted(stock_keys_of(catalogue[sku], places, levels))
    ]
    return StockSnapshot(skus, FeedChange([turns], stock_display), moment)


async def _behind(unit: Unit, following: Subscription, after: Sku, limit: int) -> list[Sku]:
    if following.skus is not None:
        return sorted(sku for sku in following.skus if sku > after)[:limit]
    found = await unit.catalogue.products.search(gtin=None, query=None, after=after, limit=limit)
    return [product.sku for product in found]


async def load_changes(
    units: Units, changes: Sequence[StockChange], *, usual: StockDisplayPolicy
) -> ChangeReader:
    """Loads the changes to publish, for any requested channel.

    A SKU is published as the change left it. A kit is published as it can be made now, since its
    other components may have moved on; its last update is always correct.
    """
    skus = {change.stock_level.sku for change in changes}
    async with units.read() as unit:
        kits = await unit.catalogue.products.list_kits_with(skus)
        catalogue = await get_products_with_parts(unit, skus | {kit.sku for kit in kits})
        levels = await _get_levels(unit, kits, {change.stock_level.store for change in changes})
        places = {(change.stock_level.store, change.stock_level.sku) for change in changes}
        terms = await unit.inventory.sellable_stock.get_terms(places | levels.keys())
    return ChangeReader(changes, kits, catalogue, levels, terms, usual, unit.now)


async def with_kits_parts(units: Units, skus: Collection[Sku]) -> set[Sku]:
    """The SKUs whose changes are changes of `skus`."""
    async with units.read() as unit:
        products = await unit.catalogue.products.get_many(skus)
    return set(skus).union(*(component_skus(product) for product in products.values()))


async def _get_levels(
    unit: Unit, kits: Collection[Product], stores: Collection[StoreId]
) -> StockLevelMap:
    parts = {sku for kit in kits for sku in kit.parts}
    return await unit.inventory.stock_levels.list_by_skus(parts, stores) if parts else {}


def _itself(
    change: StockChange, catalogue: Catalogue, terms: ChannelTerms, view: AvailabilityView
) -> list[Update]:
    """Empty for a SKU that is not sold, and for a kit, whose own stock level decides nothing."""
    level = change.stock_level
    product = catalogue.get(level.sku)
    if product is None or product.parts:
        return []
    then = replace(view, now=change.recorded_at)
    seen = terms.apply_to(level)
    levels = {(level.store, level.sku): seen}
    return [to_update(product, level.store, catalogue, levels, then, serves=seen.serves)]
