"""Every change of a shelf, one after the other: what streams and other systems follow."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct

from domain.availability import (
    Catalogue,
    Shelves,
    View,
    needed,
    offered,
    sellable_units,
    stocked_parts,
)
from domain.catalogue import Product
from domain.ids import WEB, ChannelId, HoldId, Sku, StoreId
from domain.stock import Shelf, Status

ANY: Final = ""
"""Every channel, or every store."""


class Changed(Struct, frozen=True):
    """A shelf as a change left it.

    One that names a `channel` is of no shelf: whatever was told of that channel, in a store or in
    every one, is to be told anew.

    Positions grow in the order in which changes became true for everybody; who has read up to one
    has missed nothing before it. Of one shelf, a later position has a later version.
    """

    position: int
    shelf: Shelf
    cause: str
    recorded_at: datetime
    channel: ChannelId | None = None


class Turn(Struct, frozen=True):
    """What may be told of one SKU in one store. Of two, the one with the later version is true."""

    sku: Sku
    store: StoreId
    version: int
    status: Status
    quantity: int | None
    as_of: datetime


class Following(Struct, frozen=True):
    """What somebody wants to hear of a channel: these SKUs or every one, in these stores or all."""

    skus: frozenset[Sku] | None = None
    stores: frozenset[StoreId] | None = None
    exact: bool = True
    """Whether quantities are told as they are; shoppers may learn less."""
    channel: ChannelId = WEB
    holds: frozenset[HoldId] = frozenset()
    """Of these it wants to hear before they end. Whoever knows a hold's id may."""

    def wants(self, turn: Turn) -> bool:
        return (self.skus is None or turn.sku in self.skus) and (
            self.stores is None or turn.store in self.stores
        )

    def is_upset_by(self, change: Changed) -> bool:
        """Whether what was told so far may no longer be true."""
        store = change.shelf.store
        return change.channel in {self.channel, ANY} and (
            self.stores is None or store == ANY or store in self.stores
        )


def turn_of(
    product: Product,
    store: StoreId,
    catalogue: Catalogue,
    shelves: Shelves,
    view: View,
    *,
    serves: bool = True,
) -> Turn:
    """What the shelves of its parts say of a product in a store, if that serves the channel."""
    parts = stocked_parts(product, catalogue)
    units = sellable_units(parts, store, shelves) if parts else None
    offer = offered(product, units if serves else 0, view)
    return Turn(
        sku=product.sku,
        store=store,
        version=sum(
            shelves[store, sku].version for sku in needed(product) if (store, sku) in shelves
        ),
        status=offer.status,
        quantity=offer.quantity,
        as_of=view.now,
    )


def retold(before: Product, after: Product) -> set[Sku]:
    """The SKUs whose shelves say something else since a product is told otherwise."""
    if (before.state, before.tracked, before.parts) == (after.state, after.tracked, after.parts):
        return set()
    return {*needed(before), *needed(after)}


def places_of(product: Product, stores: Iterable[StoreId] | None, shelves: Shelves) -> set[StoreId]:
    """The stores to tell of: named ones, or every one that has a shelf for it."""
    if stores is not None:
        return set(stores)
    skus = set(needed(product))
    return {store for store, sku in shelves if sku in skus}
