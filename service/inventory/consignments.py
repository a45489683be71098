"""What deliveries and transfers have in common: they are received, and they are looked at."""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Final, Generic, TypeVar

from msgspec import Struct

from domain.catalogue.products import ProductMissing
from domain.foundation.callers import Caller, NotYours
from domain.inventory.consignments import Consignment, ConsignmentLine
from domain.inventory.deliveries import Delivery
from domain.inventory.stock_levels import Place, Shelf, moves_of
from domain.inventory.transfers import Transfer
from domain.kernel.ids import Sku, StoreId
from service.foundation.ports import RequestKey
from service.inventory.ports import Consignments
from service.inventory.stocktaking import Result
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units

C = TypeVar("C", bound=Consignment)


class Told(Struct, Generic[C], frozen=True):
    """A consignment as it is after, and what became of each line with the shelf it touched."""

    consignment: C
    results: list[Result]


class Kind(Struct, Generic[C], frozen=True):
    """Deliveries, or transfers: what is told of one, and where they are kept."""

    told: type[Told[C]]
    kept_in: Callable[[Unit], Consignments[C]]


DELIVERIES: Final = Kind(Told[Delivery], lambda unit: unit.deliveries)
TRANSFERS: Final = Kind(Told[Transfer], lambda unit: unit.transfers)


@tried_again
async def receive(
    units: Units,
    kind: Kind[C],
    name: str,
    *,
    caller: Caller,
    totals: Mapping[Sku, int],
    last: bool,
    key: RequestKey,
) -> Told[C]:
    """So much of each SKU has come so far; `last` says that no more will.

    Refusals:
        NotSent, NotExpected, ConsignmentClosed, TooMuch, NotYours, Missing.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, kind.told):
            return first
        before = await kind.kept_in(unit).take(name)
        after, results = await _booked(unit, caller, before, totals, last=last)
        if after is not before:
            await kind.kept_in(unit).keep(after)
        told = Told(after, results)
        await unit.requests.answer(key, told)
    return told


async def look(units: Units, kind: Kind[C], name: str, *, caller: Caller) -> C:
    """Raises Missing: there is none of that name, or it is the business of other stores."""
    async with units.read() as unit:
        found = await kind.kept_in(unit).get(name)
    if not any(map(caller.works_at, found.ends)):
        raise NotYours(caller, name)
    return found


async def list_of(
    units: Units,
    kind: Kind[C],
    *,
    caller: Caller,
    stores: Collection[StoreId] | None,
    states: Collection[StrEnum],
    after: str | None,
    limit: int,
) -> Sequence[C]:
    """Those whose business it is of these stores, oldest first; None for all. Raises NotYours."""
    for store in stores or ():
        if not caller.works_at(store):
            raise NotYours(caller, store)
    async with units.read() as unit:
        return await kind.kept_in(unit).page(stores, states, after=after, limit=limit)


async def _booked(
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
