"""What follows from what happened: the whole list, and how it is worked off.

An event is leased, and its reaction and its removal commit together: the effect happens once, and
an event that cannot be followed holds up nobody and comes again later.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog

from domain.foundation.events import (
    Event,
    OrderPlaced,
    PaymentReturned,
    PickupCollected,
    PickupEnded,
    PickupReady,
    ReturnReceived,
    ShipmentDelivered,
    ShipmentEnded,
    ShipmentSent,
)
from service.administration.ports import Leased
from service.follow_ups.plan_messages import tell_ready, tell_returned, tell_sent, tell_short, thank
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units

LEASE: Final = timedelta(seconds=10)
"""How long an event is ours at first; doubled with each attempt."""

Reaction = Callable[[Unit, Any], Awaitable[None]]
Reactions = Mapping[type[Event], tuple[Reaction, ...]]

log = structlog.get_logger("hylla.reactions")


def reactions(*, thank_after: timedelta) -> Reactions:
    """Every event and what follows from it; `thank_after` is the delay of the thank-you."""
    thanks = partial(thank, after=thank_after)
    return {
        OrderPlaced: (),
        PickupReady: (tell_ready,),
        PickupCollected: (thanks,),
        PickupEnded: (thanks, tell_short),
        ShipmentSent: (tell_sent,),
        ShipmentDelivered: (thanks,),
        ShipmentEnded: (tell_short,),
        PaymentReturned: (tell_returned,),
        ReturnReceived: (),
    }


async def react(units: Units, what_follows: Reactions, *, limit: int = 100) -> int:
    """Follow up to `limit` due events; how many there were."""
    async with units.begin() as unit:
        due = await unit.outbox.lease(limit, LEASE)
    for leased in due:
        try:
            await _follow(units, what_follows, leased)
        except Exception as trouble:  # noqa: BLE001 - it is written down, and comes again
            await _write_down(units, leased, trouble)
    return len(due)


@tried_again
async def _follow(units: Units, what_follows: Reactions, leased: Leased) -> None:
    async with units.begin() as unit:
        if not await unit.outbox.take(leased):
            return  # its lease ended, and somebody else has followed it
        for reaction in what_follows[type(leased.event)]:
            await reaction(unit, leased.event)


@tried_again
async def _write_down(units: Units, leased: Leased, trouble: Exception) -> None:
    log.error("event not followed", event_id=leased.id, attempts=leased.attempts, exc_info=trouble)
    async with units.begin() as unit:
        await unit.outbox.trouble(leased, type(trouble).__name__)
