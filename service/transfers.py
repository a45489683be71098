"""Goods are sent from one store to another, and received there: all lines or none."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from domain.callers import Caller, NotYours
from domain.catalogue import ProductMissing
from domain.ids import Sku, StoreId, TransferId
from domain.refusals import WrongField
from domain.stock import Place, Shelf, moves_of
from domain.stores import NoSuchStore
from domain.transfers import Transfer, TransferLine, TransferState, must_be_there
from service.ports.requests import RequestKey
from service.ports.unit import Unit, Units
from service.retries import tried_again
from service.stocktaking import Result

Status = Literal["applied", "duplicate"]


class Dispatch(Struct, frozen=True):
    """So many units of each SKU, from where to where."""

    origin: StoreId
    destination: StoreId
    units: dict[Sku, int]


class Told(Struct, frozen=True):
    """The transfer as it is after, and what became of each line with the shelf it touched."""

    transfer: Transfer
    results: list[Result]


@tried_again
async def send(units: Units, *, caller: Caller, wish: Dispatch, key: RequestKey) -> Told:
    """The goods leave their shelves.

    Refusals:
        NotEnoughStock: not every line can be sent; nothing is.
        StoreDisabled: it would go where nothing is sent to any more.
        NotYours, NoSuchStore, ProductMissing.
    """
    if not caller.works_at(wish.origin):
        raise NotYours(caller, wish.origin)
    if wish.origin == wish.destination:
        raise WrongField("to", "same_store", "must be another store than from")
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Told):
            return first
        await _must_be_possible(unit, wish)
        transfer = Transfer(
            id=TransferId(unit.new_id("trf")),
            origin=wish.origin,
            destination=wish.destination,
            lines=[TransferLine(sku, count) for sku, count in wish.units.items()],
            sent_by=caller.id,
            sent_at=unit.now,
        )
        must_be_there(transfer, await unit.stock.lock(_places(wish.origin, wish.units)))
        after = await unit.stock.apply(moves_of(transfer.leaving(), transfer.departure))
        await unit.transfers.add(transfer)
        told = Told(transfer, _results(wish.origin, wish.units, after, {}))
        await unit.requests.answer(key, told)
    return told


@tried_again
async def receive(
    units: Units,
    *,
    caller: Caller,
    transfer: TransferId,
    totals: Mapping[Sku, int],
    last: bool,
    key: RequestKey,
) -> Told:
    """So much of each SKU has come so far; `last` says that no more will.

    Refusals:
        NotSent, TransferClosed, TooMuch, NotYours, Missing.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Told):
            return first
        before = await unit.transfers.take(transfer)
        if not caller.works_at(before.destination):
            raise NotYours(caller, transfer)
        after = before.after_receiving(totals, last=last, by=caller.id, now=unit.now)
        changes = after.arrived_since(before)
        places = _places(before.destination, totals)
        shelves = await unit.stock.lock(places, shelve=True)
        for change in changes:
            shelves[change.place].must_hold(change)
        changed = await unit.stock.apply(moves_of(changes, after.arrival(caller.id, unit.now)))
        if after is not before:
            await unit.transfers.keep(after)
        told = Told(after, _results(before.destination, totals, changed, shelves))
        await unit.requests.answer(key, told)
    return told


async def look(units: Units, *, caller: Caller, transfer: TransferId) -> Transfer:
    """Raises Missing: there is no such transfer, or it is between stores of others."""
    async with units.read() as unit:
        found = await unit.transfers.get(transfer)
    if not (caller.works_at(found.origin) or caller.works_at(found.destination)):
        raise NotYours(caller, transfer)
    return found


async def list_of(
    units: Units,
    *,
    caller: Caller,
    stores: Collection[StoreId] | None,
    states: Collection[TransferState],
    after: TransferId | None,
    limit: int,
) -> Sequence[Transfer]:
    """Transfers from or to these stores, oldest first; None for all. Raises NotYours."""
    for store in stores or ():
        if not caller.works_at(store):
            raise NotYours(caller, store)
    async with units.read() as unit:
        return await unit.transfers.page(stores, states, after=after, limit=limit)


async def _must_be_possible(unit: Unit, wish: Dispatch) -> None:
    stores = await unit.stores.share({wish.origin, wish.destination})
    for name, store in (("from", wish.origin), ("to", wish.destination)):
        if store not in stores:
            raise NoSuchStore(store, {"pointer": f"/{name}"})
    stores[wish.destination].must_take_in()
    known = await unit.products.known(wish.units)
    for sku in wish.units:
        if sku not in known:
            raise ProductMissing(sku)


def _places(store: StoreId, skus: Collection[Sku]) -> list[Place]:
    return [(store, sku) for sku in skus]


def _results(
    store: StoreId,
    skus: Collection[Sku],
    changed: Mapping[Place, Shelf],
    unchanged: Mapping[Place, Shelf],
) -> list[Result]:
    """One for each SKU, in the order they came."""
    results = []
    for place in _places(store, skus):
        shelf = changed[place] if place in changed else unchanged[place]
        status: Status = "applied" if place in changed else "duplicate"
        results.append(Result(status, on_hand=shelf.on_hand, version=shelf.version))
    return results
