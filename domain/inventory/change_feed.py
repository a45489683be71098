"""The change feed: every change of a stock level in order, for streams and webhooks."""

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
    """A stock level as a change left it.

    A change that names a `channel` has no stock level: all that was sent for that channel, in a
    store or in every one, must be sent again.

    Positions grow in the order in which changes became visible to every reader; a reader at one
    position has missed nothing before it. For one stock level, a later position has a later
    version.
    """

    position: int
    stock_level: StockLevel
    cause: str
    recorded_at: datetime
    channel: ChannelId | None = None


class FeedPosition(Struct, frozen=True):
    """The point in the feed at which stock levels were read.

    Every change up to `position` was true then. So were the changes that waited for a position: for
    each stock level in `waiting`, those up to that version.
    """

    position: int
    pending_versions: Mapping[StockKey, int]

    def includes(self, change: StockChange) -> bool:
        level = change.stock_level
        waited = self.pending_versions.get((level.store, level.sku), -1)
        return change.position <= self.position or level.version <= waited


class SnapshotCursor:
    """The changes that a snapshot has sent: page by page in SKU order, each at its own point.

    Pages in a row between which nothing happened share one, so it grows with the number of changes,
    not with the size of the catalogue.
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
        """Nothing is missing up to here; some later changes may have been sent."""
        return self._positions[0].position

    @property
    def end(self) -> int:
        """Of the later positions, only the changes that waited for this one have been sent."""
        return self._positions[-1].position

    @property
    def has_pending(self) -> bool:
        return any(moment.pending_versions for moment in self._positions)

    def includes(self, change: StockChange, sku: Sku) -> bool:
        """Whether the effect of a change on a SKU, itself or a kit with it, has been sent."""
        page = bisect_right(self._first_skus, sku) - 1
        return self._positions[max(page, 0)].includes(change)


class Update(Struct, frozen=True):
    """The sent state of one SKU in one store. Of two, the later version is true."""

    sku: Sku
    store: StoreId
    version: int
    status: StockStatus
    quantity: int | None
    as_of: datetime


class Subscription(Struct, frozen=True):
    """A subscription to a channel: these SKUs or every one, in these stores or all."""

    skus: frozenset[Sku] | None = None
    stores: frozenset[StoreId] | None = None
    exact: bool = True
    """Whether quantities are sent exactly; shoppers may see less."""
    channel: ChannelId = WEB
    holds: frozenset[HoldId] = frozenset()
    """Holds whose coming end it wants to know. Any caller with a hold's id may ask."""

    def matches(self, turn: Update) -> bool:
        return (self.skus is None or turn.sku in self.skus) and (
            self.stores is None or turn.store in self.stores
        )

    def needs_resync(self, change: StockChange) -> bool:
        """Whether the data sent so far may no longer be true."""
        store = change.stock_level.store
        return change.channel in {self.channel, ANY} and (
            self.stores is None or store == ANY or store in self.stores
        )


def to_update(
    product: Product,
    store: StoreId,
    catalogue: Catalogue,
    levels: StockLevelMap,
    view: AvailabilityView,
    *,
    serves: bool = True,
) -> Update:
    """Computes a product's state in a store from its parts, if the store serves the channel."""
    parts = stocked_components(product, catalogue)
    units = sellable_units(parts, store, levels) if parts else None
    offer = to_offers(product, units if serves else 0, view)
    return Update(
        sku=product.sku,
        store=store,
        version=sum(
            levels[store, sku].version for sku in component_skus(product) if (store, sku) in levels
        ),
        status=offer.status,
        quantity=offer.quantity,
        as_of=view.now,
    )


def republished(before: Product, after: Product) -> set[Sku]:
    """The SKUs whose state changes when a product is shown in another way."""
    if (before.state, before.tracked, before.parts) == (after.state, after.tracked, after.parts):
        return set()
    return {*component_skus(before), *component_skus(after)}


def stock_keys_of(
    product: Product, stores: Iterable[StoreId] | None, levels: StockLevelMap
) -> set[StoreId]:
    """The stores to report: named ones, or every one that has a stock level for it."""
    if stores is not None:
        return set(stores)
    skus = set(component_skus(product))
    return {store for store, sku in levels if sku in skus}
