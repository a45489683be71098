"""What an order takes of the shelves is promised, and its locations get their work."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.availability import Catalogue, all_parts, shelved_parts
from domain.events import OrderPlaced
from domain.groups import Group, GroupLine, changes_between
from domain.holds import HoldState, claims
from domain.ids import WEB
from domain.orders import Order
from domain.pickups import Pickup, PickupState
from domain.shipments import Shipment, ShipmentState
from domain.stock import (
    Cause,
    NotEnoughStock,
    Place,
    Shelf,
    Source,
    moves_of,
    shortages,
    summed,
    takers_of,
)
from domain.timeline import placed
from service.carts.keeping import Kept
from service.ports.unit import Unit
from service.routing import may_be_elsewhere


async def promise(unit: Unit, order: Order, catalogue: Catalogue, kept: Kept) -> None:
    """Promise the stock of an order, have its groups prepared, and its points wait.

    What was paid for before is written down already, and is kept.

    Raises NotEnoughStock, GaveWay: nothing is promised.
    """
    places = places_of(order, catalogue) | kept.claimed.keys()
    shelves, terms = await unit.selling.lock(places, [WEB])
    groups = groups_of(order, catalogue, shelves)
    source = Source(Cause.ORDER, order.id, order.actor, unit.now)
    await _promise_stock(
        unit, source, groups, kept, catalogue=catalogue, shelves=terms[WEB].seen(shelves)
    )
    if order.attempt:
        await unit.orders.keep(order)
    else:
        await unit.orders.add(order)
    for group in groups:
        if isinstance(group, Pickup):
            await unit.pickups.add(group)
        else:
            await unit.shipments.add(group)
    await unit.allocations.write([claim for group in groups for claim in group.allocations()])
    if order.customer and order.points.to_earn:
        points = {line.line: line.points for line in order.lines if line.points}
        await unit.points.promise(order.customer, order.id, points)
    event = OrderPlaced(order=order.id, customer=order.customer, at=unit.now)
    await unit.outbox.add(event, told=[placed(order)])


def places_of(order: Order, catalogue: Catalogue) -> set[Place]:
    """Where the order's goods lie, if they lie anywhere."""
    return {
        (group.store, part)
        for group in order.groups
        for sku in order.lines_of(group.id)
        for part in all_parts(catalogue[sku], catalogue)
    }


def groups_of(
    order: Order, catalogue: Catalogue, shelves: Mapping[Place, Shelf]
) -> list[Pickup | Shipment]:
    """The pickups and shipments of an order, as its locations get them."""
    groups: list[Pickup | Shipment] = []
    for group in order.groups:
        facts: dict[str, Any] = {
            "order": order.id,
            "store": group.store,
            "lines": [
                GroupLine(
                    sku=line.sku,
                    name=catalogue[line.sku].name,
                    quantity=line.quantity,
                    parts=shelved_parts(catalogue[line.sku], catalogue, group.store, shelves),
                    gtin=catalogue[line.sku].gtin,
                )
                for line in order.lines_of(group.id).values()
            ],
            "promised_from": group.promised_from,
            "promised_until": group.promised_until,
            "placed_at": order.placed_at,
            "changed_at": order.placed_at,
            "customer": order.customer,
        }
        if group.pickup:
            groups.append(Pickup(id=group.pickup, state=PickupState.PLACED, **facts))
        else:
            assert group.shipment, "a group is a pickup or a shipment"
            method = order.bill.shipping.method if order.bill.shipping else ""
            facts["method"] = method
            groups.append(Shipment(id=group.shipment, state=ShipmentState.PLACED, **facts))
    return groups


async def _promise_stock(
    unit: Unit,
    source: Source,
    groups: Sequence[Group],
    kept: Kept,
    *,
    catalogue: Catalogue,
    shelves: Mapping[Place, Shelf],
) -> None:
    """Decide, promise; what the cart holds becomes the order's in the same step.

    Raises:
        NotEnoughStock: with every shortage. A hold whose time is over counts for nothing.
        GaveWay: what was to be sent has gone from there a moment ago; another look finds others.
    """
    changes = [change for group in groups for change in changes_between(None, group)]
    wanted = {
        change.place: change.allocated
        for change in summed(changes)
        if catalogue[change.sku].tracked
    }
    if short := shortages(wanted, shelves, kept.places):
        may_be_elsewhere(short, _collected(groups))
        lines = [(one.store, line.sku, line.parts) for one in groups for line in one.lines]
        raise NotEnoughStock(short, takers_of(lines))
    await unit.stock.apply(moves_of([*changes, *claims(kept.claimed, sign=-1)], source))
    if kept.hold and kept.claimed:
        state = HoldState.CONVERTED if kept.places else HoldState.EXPIRED
        await unit.holds.close([kept.hold.id], state)


def _collected(groups: Sequence[Group]) -> set[Place]:
    """Where goods lie that are to be collected."""
    pickups = [group for group in groups if isinstance(group, Pickup)]
    return {(one.store, part) for one in pickups for line in one.lines for part in line.parts}
