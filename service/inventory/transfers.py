"""Goods are sent from one store to another: all lines or none."""

from datetime import date

from msgspec import Struct

from domain.foundation.callers import AccessDenied, Caller
from domain.inventory.stock_levels import to_postings
from domain.inventory.transfers import Transfer, ensure_in_stock
from domain.kernel.errors import InvalidField
from domain.kernel.ids import Sku, StoreId, TransferId
from domain.stores.stores import UnknownStore
from service.foundation.ports import IdempotencyKey
from service.inventory.consignments import (
    ReceivedResult,
    ensure_known_products,
    to_lines,
    to_results,
)
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units


class TransferDispatch(Struct, frozen=True):
    """So many units of each SKU, from where to where, and when they should be there."""

    origin: StoreId
    destination: StoreId
    units: dict[Sku, int]
    due_on: date | None = None


@retry_on_conflict
async def send_transfer(
    units: Units, *, caller: Caller, wish: TransferDispatch, key: IdempotencyKey
) -> ReceivedResult[Transfer]:
    """The goods leave their shelves.

    Refusals:
        InsufficientStock: not every line can be sent; nothing is.
        StoreDisabled: it would go where nothing is sent to any more.
        AccessDenied, UnknownStore, ProductNotFound.
    """
    if not caller.works_at(wish.origin):
        raise AccessDenied(caller, wish.origin)
    if wish.origin == wish.destination:
        raise InvalidField("to", "same_store", "must be another store than from")
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, ReceivedResult[Transfer]):
            return first
        await _must_be_possible(unit, wish)
        transfer = Transfer(
            id=TransferId(unit.new_id("trf")),
            origin=wish.origin,
            destination=wish.destination,
            lines=to_lines(wish.units),
            due_on=wish.due_on,
            sent_by=caller.id,
            sent_at=unit.now,
        )
        places = [(wish.origin, sku) for sku in wish.units]
        ensure_in_stock(transfer, await unit.inventory.stock_levels.get_for_update(places))
        after = await unit.inventory.stock_levels.apply(
            to_postings(transfer.departure_deltas(), transfer.departure_source)
        )
        await unit.inventory.transfers.add(transfer)
        told = ReceivedResult(transfer, to_results(wish.origin, wish.units, after, {}))
        await unit.foundation.idempotency.save_answer(key, told)
    return told


async def _must_be_possible(unit: Unit, wish: TransferDispatch) -> None:
    stores = await unit.stores.stores.lock_shared({wish.origin, wish.destination})
    for name, store in (("from", wish.origin), ("to", wish.destination)):
        if store not in stores:
            raise UnknownStore(store, {"pointer": f"/{name}"})
    stores[wish.destination].ensure_active()
    await ensure_known_products(unit, wish.units)
