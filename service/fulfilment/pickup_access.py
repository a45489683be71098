"""A pickup is taken by who may take a step of it, and answered when the step is done."""

from domain.foundation.callers import AccessDenied, Caller
from domain.fulfilment.pickups import Pickup
from domain.kernel.ids import PickupId
from service.foundation.ports import IdempotencyKey
from service.fulfilment.queries import PickupDetails, ensure_buyer, get_details, in_store_time
from service.shared.unit_of_work import Unit


async def save_details(
    unit: Unit, caller: Caller, key: IdempotencyKey | None, pickup: Pickup
) -> PickupDetails:
    seen = await get_details(unit, caller, pickup)
    await unit.foundation.idempotency.save_answer(key, seen)
    return seen


async def get_pickup_for_update(
    unit: Unit, caller: Caller, pickup: PickupId, *, buyers: bool = False
) -> Pickup:
    taken = await in_store_time(unit, await unit.fulfilment.pickups.get_for_update(pickup))
    if caller.works_at(taken.store):
        return taken
    if not buyers:
        raise AccessDenied(caller, pickup)
    await ensure_buyer(unit, caller, taken)
    return taken
