"""Goods are announced for a store, put off, cancelled, and received there."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from msgspec import Struct

from domain.callers import Caller, NotYours
from domain.deliveries import Delivery, DeliveryState, Due
from domain.ids import DeliveryId, Sku, StoreId
from domain.stores import NoSuchStore
from service.consignments import book_arrival, lines_of, must_be_sold, must_work_at
from service.ports.requests import RequestKey
from service.ports.unit import Units
from service.retries import tried_again
from service.stocktaking import Result


class Announcement(Struct, frozen=True):
    """So many units of each SKU for a store, on a day of its own or at an hour."""

    store: StoreId
    units: dict[Sku, int]
    due_on: date | None = None
    due_at: datetime | None = None
    reference: str = ""


class Told(Struct, frozen=True):
    """The delivery as it is after, and what became of each line with the shelf it touched."""

    delivery: Delivery
    results: list[Result]


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


@tried_again
async def put_off(
    units: Units,
    *,
    delivery: DeliveryId,
    due_on: date | None,
    due_at: datetime | None,
    key: RequestKey | None,
) -> Delivery:
    """It is expected at another time. Raises DeliveryClosed, Missing."""
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Delivery):
            return first
        before = await unit.deliveries.take(delivery)
        store = await unit.stores.get(before.destination)
        after = before.put_off(Due.there(store, due_on, due_at))
        if after is not before:
            await unit.deliveries.keep(after)
        await unit.requests.answer(key, after)
    return after


@tried_again
async def cancel(
    units: Units, *, caller: Caller, delivery: DeliveryId, key: RequestKey | None
) -> Delivery:
    """It will not come; a repeat changes nothing. Raises AlreadyReceived, DeliveryClosed."""
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Delivery):
            return first
        before = await unit.deliveries.take(delivery)
        after = before.cancelled(caller.id, unit.now)
        if after is not before:
            await unit.deliveries.keep(after)
        await unit.requests.answer(key, after)
    return after


@tried_again
async def receive(
    units: Units,
    *,
    caller: Caller,
    delivery: DeliveryId,
    totals: Mapping[Sku, int],
    last: bool,
    key: RequestKey,
) -> Told:
    """So much of each SKU has come so far; `last` says that no more will.

    Refusals:
        NotExpected, DeliveryClosed, TooMuch, NotYours, Missing.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Told):
            return first
        before = await unit.deliveries.take(delivery)
        after, results = await book_arrival(unit, caller, before, totals, last=last)
        if after is not before:
            await unit.deliveries.keep(after)
        told = Told(after, results)
        await unit.requests.answer(key, told)
    return told


async def look(units: Units, *, caller: Caller, delivery: DeliveryId) -> Delivery:
    """Raises Missing: there is no such delivery, or it is for a store of others."""
    async with units.read() as unit:
        found = await unit.deliveries.get(delivery)
    if not caller.works_at(found.destination):
        raise NotYours(caller, delivery)
    return found


async def list_of(
    units: Units,
    *,
    caller: Caller,
    stores: Collection[StoreId] | None,
    states: Collection[DeliveryState],
    after: DeliveryId | None,
    limit: int,
) -> Sequence[Delivery]:
    """Deliveries to these stores, oldest first; None for all. Raises NotYours."""
    must_work_at(caller, stores)
    async with units.read() as unit:
        return await unit.deliveries.page(stores, states, after=after, limit=limit)
