"""Reactions to events: the whole list, and the job that processes it.

An event is leased, and its reaction and its removal commit together: the effect happens once. An
event that cannot be processed is retried later and delays no other.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog

from domain.foundation.events import (
    Event,
    OrderPlaced,
    PaymentRefunded,
    PaymentVoided,
    PickupCollected,
    PickupEnded,
    PickupReady,
    ReturnReceived,
    ShipmentDelivered,
    ShipmentEnded,
    ShipmentSent,
)
from service.administration.ports import LeasedEvent
from service.follow_ups.plan_messages import (
    plan_order_short,
    plan_payment_refunded,
    plan_payment_voided,
    plan_pickup_ready,
    plan_shipment_sent,
    plan_thank_you,
)
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

LEASE: Final = timedelta(seconds=10)
"""How long an event is ours at first; doubled with each attempt."""

Reaction = Callable[[Unit, Any], Awaitable[None]]
Reactions = Mapping[type[Event], tuple[Reaction, ...]]

log = structlog.get_logger("hylla.reactions")


def reactions(*, thank_after: timedelta) -> Reactions:
    """Returns every event with its reactions; `thank_after` is the delay of the thank-you."""
    thanks = partial(plan_thank_you, after=thank_after)
    return {
        OrderPlaced: (),
        PickupReady: (plan_pickup_ready,),
        PickupCollected: (thanks,),
        PickupEnded: (thanks, plan_order_short),
        ShipmentSent: (plan_shipment_sent,),
        ShipmentDelivered: (thanks,),
        ShipmentEnded: (plan_order_short,),
        PaymentRefunded: (plan_payment_refunded,),
        PaymentVoided: (plan_payment_voided,),
        ReturnReceived: (),
    }


async def process_events(units: Units, what_follows: Reactions, *, limit: int = 100) -> int:
    """Follow up to `limit` due events; how many there were."""
    async with units.begin() as unit:
        due = await unit.administration.outbox.lease(limit, LEASE)
    for leased in due:
        try:
            await _process(units, what_follows, leased)
        except Exception as trouble:  # noqa: BLE001 - it is written down, and comes again
            await _record_failure(units, leased, trouble)
    return len(due)


@retry_on_conflict
async def _process(units: Units, what_follows: Reactions, leased: LeasedEvent) -> None:
    async with units.begin() as unit:
        if not await unit.administration.outbox.remove(leased):
            return  # its lease ended, and somebody else has followed it
        for reaction in what_follows[type(leased.event)]:
            await reaction(unit, leased.event)


@retry_on_conflict
async def _record_failure(units: Units, leased: LeasedEvent, trouble: Exception) -> None:
    log.error("event failed", event_id=leased.id, attempts=leased.attempts, exc_info=trouble)
    async with units.begin() as unit:
        await unit.administration.outbox.record_failure(leased, type(trouble).__name__)
