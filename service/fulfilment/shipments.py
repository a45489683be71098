"""The steps of a shipment at its location, and the view of it for its buyer."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from domain.foundation.callers import AccessDenied, Caller
from domain.fulfilment.shipments import TRANSITIONS, Dispatch, Shipment, ShipmentState
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import OrderId, ShipmentId, Sku, StoreId
from domain.orders.orders import Order
from domain.orders.timeline import cancelled_entry
from domain.pos.incidents import UnitsAtRisk
from domain.stores.stores import Store
from service.foundation.ports import IdempotencyKey
from service.orders.apply_transition import (
    ScannedItem,
    apply_transition,
    get_risks,
    picked_quantities,
)
from service.orders.queries import is_buyer
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

Step = Callable[[Unit, Shipment], Shipment]


class ShipmentDetails(Struct, frozen=True):
    """A shipment, its location, and its order with the address.

    `at_risk` are the units that may be missing; only staff see them.
    """

    shipment: Shipment
    store: Store
    order: Order
    at_risk: list[UnitsAtRisk] | None = None


class AmbiguousShipment(Conflict):
    code = "several_shipments"

    def __init__(self, shipments: Sequence[Shipment]) -> None:
        super().__init__(
            "The order is sent from several locations; say which shipment has left.",
            facts={"shipments": [{"shipment": one.id, "store": one.store} for one in shipments]},
        )


async def get_shipment(units: Units, *, caller: Caller, shipment: ShipmentId) -> ShipmentDetails:
    """Returns a shipment. Raises NotFound: there is none, or it belongs to another customer."""
    async with units.read() as unit:
        found = await unit.fulfilment.shipments.get(shipment)
        seen = await _seen(unit, caller, found)
        if not caller.works_at(found.store) and not is_buyer(caller, seen.order):
            raise AccessDenied(caller, shipment)
        return seen


async def list_shipments(
    units: Units,
    *,
    caller: Caller,
    store: StoreId,
    states: Sequence[ShipmentState],
    after: ShipmentId | None,
    limit: int,
) -> list[ShipmentDetails]:
    """Returns the shipments of a location, oldest first."""
    if not caller.works_at(store):
        raise AccessDenied(caller, store)
    async with units.read() as unit:
        place = await unit.stores.stores.get(store)
        found = await unit.fulfilment.shipments.list_by_store(
            store, states, after=after, limit=limit
        )
        orders = await unit.orders.orders.get_many({one.order for one in found})
        risks = await get_risks(unit, found)
    return [ShipmentDetails(one, place, orders[one.order], risks.get(one.id, [])) for one in found]


async def accept_shipment(
    units: Units, *, caller: Caller, shipment: ShipmentId, key: IdempotencyKey | None
) -> ShipmentDetails:
    """The location will send it; a repeat changes nothing."""
    return await _moved(units, caller, shipment, key, lambda unit, one: one.accept(unit.now))


async def decline_shipment(
    units: Units,
    *,
    caller: Caller,
    shipment: ShipmentId,
    reason: str,
    lines: Sequence[Sku] | None,
    key: IdempotencyKey | None,
) -> ShipmentDetails:
    """The location cannot send it, or not these lines; their stock is free again."""
    return await _moved(
        units, caller, shipment, key, lambda unit, one: one.decline(reason, lines, unit.now)
    )


async def pick_shipment(
    units: Units,
    *,
    caller: Caller,
    shipment: ShipmentId,
    scanned: Sequence[ScannedItem],
    key: IdempotencyKey | None,
) -> ShipmentDetails:
    """Records the picked units; a repeat changes nothing, a wrong barcode is refused."""
    return await _moved(
        units,
        caller,
        shipment,
        key,
        lambda unit, one: one.pick(picked_quantities(scanned, one), unit.now),
    )


async def put_back_shipment(
    units: Units, *, caller: Caller, shipment: ShipmentId, key: IdempotencyKey | None
) -> ShipmentDetails:
    """Puts picked units of cancelled lines back into sellable stock."""
    return await _moved(units, caller, shipment, key, lambda unit, one: one.put_back(unit.now))


async def cancel_shipment(
    units: Units, *, caller: Caller, shipment: ShipmentId, reason: str, key: IdempotencyKey | None
) -> ShipmentDetails:
    """Cancels the units of a shipment that have not left, for its buyer or by its location."""
    return await _moved(
        units,
        caller,
        shipment,
        key,
        lambda unit, one: one.cancel(reason, unit.now),
        buyers=True,
    )


async def deliver_shipment(
    units: Units,
    *,
    caller: Caller,
    shipment: ShipmentId,
    tracking_number: str,
    key: IdempotencyKey | None,
) -> ShipmentDetails:
    """A parcel has reached its buyer; a repeat changes nothing."""
    return await _moved(
        units,
        caller,
        shipment,
        key,
        lambda unit, one: one.deliver_parcel(tracking_number, unit.now),
    )


@retry_on_conflict
async def send_parcel(
    units: Units,
    *,
    caller: Caller,
    order: OrderId,
    shipment: ShipmentId | None,
    leaving: Dispatch,
    key: IdempotencyKey | None,
) -> ShipmentDetails:
    """A parcel of an order has left: its goods are off the shelf, its points are earned.

    The same parcel again changes nothing. Where `shipment` is left out, the order has one that the
    caller may send.

    Raises:
        NotFound: no such order, or nothing of it is sent from where the caller works.
        AmbiguousShipment: it has several.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, ShipmentDetails):
            return first
        sent = await unit.fulfilment.shipments.get_for_update(
            await _meant(unit, caller, order, shipment)
        )
        after = sent.send_parcel(leaving, unit.now)
        await apply_transition(unit, caller, sent, after)
        seen = await _seen(unit, caller, after)
        await unit.foundation.idempotency.save_answer(key, seen)
    return seen


async def _meant(
    unit: Unit, caller: Caller, order: OrderId, shipment: ShipmentId | None
) -> ShipmentId:
    found = [
        one
        for one in await unit.fulfilment.shipments.list_by_order(order)
        if caller.works_at(one.store)
    ]
    if not found:
        raise AccessDenied(caller, order)
    if shipment is not None:
        if shipment not in {one.id for one in found}:
            raise NotFound
        return shipment
    to_send = [one for one in found if ShipmentState.SHIPPED in TRANSITIONS[one.state]] or found
    if len(to_send) > 1:
        raise AmbiguousShipment(to_send)
    return to_send[0].id


@retry_on_conflict
async def _moved(
    units: Units,
    caller: Caller,
    shipment: ShipmentId,
    key: IdempotencyKey | None,
    step: Step,
    *,
    buyers: bool = False,
) -> ShipmentDetails:
    """The step; one that `buyers` may take as well gives goods up for them."""
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, ShipmentDetails):
            return first
        before = await unit.fulfilment.shipments.get_for_update(shipment)
        await _must_be_theirs(unit, caller, before, buyers=buyers)
        after = step(unit, before)
        told = cancelled_entry(before, after, caller, after.reason) if buyers else None
        await apply_transition(unit, caller, before, after, told=told)
        seen = await _seen(unit, caller, after)
        await unit.foundation.idempotency.save_answer(key, seen)
    return seen


async def _must_be_theirs(unit: Unit, caller: Caller, shipment: Shipment, *, buyers: bool) -> None:
    if caller.works_at(shipment.store):
        return
    if not buyers or not is_buyer(caller, await unit.orders.orders.get(shipment.order)):
        raise AccessDenied(caller, shipment.id)


async def _seen(unit: Unit, caller: Caller, shipment: Shipment) -> ShipmentDetails:
    store = await unit.stores.stores.get(shipment.store)
    order = await unit.orders.orders.get(shipment.order)
    if not caller.works_at(shipment.store):
        return ShipmentDetails(shipment, store, order)
    risks = await get_risks(unit, [shipment])
    return ShipmentDetails(shipment, store, order, risks.get(shipment.id, []))
