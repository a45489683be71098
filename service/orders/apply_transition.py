"""Effects of a step of a pickup or shipment on stock, order, points and events."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from domain.foundation.callers import Caller
from domain.foundation.events import (
    Event,
    PickupCollected,
    PickupEnded,
    PickupReady,
    ShipmentDelivered,
    ShipmentEnded,
    ShipmentSent,
)
from domain.fulfilment.fulfilments import (
    Fulfilment,
    PickedQuantities,
    RepeatedLine,
    UnexpectedItem,
    deltas_between,
    missing_units,
    settle_missing,
    settled_units,
)
from domain.fulfilment.pickups import Pickup, PickupState
from domain.fulfilment.shipments import FINAL_STATES as SHIPMENT_ENDS
from domain.fulfilment.shipments import Shipment, ShipmentState
from domain.inventory.stock_levels import MovementReason, PostingSource, to_postings
from domain.kernel.ids import Sku
from domain.orders.orders import settled_points
from domain.orders.timeline import FINAL_ENTRIES, TimelineEntry, entries_between
from domain.pos.incidents import UnitsAtRisk, risks_by_fulfilment
from service.orders.payment.apply_status import settle_payment
from service.shared.unit_of_work import Unit

PICKUP_FINAL_STATES = {
    PickupState.DECLINED,
    PickupState.SHORT,
    PickupState.EXPIRED,
    PickupState.CANCELLED,
}
DISPATCHED = {ShipmentState.SHIPPED, ShipmentState.DELIVERED}


async def apply_transition(
    unit: Unit,
    caller: Caller,
    before: Fulfilment,
    after: Fulfilment,
    *,
    told: Sequence[TimelineEntry] | None = None,
) -> None:
    """Applies all effects of the step from `before` to `after`; none where they are equal.

    `told` is the timeline's entry where the two fulfilments do not imply it.
    """
    if after is before:
        return
    await _keep(unit, after)
    step = f"{after.id}/{after.version}"
    given, cancelled = settled_units(before, after)
    changes = deltas_between(before, after)
    levels = await unit.inventory.stock_levels.get_for_update([change.key for change in changes])
    changes = settle_missing(changes, missing_units(before, after), levels)
    source = PostingSource(_cause(after, given), step, caller.id, unit.now)
    await unit.inventory.stock_levels.apply(to_postings(changes, source))
    await unit.fulfilment.allocations.upsert(after.allocations())
    if given or cancelled:
        await _settle(unit, after, step, given, cancelled)
    entries = entries_between(before, after, caller) if told is None else told
    await unit.administration.outbox.add(*_events(before, after, entries, unit), told=entries)


async def _keep(unit: Unit, group: Fulfilment) -> None:
    if isinstance(group, Pickup):
        await unit.fulfilment.pickups.update(group)
    else:
        assert isinstance(group, Shipment)
        await unit.fulfilment.shipments.update(group)


def _cause(group: Fulfilment, given: Mapping[Sku, int]) -> MovementReason:
    if not given:
        return MovementReason.SHORT_PICK
    return MovementReason.HANDOVER if isinstance(group, Pickup) else MovementReason.SHIPMENT


async def _settle(
    unit: Unit, group: Fulfilment, step: str, given: Mapping[Sku, int], cancelled: Mapping[Sku, int]
) -> None:
    """Carry units whose fate is known into the order and its points."""
    order = await unit.orders.orders.get_for_update(group.order)
    if earned := settled_points(order, group.id, given):
        await unit.loyalty.points.confirm(order.id, earned, step)
    if isinstance(group, Pickup):
        order = order.settle(group.id, collected=given, now=unit.now)
    else:
        order = order.settle(group.id, shipped=given, now=unit.now)
    if lost := settled_points(order, group.id, cancelled):
        await unit.loyalty.points.reverse(order.id, lost, step)
    order = order.settle(group.id, cancelled=cancelled, now=unit.now)
    await unit.orders.orders.update(order)
    if order.is_paid_by_card:
        await settle_payment(unit, order)


def _events(
    before: Fulfilment, after: Fulfilment, told: Sequence[TimelineEntry], unit: Unit
) -> list[Event]:
    names: dict[str, Any] = {
        "order": after.order,
        "store": after.store,
        "customer": after.customer,
        "at": unit.now,
    }
    if isinstance(after, Pickup):
        return _pickup_events(before, after, names)
    assert isinstance(before, Shipment)
    assert isinstance(after, Shipment)
    return [
        *_shipment_events(before, after, names),
        *_shipment_ended(before, after, told, names),
    ]


def _pickup_events(before: Fulfilment, after: Pickup, names: dict[str, Any]) -> list[Event]:
    given, _ = settled_units(before, after)
    if given:
        whole = after.state is PickupState.COLLECTED
        return [PickupCollected(pickup=after.id, whole=whole, **names)]
    if after.state is before.state:
        return []
    if after.state is PickupState.READY:
        return [PickupReady(pickup=after.id, revision=after.revision, **names)]
    if after.state in PICKUP_FINAL_STATES:
        some = any(line.given for line in after.lines)
        return [PickupEnded(pickup=after.id, state=after.state.value, collected=some, **names)]
    return []


def _shipment_events(before: Shipment, after: Shipment, names: dict[str, Any]) -> list[Event]:
    whole = after.state in DISPATCHED
    events: list[Event] = [
        ShipmentSent(
            shipment=after.id, tracking_number=parcel.tracking_number, whole=whole, **names
        )
        for parcel in after.parcels[len(before.parcels) :]
    ]
    if after.state is ShipmentState.DELIVERED is not before.state:
        events.append(ShipmentDelivered(shipment=after.id, **names))
    return events


def _shipment_ended(
    before: Shipment, after: Shipment, told: Sequence[TimelineEntry], names: dict[str, Any]
) -> list[Event]:
    """Returns the event of an ended shipment; where some units have left, the state is theirs."""
    if after.state is before.state:
        return []
    if after.state in SHIPMENT_ENDS:
        return [ShipmentEnded(shipment=after.id, state=after.state.value, **names)]
    over = after.state in DISPATCHED and before.state not in DISPATCHED
    if not over or len(after.parcels) > len(before.parcels):
        return []
    ends = [entry.what.value for entry in told if entry.what in FINAL_ENTRIES.values()]
    state = ends[0] if ends else ShipmentState.CANCELLED.value
    return [ShipmentEnded(shipment=after.id, state=state, sent=True, **names)]


async def get_risks(unit: Unit, groups: Collection[Fulfilment]) -> dict[str, list[UnitsAtRisk]]:
    """Returns the units that each fulfilment may lack; those without a risk are left out."""
    places = {claim.stock_key for group in groups for claim in group.allocations() if claim.open}
    return (
        risks_by_fulfilment(await unit.pos.incidents.list_short(sorted(places))) if places else {}
    )


class ScannedItem(Struct, frozen=True):
    """A picker's count: a line by its SKU or by the barcode on the goods."""

    found: PickedQuantities
    sku: Sku | None = None
    gtin: str | None = None


def picked_quantities(
    scanned: Sequence[ScannedItem], group: Fulfilment
) -> dict[Sku, PickedQuantities]:
    """Returns the counted units of each line. Raises Repeated, Unexpected."""
    found: dict[Sku, PickedQuantities] = {}
    for scan in scanned:
        sku = _sku_of(scan, group)
        if sku in found:
            raise RepeatedLine(sku)
        found[sku] = scan.found
    return found


def _sku_of(scan: ScannedItem, group: Fulfilment) -> Sku:
    if scan.sku is not None:
        return scan.sku
    for line in group.lines:
        if line.gtin is not None and line.gtin == scan.gtin:
            return line.sku
    raise UnexpectedItem(
        f"Nothing with this barcode belongs to this {group.KIND}.",
        facts={"expected": sorted(line.sku for line in group.lines)},
    )
