"""Every change of a shelf, one after the other: what streams and other systems follow."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from domain.catalogue.products import Product
from domain.inventory.availability import (
    AvailabilityView,
    Catalogue,
    StockLevelMap,
    component_skus,
    sellable_units,
    stocked_components,
    to_offers,
)
from domain.inventory.stock_levels import StockKey, StockLevel, StockStatus
from domain.kernel.ids import WEB, ChannelId, HoldId, Sku, StoreId

ANY: Final = ""
"""Every channel, or every store."""


class StockChange(Struct, frozen=True):
    """A shelf as a change left it.

    One that names a `channel` is of no shelf: whatever was told of that channel, in a store or in
    every one, is to be told anew.

    Positions grow in the order in which changes became true for everybody; who has read up to one
    has missed nothing before it. Of one shelf, a later position has a later version.
    """

    position: int
    stock_level: StockLevel
    cause: str
    recorded_at: datetime
    channel: ChannelId | None = None


class FeedPosition(Struct, frozen=True):
    """When shelves were looked at.

    Every change up to `position` was true then. So was what waited for a position: of each shelf
    in `waiting` the changes up to that version.
    """

    position: int
    pending_versions: Mapping[StockKey, int]

    def includes(self, change: StockChange) -> bool:
        shelf = change.stock_level
        waited = self.pending_versions.get((shelf.store, shelf.sku), -1)
        return change.position <= self.position or shelf.version <= waited


class SnapshotCursor:
    """Which changes a snapshot has told: page by page in the order of SKUs, each at its moment.

    Pages in a row between which nothing happened share one, so it grows with what happens, not
    with the shop.
    """

    def __init__(self) -> None:
        self._first_skus: list[Sku] = []
        self._positions: list[FeedPosition] = []

    def add(self, first: Sku, moment: FeedPosition) -> None:
        """A page that begins with a SKU, or would if there were any."""
        if not self._positions or self._positions[-1] != moment:
            self._first_skus.append(first)
            self._positions.append(moment)

    @property
    def start(self) -> int:
        """Nothing is missing up to here; some of what is behind may have been told."""
        return self._positions[0].position

    @property
    def end(self) -> int:
        """Of what has a position behind here, only what waited for it has been told."""
        return self._positions[-1].position

    @property
    def has_pending(self) -> bool:
        return any(moment.pending_versions for moment in self._positions)

    def includes(self, change: StockChange, sku: Sku) -> bool:
        """Whether what a change means for a SKU, itself or a kit with it, has been told."""
        page = bisect_right(self._first_skus, sku) - 1
        return self._positions[max(page, 0)].includes(change)


class Update(Struct, frozen=True):
    """What may be told of one SKU in one store. Of two, the one with the later version is true."""

    sku: Sku
    store: StoreId
    version: int
    status: StockStatus
    quantity: int | None
    as_of: datetime


class Subscription(Struct, frozen=True):
    """What somebody wants to hear of a channel: these SKUs or every one, in these stores or all."""

    skus: frozenset[Sku] | None = None
    stores: frozenset[StoreId] | None = None
    exact: bool = True
    """Whether quantities are told as they are; shoppers may learn less."""
    channel: ChannelId = WEB
    holds: frozenset[HoldId] = frozenset()
    """Of these it wants to hear before they end. Whoever knows a hold's id may."""

    def matches(self, turn: Update) -> bool:
        return (self.skus is None or turn.sku in self.skus) and (
            self.stores is None or turn.store in self.stores
        )

    def needs_resync(self, change: StockChange) -> bool:
        """Whether what was told so far may no longer be true."""
        store = change.stock_level.store
        return change.channel in {self.channel, ANY} and (
            self.stores is None or store == ANY or store in self.stores
        )


def to_update(
    product: Product,
    store: StoreId,
    catalogue: Catalogue,
    shelves: StockLevelMap,
    view: AvailabilityView,
    *,
    serves: bool = True,
) -> Update:
    """What the shelves of its parts say of a product in a store, if that serves the channel."""
    parts = stocked_components(product, catalogue)
    units = sellable_units(parts, store, shelves) if parts else None
    offer = to_offers(product, units if serves else 0, view)
    return Update(
        sku=product.sku,
        store=store,
        version=sum(
            shelves[store, sku].version
            for sku in component_skus(product)
            if (store, sku) in shelves
        ),
        status=offer.status,
        quantity=offer.quantity,
        as_of=view.now,
    )


def republished(before: Product, after: Product) -> set[Sku]:
    """The SKUs whose shelves say something else since a product is told otherwise."""
    if (before.state, before.tracked, before.parts) == (after.state, after.tracked, after.parts):
        return set()
    return {*component_skus(before), *component_skus(after)}


def stock_keys_of(
    product: Product, stores: Iterable[StoreId] | None, shelves: StockLevelMap
) -> set[StoreId]:
    """The stores to tell of: named ones, or every one that has a shelf for it."""
    if stores is not None:
        return set(stores)
    skus = set(component_skus(product))
    return {store for store, sku in shelves if sku in skus}
