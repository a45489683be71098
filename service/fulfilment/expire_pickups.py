"""Expiry of pickups that are not collected in time."""

import structlog

from domain.foundation.callers import Caller, Role
from domain.kernel.ids import PickupId
from domain.orders import timeline
from service.orders.apply_transition import apply_transition
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units

log = structlog.get_logger("hylla.pickups")


async def expire_pickups(units: Units, *, limit: int = 100) -> int:
    """Expires overdue pickups, one unit each; returns their number.

    A pickup that cannot be expired delays none of the others.
    """
    async with units.read() as unit:
        overdue = await unit.fulfilment.pickups.list_overdue(unit.now, limit)
    return sum([await _expired(units, pickup) for pickup in overdue])


async def _expired(units: Units, pickup: PickupId) -> bool:
    try:
        return await _expire(units, pickup)
    except Exception:
        log.exception("pickup expiry failed", pickup=pickup)
        return False


@retry_on_conflict
async def _expire(units: Units, pickup: PickupId) -> bool:
    async with units.begin() as unit:
        before = await unit.fulfilment.pickups.get_for_update(pickup)
        if not before.is_overdue(unit.now):
            return False
        await apply_transition(unit, SYSTEM_CALLER, before, before.expire(unit.now))
    return True


SYSTEM_CALLER = Caller(role=Role.OFFICE, id=timeline.SYSTEM_ACTOR)
"""Who acts when the clock does."""
