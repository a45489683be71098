"""Everything that happens because time passes: the whole list."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from adapters.scheduler.scheduler import Step
from service.administration.ports import Poster
from service.administration.reactions import react, reactions
from service.administration.webhooks import deliver
from service.carts.expire_carts import expire_carts, forget_carts
from service.follow_ups.message_context import Desk
from service.follow_ups.send_messages import send_due, settle_lost
from service.fulfilment.expire_pickups import expire_overdue
from service.inventory.holds import sweep
from service.inventory.walk_ins import keep_back
from service.orders.payment.execute_transactions import ask_due
from service.orders.payment.expire_unpaid import end_unpaid
from service.orders.payment.reconcile_attempts import look_due
from service.orders.store_closing import close_drained
from service.payments.ports import Payments
from service.payments.provider_events import forget_notices
from service.shared.unit_of_work import Units

REMEMBERED: Final = timedelta(days=7)
"""How long an Idempotency-Key brings the first answer again."""

FEED_MAX: Final = 1_000_000
"""Changes of stock that are kept for those who come back to a stream, however fresh they are."""

HELD_AGAINST: Final = timedelta(days=365)
"""How long it stands written who asked for what is not theirs."""

BATCH: Final = 100
SLICE: Final = 5_000
"""Rows that are deleted at a time, so that no statement takes long."""

log = structlog.get_logger("hylla.jobs")


def steps(
    units: Units,
    desk: Desk,
    poster: Poster,
    stopping: asyncio.Event,
    *,
    feed_kept: timedelta = timedelta(days=1),
) -> list[Step]:
    """What runs how often; all of it is safe in every process."""
    what_follows = reactions(thank_after=desk.thank_you_after)
    soon, every_minute = timedelta(seconds=0.5), timedelta(minutes=1)

    def go_on() -> bool:
        return not stopping.is_set()

    return [
        Step("follow_events", soon, partial(react, units, what_follows)),
        Step("deliver_webhooks", soon, partial(deliver, units, poster)),
        Step("send_messages", soon, partial(send_due, units, desk, go_on=go_on)),
        Step("settle_lost_messages", timedelta(seconds=15), partial(settle_lost, units), once=True),
        Step("sweep_holds", soon, partial(sweep, units)),
        Step("expire_pickups", timedelta(seconds=30), partial(expire_overdue, units), once=True),
        Step("keep_back_for_walk_ins", every_minute, partial(keep_back, units)),
        Step("close_drained", timedelta(seconds=15), partial(close_drained, units), once=True),
        Step("activate_points", every_minute, partial(activate_points, units), once=True),
        Step("expire_carts", every_minute, partial(expire_carts, units), once=True),
        Step("forget_carts", timedelta(hours=1), partial(forget_carts, units), once=True),
        Step("forget_feed", every_minute, partial(forget_feed, units, kept=feed_kept), once=True),
        Step("forget_requests", timedelta(hours=1), partial(forget_requests, units), once=True),
        Step("forget_trespasses", timedelta(days=1), partial(forget_trespasses, units), once=True),
        Step("audit", timedelta(hours=1), partial(audit, units), once=True),
    ]


def steps_of_payments(units: Units, payments: Payments) -> list[Step]:
    """What runs where cards are taken."""
    soon, daily = timedelta(seconds=0.5), timedelta(days=1)
    forget = partial(forget_notices, units, limit=SLICE)
    return [
        Step("ask_for_payments", soon, partial(ask_due, units, payments)),
        Step("look_at_payments", soon, partial(look_due, units, payments)),
        Step("end_unpaid_orders", timedelta(seconds=5), partial(end_unpaid, units)),
        Step("forget_notices", daily, forget, once=True),
    ]


async def activate_points(units: Units) -> int:
    """Points whose day has come can be spent."""
    async with units.begin() as unit:
        return await unit.points.activate(BATCH)


async def forget_feed(units: Units, *, kept: timedelta) -> int:
    """Who comes back to a stream later than that is told how things stand instead."""
    async with units.begin() as unit:
        return await unit.feed.forget(unit.now - kept, FEED_MAX, SLICE)


async def forget_requests(units: Units) -> int:
    """First answers are kept long enough for any repeat, and not for ever."""
    async with units.begin() as unit:
        return await unit.requests.forget(unit.now - REMEMBERED, SLICE)


async def forget_trespasses(units: Units) -> int:
    """Who asked for what is not theirs is of no interest after so long."""
    async with units.begin() as unit:
        return await unit.trespasses.forget(unit.now - HELD_AGAINST, SLICE)


async def audit(units: Units) -> int:
    """Look at every figure and keep what was found; what is broken is told, and left to a person.

    It did nothing that more of would help: it is over until its next hour.
    """
    async with units.read() as unit:
        found = await unit.audit.look()
    async with units.begin() as unit:
        await unit.audit.keep(found)
    if broken := {invariant.name: invariant.broken for invariant in found if invariant.broken}:
        log.warning("figures are broken", invariants=broken)
    if unfinished := [invariant.name for invariant in found if invariant.unfinished]:
        log.warning("audit is unfinished", invariants=unfinished)
    return 0
