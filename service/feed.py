"""What is told to those who follow the shelves: how they stand, and how each change left them."""

from collections.abc import Collection, Sequence

from msgspec import structs

from domain.availability import Catalogue, Shelves, Telling, View, needed
from domain.catalogue import Product
from domain.feed import Changed, Turn, places_of, turn_of
from domain.ids import Sku, StoreId
from service.availability import with_parts
from service.ports.unit import Unit, Units


async def standing(
    units: Units, skus: Collection[Sku], stores: Collection[StoreId] | None, *, telling: Telling
) -> list[Turn]:
    """How the shelves stand now, SKU by SKU and store by store; nothing of SKUs nobody sells."""
    async with units.read() as unit:
        catalogue = await with_parts(unit, skus)
        shelves = await unit.stock.of(catalogue, stores)
        places = None if stores is None else await unit.stores.by_id(stores)
    view = View(now=unit.now, telling=telling)
    return [
        turn_of(catalogue[sku], store, catalogue, shelves, view)
        for sku in sorted(skus)
        if sku in catalogue
        for store in sorted(places_of(catalogue[sku], places, shelves))
    ]


async def told(units: Units, changes: Sequence[Changed], *, telling: Telling) -> list[list[Turn]]:
    """What each change means for what is sold: the SKU itself, and every kit it is a part of.

    The SKU is told as the change left it. A kit is told as it can be made now, since its other
    parts may have moved on; its last turn is always true.
    """
    if not changes:
        return []
    skus = {change.shelf.sku for change in changes}
    async with units.read() as unit:
        kits = await unit.products.kits_of(skus)
        catalogue = await with_parts(unit, skus | {kit.sku for kit in kits})
        shelves = await _shelves_of(unit, kits, {change.shelf.store for change in changes})
    view = View(now=unit.now, telling=telling)
    made_of: dict[Sku, list[Product]] = {sku: [] for sku in skus}
    for kit in kits:
        for sku in kit.parts.keys() & skus:
            made_of[sku].append(kit)
    return [
        [
            *_itself(change, catalogue, view),
            *(
                turn_of(kit, change.shelf.store, catalogue, shelves, view)
                for kit in made_of[change.shelf.sku]
            ),
        ]
        for change in changes
    ]


async def with_kits_parts(units: Units, skus: Collection[Sku]) -> set[Sku]:
    """The SKUs whose changes are changes of `skus`."""
    async with units.read() as unit:
        products = await unit.products.by_sku(skus)
    return set(skus).union(*(needed(product) for product in products.values()))


async def _shelves_of(
    unit: Unit, kits: Collection[Product], stores: Collection[StoreId]
) -> Shelves:
    parts = {sku for kit in kits for sku in kit.parts}
    return await unit.stock.of(parts, stores) if parts else {}


def _itself(change: Changed, catalogue: Catalogue, view: View) -> list[Turn]:
    """Nothing of a SKU nobody sells, and of a kit, whose own shelf decides nothing."""
    shelf = change.shelf
    product = catalogue.get(shelf.sku)
    if product is None or product.parts:
        return []
    then = structs.replace(view, now=change.recorded_at)
    return [turn_of(product, shelf.store, catalogue, {(shelf.store, shelf.sku): shelf}, then)]
