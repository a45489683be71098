"""Records the events that payment providers send, and purges old ones."""

from datetime import timedelta
from typing import Final

import structlog

from service.payments.ports import ProviderEvent
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units

RETENTION: Final = timedelta(days=30)
"""How long it is known which notices were heard; a provider repeats them for days."""

log = structlog.get_logger("hylla.payments")


@retry_on_conflict
async def record_provider_event(units: Units, provider: str, notice: ProviderEvent) -> bool:
    """Schedules the reconciliation of the payment of a provider's event, once an event."""
    async with units.begin() as unit:
        new = await unit.payments.attempts.record_event(provider, notice)
    log.info("provider event", kind=notice.kind, new=new)
    return new


@retry_on_conflict
async def purge_provider_events(units: Units, *, limit: int) -> int:
    """Notices are known long enough for any repeat, and not for ever."""
    async with units.begin() as unit:
        return await unit.payments.attempts.purge_events(unit.now - RETENTION, limit)
