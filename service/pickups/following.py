"""A pickup is taken by who may take a step of it, and answered when the step is done."""

from domain.callers import Caller, NotYours
from domain.ids import PickupId
from domain.pickups import Pickup
from service.pickups.seeing import Seen, in_store_time, must_be_buyer, seen_by
from service.ports.requests import RequestKey
from service.ports.unit import Unit


async def answered(unit: Unit, caller: Caller, key: RequestKey | None, pickup: Pickup) -> Seen:
    seen = await seen_by(unit, caller, pickup)
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
