"""Every change of a shelf, one after the other: what streams and other systems follow."""

from collections.abc import Iterable
from datetime import datetime

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
from domain.ids import Sku, StoreId
from domain.stock import Shelf, Status


class Changed(Struct, frozen=True):
    """A shelf as a change left it.

    Positions grow in the order in which changes became true for everybody; who has read up to one
    has missed nothing before it. Of one shelf, a later position has a later version.
    """

    position: int
    shelf: Shelf
    cause: str
    recorded_at: datetime


class Turn(Struct, frozen=True):
    """What may be told of one SKU in one store. Of two, the one with the later version is true."""

    sku: Sku
    store: StoreId
    version: int
    status: Status
    quantity: int | None
    as_of: datetime


class Following(Struct, frozen=True):
    """What somebody wants to hear of: these SKUs or every one, in these stores or in every one."""

    skus: frozenset[Sku] | None = None
    stores: frozenset[StoreId] | None = None
    exact: bool = True
    """Whether quantities are told as they are; shoppers may learn less."""

    def wants(self, turn: Turn) -> bool:
        return (self.skus is None or turn.sku in self.skus) and (
            self.stores is None or turn.store in self.stores
        )


def turn_of(
    product: Product, store: StoreId, catalogue: Catalogue, shelves: Shelves, view: View
) -> Turn:
    """What the shelves of its parts say of a product in a store."""
    parts = stocked_parts(product, catalogue)
    units = sellable_units(parts, store, shelves) if parts else None
    offer = offered(product, units, view)
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
