"""Records the events that payment providers send, and purges old ones."""

from datetime import timedelta
from typing import Final

import structlog

from service.payments.ports import Notice
from service.shared.retry import tried_again
from service.shared.unit_of_work import Units

KEPT: Final = timedelta(days=30)
"""How long it is known which notices were heard; a provider repeats them for days."""

log = structlog.get_logger("hylla.payments")


@tried_again
async def hear(units: Units, provider: str, notice: Notice) -> bool:
    """A provider says that something happened: have the payment looked at, once for each notice."""
    async with units.begin() as unit:
        new = await unit.attempts.hear(provider, notice)
    log.info("payment notice", kind=notice.kind, new=new)
    return new


@tried_again
async def forget_notices(units: Units, *, limit: int) -> int:
    """Notices are known long enough for any repeat, and not for ever."""
    async with units.begin() as unit:
        return await unit.attempts.forget(unit.now - KEPT, limit)
