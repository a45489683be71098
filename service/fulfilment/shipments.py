"""What a location does for what is to be sent, and what its buyer sees of it."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from domain.foundation.callers import Caller, NotYours
from domain.fulfilment.shipments import MOVES, Leaving, Shipment, ShipmentState
from domain.kernel.errors import Conflict, Missing
from domain.kernel.ids import OrderId, ShipmentId, Sku, StoreId
from domain.orders.orders import Order
from domain.orders.timeline import cancelled
from domain.pos.incidents import AtRisk
from domain.stores.stores import Store
from service.foundation.ports import RequestKey
from service.orders.apply_transition import Scanned, at_risk_of, follow, found_of
from service.orders.queries import is_buyer
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units

Step = Callable[[Unit, Shipment], Shipment]


class Seen(Struct, frozen=True):
    """A shipment, its location, and the order that says where it goes.

    `at_risk` is what it may go without as things stand; only staff learn that.
    """

    shipment: Shipment
    store: Store
    order: Order
    at_risk: list[AtRisk] | None = None


class SeveralShipments(Conflict):
    code = "several_shipments"

    def __init__(self, shipments: Sequence[Shipment]) -> None:
        super().__init__(
            "The order is sent from several locations; say which shipment has left.",
            facts={"shipments": [{"shipment": one.id, "store": one.store} for one in shipments]},
        )


async def look(units: Units, *, caller: Caller, shipment: ShipmentId) -> Seen:
    """Raises Missing: there is no such shipment, or it is somebody else's."""
    async with units.read() as unit:
        found = await unit.shipments.get(shipment)
        seen = await _seen(unit, caller, found)
        if not caller.works_at(found.store) and not is_buyer(caller, seen.order):
            raise NotYours(caller, shipment)
        return seen


async def list_at(
    units: Units,
    *,
    caller: Caller,
    store: StoreId,
    states: Sequence[ShipmentState],
    after: ShipmentId | None,
    limit: int,
) -> list[Seen]:
    """What a location has to send, oldest first."""
    if not caller.works_at(store):
        raise NotYours(caller, store)
    async with units.read() as unit:
        place = await unit.stores.get(store)
        found = await unit.shipments.of_store(store, states, after=after, limit=limit)
        orders = await unit.orders.by_id({one.order for one in found})
        risks = await at_risk_of(unit, found)
    return [Seen(one, place, orders[one.order], risks.get(one.id, [])) for one in found]


async def accept(
    units: Units, *, caller: Caller, shipment: ShipmentId, key: RequestKey | None
) -> Seen:
    """The location will send it; a repeat changes nothing."""
    return await _moved(units, caller, shipment, key, lambda unit, one: one.accept(unit.now))


async def decline(
    units: Units,
    *,
    caller: Caller,
    shipment: ShipmentId,
    reason: str,
    lines: Sequence[Sku] | None,
    key: RequestKey | None,
) -> Seen:
    """The location cannot send it, or not these lines; their stock is free again."""
    return await _moved(
        units, caller, shipment, key, lambda unit, one: one.decline(reason, lines, unit.now)
    )


async def pick(
    units: Units,
    *,
    caller: Caller,
    shipment: ShipmentId,
    scanned: Sequence[Scanned],
    key: RequestKey | None,
) -> Seen:
    """Write down what was fetched so far; a repeat is harmless, a wrong barcode is refused."""
    return await _moved(
        units, caller, shipment, key, lambda unit, one: one.pick(found_of(scanned, one), unit.now)
    )


async def put_back(
    units: Units, *, caller: Caller, shipment: ShipmentId, key: RequestKey | None
) -> Seen:
    """What was picked in vain lies on its shelf again and may be sold."""
    return await _moved(units, caller, shipment, key, lambda unit, one: one.put_back(unit.now))


async def cancel(
    units: Units, *, caller: Caller, shipment: ShipmentId, reason: str, key: RequestKey | None
) -> Seen:
    """The buyer, or the location for the buyer, gives up what has not left."""
    return await _moved(
        units,
        caller,
        shipment,
        key,
        lambda unit, one: one.cancel(reason, unit.now),
        buyers=True,
    )


async def deliver(
    units: Units,
    *,
    caller: Caller,
    shipment: ShipmentId,
    tracking_number: str,
    key: RequestKey | None,
) -> Seen:
    """A parcel has reached its buyer; a repeat changes nothing."""
    return await _moved(
        units, caller, shipment, key, lambda unit, one: one.deliver(tracking_number, unit.now)
    )


@tried_again
async def send(
    units: Units,
    *,
    caller: Caller,
    order: OrderId,
    shipment: ShipmentId | None,
    leaving: Leaving,
    key: RequestKey | None,
) -> Seen:
    """A parcel of an order has left: its goods are off the shelf, its points are earned.

    The same parcel again changes nothing. Where `shipment` is left out, the order has one that the
    caller may send.

    Raises:
        Missing: no such order, or nothing of it is sent from where the caller works.
        SeveralShipments: it has several.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Seen):
            return first
        sent = await unit.shipments.take(await _meant(unit, caller, order, shipment))
        after = sent.send(leaving, unit.now)
        await follow(unit, caller, sent, after)
        seen = await _seen(unit, caller, after)
        await unit.requests.answer(key, seen)
    return seen


async def _meant(
    unit: Unit, caller: Caller, order: OrderId, shipment: ShipmentId | None
) -> ShipmentId:
    found = [one for one in await unit.shipments.of_order(order) if caller.works_at(one.store)]
    if not found:
        raise NotYours(caller, order)
    if shipment is not None:
        if shipment not in {one.id for one in found}:
            raise Missing
        return shipment
    to_send = [one for one in found if ShipmentState.SHIPPED in MOVES[one.state]] or found
    if len(to_send) > 1:
        raise SeveralShipments(to_send)
    return to_send[0].id


@tried_again
async def _moved(
    units: Units,
    caller: Caller,
    shipment: ShipmentId,
    key: RequestKey | None,
    step: Step,
    *,
    buyers: bool = False,
) -> Seen:
    """The step; one that `buyers` may take as well gives goods up for them."""
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Seen):
            return first
        before = await unit.shipments.take(shipment)
        await _must_be_theirs(unit, caller, before, buyers=buyers)
        after = step(unit, before)
        told = cancelled(before, after, caller, after.reason) if buyers else None
        await follow(unit, caller, before, after, told=told)
        seen = await _seen(unit, caller, after)
        await unit.requests.answer(key, seen)
    return seen


async def _must_be_theirs(unit: Unit, caller: Caller, shipment: Shipment, *, buyers: bool) -> None:
    if caller.works_at(shipment.store):
        return
    if not buyers or not is_buyer(caller, await unit.orders.get(shipment.order)):
        raise NotYours(caller, shipment.id)


async def _seen(unit: Unit, caller: Caller, shipment: Shipment) -> Seen:
    store = await unit.stores.get(shipment.store)
    order = await unit.orders.get(shipment.order)
    if not caller.works_at(shipment.store):
        return Seen(shipment, store, order)
    risks = await at_risk_of(unit, [shipment])
    return Seen(shipment, store, order, risks.get(shipment.id, []))
