"""Sending of messages, each once: every rule is checked again when the message is due.

The provider is called between two units. The first claims the message and composes it from the
current data; the second records the provider's answer. A claim whose answer never came has an
unknown outcome.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from domain.contact.channels import DeliveryOutcome, DeliveryUnknown, OutgoingMessage
from domain.contact.consent import Purpose, SuppressionReason, choose_channel, rank_channels
from domain.follow_ups.messages import LEASE_TTL, Message, MessageState, SendDecision
from domain.kernel.errors import Unavailable
from service.follow_ups.content import compose_content
from service.follow_ups.message_context import MessageContext
from service.follow_ups.message_subjects import MessageSubject, load_subject
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

SEND_TIMEOUT: Final = LEASE_TTL / 2
CONCURRENCY: Final = 4
"""Messages under way at once, so that one slow provider holds up a part only."""

log = structlog.get_logger("hylla.messages")


async def send_due(
    units: Units, desk: MessageContext, *, most: int = 100, go_on: Callable[[], bool] = lambda: True
) -> int:
    """Sends at most `most` due messages while `go_on` returns true; returns their number."""
    lanes = [_send_loop(units, desk, most // CONCURRENCY, go_on) for _ in range(CONCURRENCY)]
    done = await asyncio.gather(*lanes, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return sum(one for one in done if isinstance(one, int))


async def _send_loop(
    units: Units, desk: MessageContext, most: int, go_on: Callable[[], bool]
) -> int:
    for sent in range(most):
        if not go_on() or not await send_next(units, desk):
            return sent
    return most


async def send_next(units: Units, desk: MessageContext) -> bool:
    """Deal with the message that is due longest; False when none is due."""
    due: Message | None = None
    try:
        async with units.begin() as unit:
            due = await unit.follow_ups.messages.get_due_for_update(unit.now)
            if due is None:
                return False
            message, outgoing = await _decide(unit, desk, due)
            await unit.follow_ups.messages.update(message)
    except Unavailable:
        raise
    except Exception:
        if due is not None:
            await _defer(units, due)
        raise
    if outgoing is not None:
        message = await _record(units, message, await _send(desk, outgoing))
    log.info(
        "message",
        message=message.id,
        kind=message.kind,
        state=message.state,
        channel=message.channel,
        reason=message.reason,
    )
    return True


@retry_on_conflict
async def recover_lost(units: Units) -> bool:
    """Settle one message whose sender never came back; False when there is none."""
    async with units.begin() as unit:
        lost = await unit.follow_ups.messages.get_lost_for_update(unit.now)
        if lost is not None:
            await unit.follow_ups.messages.update(lost.mark_unconfirmed("lease_over", unit.now))
    return lost is not None


async def _decide(
    unit: Unit, desk: MessageContext, due: Message
) -> tuple[Message, OutgoingMessage | None]:
    """Returns the next state of a due message, and the message to send if it is sent."""
    now = unit.now
    if now > due.send_before:
        return due.expire(now), None
    case = await load_subject(unit, due)
    if not case.is_so:
        return due.cancel(SuppressionReason.NOT_WAITING, now), None
    quiet = case.reader.preferences.quiet_hours
    awake = quiet.next_allowed_at(now, case.zone) if quiet else now
    if awake > now:
        return due.defer(awake, SuppressionReason.QUIET, now), None
    return await _claim(unit, desk, case)


async def _claim(
    unit: Unit, desk: MessageContext, case: MessageSubject
) -> tuple[Message, OutgoingMessage | None]:
    due, reader = case.message, case.reader
    steps = rank_channels(
        Purpose.SERVICE,
        reader.addresses,
        reader.preferences,
        reader.consents,
        open_channels=desk.channels.open,
        failed_channels=due.failed_channels,
        now=unit.now,
    )
    channel = choose_channel(steps)
    address = channel and reader.addresses.address_for(channel)
    if channel is None or address is None:
        return due.mark_unreachable(steps, unit.now), None
    written = await compose_content(unit, desk, case, channel)
    words = desk.rendering.render(written.letter, channel=channel, locale=reader.locale)
    claimed = due.claim(
        steps,
        channel,
        now=unit.now,
        purpose=written.purpose,
        locale=words.locale,
        subject=words.subject,
    )
    if written.suggestion:
        claimed = claimed.with_decision(SendDecision(unit.now, "suggestion", written.suggestion))
    return claimed, OutgoingMessage(
        id=due.id,
        channel=channel,
        address=address,
        locale=words.locale,
        kind=due.kind,
        purpose=written.purpose,
        text=words.text,
        subject=words.subject,
        html=words.html,
        unsubscribe_url=getattr(written.letter, "unsubscribe_url", None),
    )


async def _send(desk: MessageContext, outgoing: OutgoingMessage) -> DeliveryOutcome:
    """The provider's answer, or that there was none before anybody else may try."""
    try:
        async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
            return await desk.channels.send(outgoing)
    except TimeoutError:
        return DeliveryUnknown("too_slow")


@retry_on_conflict
async def _record(units: Units, message: Message, outcome: DeliveryOutcome) -> Message:
    async with units.begin() as unit:
        current = await unit.follow_ups.messages.get_for_update(message.id)
        if current.expects_outcome(message.claims, outcome):
            current = current.apply_outcome(outcome, unit.now)
            await unit.follow_ups.messages.update(current)
    return current


@retry_on_conflict
async def _defer(units: Units, due: Message) -> None:
    """A message that cannot be written must not hold up the others."""
    async with units.begin() as unit:
        current = await unit.follow_ups.messages.get_for_update(due.id)
        if current.state is MessageState.PLANNED:
            await unit.follow_ups.messages.update(current.record_failure(unit.now))
