"""Goods are sent from one store to another, and received there: all lines or none."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from msgspec import Struct

from domain.callers import Caller, NotYours
from domain.ids import Sku, StoreId, TransferId
from domain.refusals import WrongField
from domain.stock import moves_of
from domain.stores import NoSuchStore
from domain.transfers import Transfer, TransferState, must_be_there
from service.consignments import book_arrival, lines_of, must_be_sold, must_work_at, results_of
from service.ports.requests import RequestKey
from service.ports.unit import Unit, Units
from service.retries import tried_again
from service.stocktaking import Result


class Dispatch(Struct, frozen=True):
    """So many units of each SKU, from where to where, and when they should be there."""

    origin: StoreId
    destination: StoreId
    units: dict[Sku, int]
    due_on: date | None = None


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
            lines=lines_of(wish.units),
            due_on=wish.due_on,
            sent_by=caller.id,
            sent_at=unit.now,
        )
        places = [(wish.origin, sku) for sku in wish.units]
        must_be_there(transfer, await unit.stock.lock(places))
        after = await unit.stock.apply(moves_of(transfer.leaving(), transfer.departure))
        await unit.transfers.add(transfer)
        told = Told(transfer, results_of(wish.origin, wish.units, after, {}))
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
        after, results = await book_arrival(unit, caller, before, totals, last=last)
        if after is not before:
            await unit.transfers.keep(after)
        told = Told(after, results)
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
    must_work_at(caller, stores)
    async with units.read() as unit:
        return await unit.transfers.page(stores, states, after=after, limit=limit)


async def _must_be_possible(unit: Unit, wish: Dispatch) -> None:
    stores = await unit.stores.share({wish.origin, wish.destination})
    for name, store in (("from", wish.origin), ("to", wish.destination)):
        if store not in stores:
            raise NoSuchStore(store, {"pointer": f"/{name}"})
    stores[wish.destination].must_take_in()
    await must_be_sold(unit, wish.units)
