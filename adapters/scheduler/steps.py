"""Everything that happens because time passes: the whole list."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from adapters.scheduler.scheduler import Job
from service.administration.ports import WebhookSender
from service.administration.reactions import process_events, reactions
from service.administration.webhooks import deliver_changes
from service.carts.expire_carts import expire_carts, purge_carts
from service.follow_ups.message_context import MessageContext
from service.follow_ups.send_messages import recover_lost, send_due
from service.fulfilment.expire_pickups import expire_pickups
from service.inventory.holds import expire_holds
from service.inventory.walk_ins import raise_safety_stock
from service.orders.payment.execute_transactions import execute_due_transactions
from service.orders.payment.expire_unpaid import expire_unpaid_orders
from service.orders.payment.reconcile_attempts import reconcile_due_attempts
from service.orders.store_closing import close_drained_stores
from service.payments.ports import PaymentProvider
from service.payments.provider_events import purge_provider_events
from service.shared.unit_of_work import Units

IDEMPOTENCY_RETENTION: Final = timedelta(days=7)
"""How long an Idempotency-Key brings the first answer again."""

MAX_FEED_ROWS: Final = 1_000_000
"""Changes that the feed keeps for returning streams, however recent the rest is."""

DENIAL_RETENTION: Final = timedelta(days=365)
"""The retention time of access denials."""

ACTIVATION_BATCH_SIZE: Final = 100
BATCH_SIZE: Final = 5_000
"""Rows that are deleted at a time, so that no statement takes long."""

log = structlog.get_logger("hylla.jobs")


def build_jobs(
    units: Units,
    desk: MessageContext,
    poster: WebhookSender,
    stopping: asyncio.Event,
    *,
    feed_kept: timedelta = timedelta(days=1),
) -> list[Job]:
    """Every periodic job and its interval; each is safe in several processes at once."""
    soon, every_minute = timedelta(seconds=0.5), timedelta(minutes=1)
    event_reactions = reactions(thank_after=desk.thank_you_after)

    def go_on() -> bool:
        return not stopping.is_set()

    return [
        Job("process_events", soon, partial(process_events, units, event_reactions)),
        Job("deliver_webhooks", soon, partial(deliver_changes, units, poster)),
        Job("send_messages", soon, partial(send_due, units, desk, go_on=go_on)),
        Job("expire_holds", soon, partial(expire_holds, units)),
        Job("raise_safety_stock", every_minute, partial(raise_safety_stock, units)),
        _once("recover_lost_messages", timedelta(seconds=15), partial(recover_lost, units)),
        _once("close_drained_stores", timedelta(seconds=15), partial(close_drained_stores, units)),
        _once("expire_pickups", timedelta(seconds=30), partial(expire_pickups, units)),
        _once("activate_points", every_minute, partial(activate_points, units)),
        _once("expire_carts", every_minute, partial(expire_carts, units)),
        *_purge_jobs(units, feed_kept),
        _once("audit", timedelta(hours=1), partial(run_audit, units)),
    ]


def build_payment_jobs(units: Units, payments: PaymentProvider) -> list[Job]:
    """The jobs of an installation that takes cards."""
    soon = timedelta(seconds=0.5)
    purge = partial(purge_provider_events, units, limit=BATCH_SIZE)
    return [
        Job("execute_transactions", soon, partial(execute_due_transactions, units, payments)),
        Job("reconcile_attempts", soon, partial(reconcile_due_attempts, units, payments)),
        Job("expire_unpaid_orders", timedelta(seconds=5), partial(expire_unpaid_orders, units)),
        _once("purge_provider_events", timedelta(days=1), purge),
    ]


def _purge_jobs(units: Units, feed_kept: timedelta) -> list[Job]:
    """Jobs that delete rows whose retention is over."""
    hourly, daily = timedelta(hours=1), timedelta(days=1)
    feed = partial(purge_feed, units, kept=feed_kept)
    return [
        _once("purge_feed", timedelta(minutes=1), feed),
        _once("purge_carts", hourly, partial(purge_carts, units)),
        _once("purge_idempotency_keys", hourly, partial(purge_idempotency_keys, units)),
        _once("purge_access_denials", daily, partial(purge_access_denials, units)),
    ]


def _once(name: str, interval: timedelta, work: Callable[[], Awaitable[int]]) -> Job:
    """A job that one process runs in each interval."""
    return Job(name, interval, work, once_per_interval=True)


async def activate_points(units: Units) -> int:
    """Points whose day has come can be spent."""
    async with units.begin() as unit:
        return await unit.loyalty.points.activate(ACTIVATION_BATCH_SIZE)


async def purge_feed(units: Units, *, kept: timedelta) -> int:
    """Deletes older changes; a stream client that resumes later gets a snapshot instead."""
    async with units.begin() as unit:
        return await unit.inventory.change_feed.purge(unit.now - kept, MAX_FEED_ROWS, BATCH_SIZE)


async def purge_idempotency_keys(units: Units) -> int:
    """Deletes first answers after the time in which a repeat is possible."""
    async with units.begin() as unit:
        return await unit.foundation.idempotency.purge(unit.now - IDEMPOTENCY_RETENTION, BATCH_SIZE)


async def purge_access_denials(units: Units) -> int:
    """Deletes access denials after their retention time."""
    async with units.begin() as unit:
        return await unit.foundation.access_denials.purge(unit.now - DENIAL_RETENTION, BATCH_SIZE)


async def run_audit(units: Units) -> int:
    """Checks every figure and stores the findings; broken figures are reported, not repaired.

    It returns 0 so that it does not run again before its next hour.
    """
    async with units.read() as unit:
        found = await unit.administration.audit.check()
    async with units.begin() as unit:
        await unit.administration.audit.save_report(found)
    if broken := {invariant.name: invariant.broken for invariant in found if invariant.broken}:
        log.warning("audit found broken figures", invariants=broken)
    if unfinished := [invariant.name for invariant in found if invariant.unfinished]:
        log.warning("audit unfinished", invariants=unfinished)
    return 0
