"""What deliveries and transfers have in common: they are received, and they are looked at."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from domain.callers import Caller, NotYours
from domain.catalogue import ProductMissing
from domain.consignments import Consignment, ConsignmentLine
from domain.ids import Sku, StoreId
from domain.stock import Place, Shelf, moves_of
from service.ports.unit import Unit
from service.stocktaking import Result

C = TypeVar("C", bound=Consignment)


async def book_arrival(
    unit: Unit, caller: Caller, before: C, totals: Mapping[Sku, int], *, last: bool
) -> tuple[C, list[Result]]:
    """A taken consignment once so much has come; the goods are on their shelves then.

    Answers what became of each line, with the shelf it touched.
    """
    if not caller.works_at(before.destination):
        raise NotYours(caller, before.id)
    after = before.after_receiving(totals, last=last, by=caller.id, now=unit.now)
    changes = after.arrived_since(before)
    shelves = await unit.stock.lock(_places(before.destination, totals), shelve=True)
    for change in changes:
        shelves[change.place].must_hold(change)
    changed = await unit.stock.apply(moves_of(changes, after.arrival(caller.id, unit.now)))
    return after, results_of(before.destination, totals, changed, shelves)


def must_work_at(caller: Caller, stores: Collection[StoreId] | None) -> None:
    """Raises NotYours for the first that is not the caller's."""
    for store in stores or ():
        if not caller.works_at(store):
            raise NotYours(caller, store)


async def must_be_sold(unit: Unit, skus: Collection[Sku]) -> None:
    """Raises ProductMissing."""
    known = await unit.products.known(skus)
    for sku in skus:
        if sku not in known:
            raise ProductMissing(sku)


def lines_of(units: Mapping[Sku, int]) -> list[ConsignmentLine]:
    return [ConsignmentLine(sku, count) for sku, count in units.items()]


def results_of(
    store: StoreId,
    skus: Collection[Sku],
    changed: Mapping[Place, Shelf],
    unchanged: Mapping[Place, Shelf],
) -> list[Result]:
    """One for each SKU, in the order they came."""
    results = []
    for place in _places(store, skus):
        shelf = changed[place] if place in changed else unchanged[place]
        result = Result(
            "applied" if place in changed else "duplicate",
            on_hand=shelf.on_hand,
            version=shelf.version,
        )
        results.append(result)
    return results


def _places(store: StoreId, skus: Collection[Sku]) -> Sequence[Place]:
    return [(store, sku) for sku in skus]
