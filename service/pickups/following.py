"""What a step of a pickup means for stock, order, points and whoever follows its events."""

from collections.abc import Mapping
from typing import Any

from domain.callers import Caller, NotYours
from domain.events import Event, PickupCollected, PickupEnded, PickupReady
from domain.ids import PickupId, Sku
from domain.orders import points_ended
from domain.pickups import (
    Pickup,
    PickupState,
    changes_between,
    emptied,
    not_there,
    units_ended,
)
from domain.stock import Cause, Source, moves_of
from service.pickups.seeing import Seen, in_store_time, must_be_buyer
from service.ports.requests import RequestKey
from service.ports.unit import Unit

ENDS = {PickupState.DECLINED, PickupState.SHORT, PickupState.EXPIRED, PickupState.CANCELLED}


async def answered(unit: Unit, key: RequestKey | None, pickup: Pickup) -> Seen:
    seen = Seen(pickup, await unit.stores.get(pickup.store))
    await unit.requests.answer(key, seen)
    return seen


async def taken_by(unit: Unit, caller: Caller, pickup: PickupId, *, buyers: bool = False) -> Pickup:
    taken = await in_store_time(unit, await unit.pickups.take(pickup))
    if caller.works_at(taken.store):
        return taken
    if not buyers:
        raise NotYours(caller, pickup)
    await must_be_buyer(unit, caller, taken)
    return taken


async def follow(unit: Unit, caller: Caller, before: Pickup, after: Pickup) -> None:
    """Everything that the step from `before` to `after` means; nothing when it changed nothing."""
    if after is before:
        return
    await unit.pickups.keep(after)
    step = f"{after.id}/{after.version}"
    collected, cancelled = units_ended(before, after)
    changes = changes_between(before, after)
    shelves = await unit.stock.lock([change.place for change in changes])
    changes = emptied(changes, not_there(before, after), shelves)
    cause = Cause.HANDOVER if collected else Cause.SHORT_PICK
    await unit.stock.apply(moves_of(changes, Source(cause, step, caller.id, unit.now)))
    await unit.allocations.write(after.allocations())
    if collected or cancelled:
        await _settle(unit, after, step, collected, cancelled)
    await unit.outbox.add(*_events(before, after, unit))


async def _settle(
    unit: Unit,
    pickup: Pickup,
    step: str,
    collected: Mapping[Sku, int],
    cancelled: Mapping[Sku, int],
) -> None:
    """Carry units whose fate is known into the order and its points."""
    order = await unit.orders.take(pickup.order)
    got, lost = order.prepared(pickup.id, collected), order.prepared(pickup.id, cancelled)
    if earned := points_ended(order, got):
        await unit.points.confirm(order.id, earned, step)
    order = order.settle(collected=got, cancelled={}, now=unit.now)
    if taken_back := points_ended(order, lost):
        await unit.points.reverse(order.id, taken_back, step)
    await unit.orders.keep(order.settle(collected={}, cancelled=lost, now=unit.now))


def _events(before: Pickup, after: Pickup, unit: Unit) -> list[Event]:
    names: dict[str, Any] = {
        "pickup": after.id,
        "order": after.order,
        "store": after.store,
        "customer": after.customer,
        "at": unit.now,
    }
    collected, _ = units_ended(before, after)
    if collected:
        whole = after.state is PickupState.COLLECTED
        return [PickupCollected(**names, whole=whole)]
    if after.state is before.state:
        return []
    if after.state is PickupState.READY:
        return [PickupReady(**names, revision=after.revision)]
    if after.state in ENDS:
        some = any(line.collected for line in after.lines)
        return [PickupEnded(**names, state=after.state.value, collected=some)]
    return []
