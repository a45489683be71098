"""Goods are sent from one store to another: all lines or none."""

from datetime import date

from msgspec import Struct

from domain.foundation.callers import Caller, NotYours
from domain.inventory.stock_levels import moves_of
from domain.inventory.transfers import Transfer, must_be_there
from domain.kernel.errors import WrongField
from domain.kernel.ids import Sku, StoreId, TransferId
from domain.stores.stores import NoSuchStore
from service.foundation.ports import RequestKey
from service.inventory.consignments import Told, lines_of, must_be_sold, results_of
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units


class Dispatch(Struct, frozen=True):
    """So many units of each SKU, from where to where, and when they should be there."""

    origin: StoreId
    destination: StoreId
    units: dict[Sku, int]
    due_on: date | None = None


@tried_again
async def send(units: Units, *, caller: Caller, wish: Dispatch, key: RequestKey) -> Told[Transfer]:
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
        if first := await unit.requests.claim(key, Told[Transfer]):
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


async def _must_be_possible(unit: Unit, wish: Dispatch) -> None:
    stores = await unit.stores.share({wish.origin, wish.destination})
    for name, store in (("from", wish.origin), ("to", wish.destination)):
        if store not in stores:
            raise NoSuchStore(store, {"pointer": f"/{name}"})
    stores[wish.destination].must_take_in()
    await must_be_sold(unit, wish.units)
