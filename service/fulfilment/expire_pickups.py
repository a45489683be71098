"""What nobody collects in time ends."""

import structlog

from domain.foundation.callers import Caller, Role
from domain.kernel.ids import PickupId
from domain.orders import timeline
from service.orders.apply_transition import follow
from service.shared.retry import tried_again
from service.shared.unit_of_work import Units

log = structlog.get_logger("hylla.pickups")


async def expire_overdue(units: Units, *, limit: int = 100) -> int:
    """End what nobody collected in time, one unit each; how many.

    One that cannot be ended holds up none of the others.
    """
    async with units.read() as unit:
        overdue = await unit.pickups.overdue(unit.now, limit)
    return sum([await _expired(units, pickup) for pickup in overdue])


async def _expired(units: Units, pickup: PickupId) -> bool:
    try:
        return await _expire(units, pickup)
    except Exception:
        log.exception("pickup not expired", pickup=pickup)
        return False


@tried_again
async def _expire(units: Units, pickup: PickupId) -> bool:
    async with units.begin() as unit:
        before = await unit.pickups.take(pickup)
        if not before.is_overdue(unit.now):
            return False
        await follow(unit, HOUSE, before, before.expire(unit.now))
    return True


HOUSE = Caller(role=Role.OFFICE, id=timeline.HOUSE)
"""Who acts when the clock does."""
