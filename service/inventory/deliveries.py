"""Goods are announced for a store, put off, and cancelled."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime

from msgspec import Struct

from domain.foundation.callers import Caller
from domain.inventory.deliveries import Delivery, Due
from domain.kernel.ids import DeliveryId, Sku, StoreId
from domain.stores.stores import NoSuchStore
from service.foundation.ports import RequestKey
from service.inventory.consignments import lines_of, must_be_sold
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units


class Announcement(Struct, frozen=True):
    """So many units of each SKU for a store, on a day of its own or at an hour."""

    store: StoreId
    units: dict[Sku, int]
    due_on: date | None = None
    due_at: datetime | None = None
    reference: str = ""


@tried_again
async def announce(
    units: Units, *, caller: Caller, news: Announcement, key: RequestKey
) -> Delivery:
    """It is expected from now on; no shelf changes. Raises NoSuchStore, ProductMissing."""
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Delivery):
            return first
        stores = await unit.stores.by_id([news.store])
        if news.store not in stores:
            raise NoSuchStore(news.store, {"pointer": "/store"})
        await must_be_sold(unit, news.units)
        due = Due.there(stores[news.store], news.due_on, news.due_at)
        delivery = Delivery(
            id=DeliveryId(unit.new_id("dlv")),
            destination=news.store,
            lines=lines_of(news.units),
            due_on=due.on,
            due_at=due.at,
            reference=news.reference,
            announced_by=caller.id,
            announced_at=unit.now,
        )
        await unit.deliveries.add(delivery)
        await unit.requests.answer(key, delivery)
    return delivery


async def put_off(
    units: Units,
    *,
    delivery: DeliveryId,
    due_on: date | None,
    due_at: datetime | None,
    key: RequestKey | None,
) -> Delivery:
    """It is expected at another time. Raises DeliveryClosed, Missing."""

    async def changed(unit: Unit, before: Delivery) -> Delivery:
        store = await unit.stores.get(before.destination)
        return before.put_off(Due.there(store, due_on, due_at))

    return await _change(units, delivery, changed, key)


async def cancel(
    units: Units, *, caller: Caller, delivery: DeliveryId, key: RequestKey | None
) -> Delivery:
    """It will not come; a repeat changes nothing. Raises AlreadyReceived, DeliveryClosed."""

    async def changed(unit: Unit, before: Delivery) -> Delivery:
        return before.cancelled(caller.id, unit.now)

    return await _change(units, delivery, changed, key)


@tried_again
async def _change(
    units: Units,
    delivery: DeliveryId,
    changed: Callable[[Unit, Delivery], Awaitable[Delivery]],
    key: RequestKey | None,
) -> Delivery:
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Delivery):
            return first
        before = await unit.deliveries.take(delivery)
        after = await changed(unit, before)
        if after is not before:
            await unit.deliveries.keep(after)
        await unit.requests.answer(key, after)
    return after
