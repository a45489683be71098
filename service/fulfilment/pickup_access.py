"""A pickup is taken by who may take a step of it, and answered when the step is done."""

from domain.foundation.callers import Caller, NotYours
from domain.fulfilment.pickups import Pickup
from domain.kernel.ids import PickupId
from service.foundation.ports import RequestKey
from service.fulfilment.queries import Seen, in_store_time, must_be_buyer, seen_by
from service.shared.unit_of_work import Unit


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
