"""Goods are announced for a store, put off, and cancelled."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime

from msgspec import Struct

from domain.foundation.callers import Caller
from domain.inventory.deliveries import Delivery, DueDate
from domain.kernel.ids import DeliveryId, Sku, StoreId
from domain.stores.stores import UnknownStore
from service.foundation.ports import IdempotencyKey
from service.inventory.consignments import ensure_known_products, to_lines
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units


class DeliveryAnnouncement(Struct, frozen=True):
    """So many units of each SKU for a store, on a day of its own or at an hour."""

    store: StoreId
    units: dict[Sku, int]
    due_on: date | None = None
    due_at: datetime | None = None
    reference: str = ""


@retry_on_conflict
async def announce_delivery(
    units: Units, *, caller: Caller, news: DeliveryAnnouncement, key: IdempotencyKey
) -> Delivery:
    """It is expected from now on; no shelf changes. Raises UnknownStore, ProductNotFound."""
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Delivery):
            return first
        stores = await unit.stores.stores.get_many([news.store])
        if news.store not in stores:
            raise UnknownStore(news.store, {"pointer": "/store"})
        await ensure_known_products(unit, news.units)
        due = DueDate.at_store(stores[news.store], news.due_on, news.due_at)
        delivery = Delivery(
            id=DeliveryId(unit.new_id("dlv")),
            destination=news.store,
            lines=to_lines(news.units),
            due_on=due.on,
            due_at=due.at,
            reference=news.reference,
            announced_by=caller.id,
            announced_at=unit.now,
        )
        await unit.inventory.deliveries.add(delivery)
        await unit.foundation.idempotency.save_answer(key, delivery)
    return delivery


async def postpone_delivery(
    units: Units,
    *,
    delivery: DeliveryId,
    due_on: date | None,
    due_at: datetime | None,
    key: IdempotencyKey | None,
) -> Delivery:
    """It is expected at another time. Raises DeliveryClosed, NotFound."""

    async def changed(unit: Unit, before: Delivery) -> Delivery:
        store = await unit.stores.stores.get(before.destination)
        return before.reschedule(DueDate.at_store(store, due_on, due_at))

    return await _change(units, delivery, changed, key)


async def cancel_delivery(
    units: Units, *, caller: Caller, delivery: DeliveryId, key: IdempotencyKey | None
) -> Delivery:
    """It will not come; a repeat changes nothing. Raises AlreadyReceived, DeliveryClosed."""

    async def changed(unit: Unit, before: Delivery) -> Delivery:
        return before.cancel(caller.id, unit.now)

    return await _change(units, delivery, changed, key)


@retry_on_conflict
async def _change(
    units: Units,
    delivery: DeliveryId,
    changed: Callable[[Unit, Delivery], Awaitable[Delivery]],
    key: IdempotencyKey | None,
) -> Delivery:
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Delivery):
            return first
        before = await unit.inventory.deliveries.get_for_update(delivery)
        after = await changed(unit, before)
        if after is not before:
            await unit.inventory.deliveries.update(after)
        await unit.foundation.idempotency.save_answer(key, after)
    return after
