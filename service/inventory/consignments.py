"""Steps that deliveries and transfers have in common: they are received and read."""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Final, Generic, TypeVar

from msgspec import Struct

from domain.catalogue.products import ProductNotFound
from domain.foundation.callers import AccessDenied, Caller
from domain.inventory.consignments import Consignment, ConsignmentLine
from domain.inventory.deliveries import Delivery
from domain.inventory.stock_levels import StockKey, StockLevel, to_postings
from domain.inventory.transfers import Transfer
from domain.kernel.ids import Sku, StoreId
from service.foundation.ports import IdempotencyKey
from service.inventory.ports import Consignments
from service.inventory.stocktaking import StockReportResult
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

C = TypeVar("C", bound=Consignment)


class ReceivedResult(Struct, Generic[C], frozen=True):
    """A consignment after a receipt of goods, with the result of each line and its stock level."""

    consignment: C
    results: list[StockReportResult]


class ConsignmentKind(Struct, Generic[C], frozen=True):
    """A kind of consignment, deliveries or transfers: its summary type and its repository."""

    told: type[ReceivedResult[C]]
    kept_in: Callable[[Unit], Consignments[C]]


DELIVERIES: Final = ConsignmentKind(
    ReceivedResult[Delivery], lambda unit: unit.inventory.deliveries
)
TRANSFERS: Final = ConsignmentKind(ReceivedResult[Transfer], lambda unit: unit.inventory.transfers)


@retry_on_conflict
async def receive_consignment(
    units: Units,
    kind: ConsignmentKind[C],
    name: str,
    *,
    caller: Caller,
    totals: Mapping[Sku, int],
    last: bool,
    key: IdempotencyKey,
) -> ReceivedResult[C]:
    """Sets the units of each SKU that have arrived so far; `last` ends the consignment.

    Refusals:
        MoreThanSent, SkuNotExpected, ConsignmentClosed, TooMuch, AccessDenied, NotFound.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, kind.told):
            return first
        before = await kind.kept_in(unit).get_for_update(name)
        after, results = await _booked(unit, caller, before, totals, last=last)
        if after is not before:
            await kind.kept_in(unit).update(after)
        told = ReceivedResult(after, results)
        await unit.foundation.idempotency.save_answer(key, told)
    return told


async def get_consignment(
    units: Units, kind: ConsignmentKind[C], name: str, *, caller: Caller
) -> C:
    """Raises NotFound: there is none of that name, or it is the business of other stores."""
    async with units.read() as unit:
        found = await kind.kept_in(unit).get(name)
    if not any(map(caller.works_at, found.stores)):
        raise AccessDenied(caller, name)
    return found


async def list_consignments(
    units: Units,
    kind: ConsignmentKind[C],
    *,
    caller: Caller,
    stores: Collection[StoreId] | None,
    states: Collection[StrEnum],
    after: str | None,
    limit: int,
) -> Sequence[C]:
    """Consignments of these stores, oldest first; None for all stores. Raises AccessDenied."""
    for store in stores or ():
        if not caller.works_at(store):
            raise AccessDenied(caller, store)
    async with units.read() as unit:
        return await kind.kept_in(unit).list_page(stores, states, after=after, limit=limit)


async def _booked(
    unit: Unit, caller: Caller, before: C, totals: Mapping[Sku, int], *, last: bool
) -> tuple[C, list[StockReportResult]]:
    """Posts the arrived units of a locked consignment to the stock levels.

    Returns the result of each line, with its stock level.
    """
    if not caller.works_at(before.destination):
        raise AccessDenied(caller, before.id)
    after = before.receive(totals, last=last, by=caller.id, now=unit.now)
    changes = after.deltas_since(before)
    levels = await unit.inventory.stock_levels.get_for_update(
        _places(before.destination, totals), shelve=True
    )
    for change in changes:
        levels[change.key].ensure_capacity(change)
    changed = await unit.inventory.stock_levels.apply(
        to_postings(changes, after.arrival_source(caller.id, unit.now))
    )
    return after, to_results(before.destination, totals, changed, levels)


async def ensure_known_products(unit: Unit, skus: Collection[Sku]) -> None:
    """Raises ProductNotFound."""
    known = await unit.catalogue.products.filter_known(skus)
    for sku in skus:
        if sku not in known:
            raise ProductNotFound(sku)


def to_lines(units: Mapping[Sku, int]) -> list[ConsignmentLine]:
    return [ConsignmentLine(sku, count) for sku, count in units.items()]


def to_results(
    store: StoreId,
    skus: Collection[Sku],
    changed: Mapping[StockKey, StockLevel],
    unchanged: Mapping[StockKey, StockLevel],
) -> list[StockReportResult]:
    """One for each SKU, in the order they came."""
    results = []
    for place in _places(store, skus):
        level = changed[place] if place in changed else unchanged[place]
        result = StockReportResult(
            "applied" if place in changed else "duplicate",
            on_hand=level.on_hand,
            version=level.version,
        )
        results.append(result)
    return results


def _places(store: StoreId, skus: Collection[Sku]) -> Sequence[StockKey]:
    return [(store, sku) for sku in skus]
