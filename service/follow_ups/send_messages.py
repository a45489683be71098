"""Messages go out, each once: every question is asked again when its turn comes.

The network lies between two units. The first claims the message and writes it from the shop as it
is; the second records what the provider said. Of a claim whose answer never came, nobody knows
whether it went out.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from domain.contact.channels import Outcome, Outgoing, Unclear
from domain.contact.consent import Purpose, Reason, chosen, ladder
from domain.follow_ups.messages import LEASE, Decision, Message, MessageState
from domain.kernel.errors import Busy
from service.follow_ups.content import write
from service.follow_ups.message_context import Desk
from service.follow_ups.message_subjects import Case, open_case
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units

ANSWER_WITHIN: Final = LEASE / 2
SIDE_BY_SIDE: Final = 4
"""Messages under way at once, so that one slow provider holds up a part only."""

log = structlog.get_logger("hylla.messages")


async def send_due(
    units: Units, desk: Desk, *, most: int = 100, go_on: Callable[[], bool] = lambda: True
) -> int:
    """Send what is due, some `most` messages, while `go_on` says so; how many were dealt with."""
    lanes = [_lane(units, desk, most // SIDE_BY_SIDE, go_on) for _ in range(SIDE_BY_SIDE)]
    done = await asyncio.gather(*lanes, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return sum(one for one in done if isinstance(one, int))


async def _lane(units: Units, desk: Desk, most: int, go_on: Callable[[], bool]) -> int:
    for sent in range(most):
        if not go_on() or not await send_next(units, desk):
            return sent
    return most


async def send_next(units: Units, desk: Desk) -> bool:
    """Deal with the message that is due longest; False when none is due."""
    due: Message | None = None
    try:
        async with units.begin() as unit:
            due = await unit.messages.take_due(unit.now)
            if due is None:
                return False
            message, outgoing = await _decide(unit, desk, due)
            await unit.messages.keep(message)
    except Busy:
        raise
    except Exception:
        if due is not None:
            await _set_aside(units, due)
        raise
    if outgoing is not None:
        message = await _record(units, message, await _hand_over(desk, outgoing))
    log.info(
        "message",
        message=message.id,
        kind=message.kind,
        state=message.state,
        channel=message.channel,
        reason=message.reason,
    )
    return True


@tried_again
async def settle_lost(units: Units) -> bool:
    """Settle one message whose sender never came back; False when there is none."""
    async with units.begin() as unit:
        lost = await unit.messages.take_lost(unit.now)
        if lost is not None:
            await unit.messages.keep(lost.lost("lease_over", unit.now))
    return lost is not None


async def _decide(unit: Unit, desk: Desk, due: Message) -> tuple[Message, Outgoing | None]:
    """What becomes of a due message, and what is to be sent if it is."""
    now = unit.now
    if now > due.not_after:
        return due.expire(now), None
    case = await open_case(unit, due)
    if not case.is_so:
        return due.cancel(Reason.NOT_WAITING, now), None
    quiet = case.reader.preferences.quiet_hours
    awake = quiet.over_at(now, case.zone) if quiet else now
    if awake > now:
        return due.defer(awake, Reason.QUIET, now), None
    return await _claim(unit, desk, case)


async def _claim(unit: Unit, desk: Desk, case: Case) -> tuple[Message, Outgoing | None]:
    due, reader = case.message, case.reader
    steps = ladder(
        Purpose.SERVICE,
        reader.addresses,
        reader.preferences,
        reader.consents,
        open_channels=desk.channels.open,
        given_up=due.given_up,
        now=unit.now,
    )
    channel = chosen(steps)
    address = channel and reader.addresses.on(channel)
    if channel is None or address is None:
        return due.unreachable(steps, unit.now), None
    written = await write(unit, desk, case, channel)
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
        claimed = claimed.traced(Decision(unit.now, "suggestion", written.suggestion))
    return claimed, Outgoing(
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


async def _hand_over(desk: Desk, outgoing: Outgoing) -> Outcome:
    """The provider's answer, or that there was none before anybody else may try."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
            return await desk.channels.send(outgoing)
    except TimeoutError:
        return Unclear("too_slow")


@tried_again
async def _record(units: Units, message: Message, outcome: Outcome) -> Message:
    async with units.begin() as unit:
        current = await unit.messages.take(message.id)
        if current.awaits(message.claims, outcome):
            current = current.answered(outcome, unit.now)
            await unit.messages.keep(current)
    return current


@tried_again
async def _set_aside(units: Units, due: Message) -> None:
    """A message that cannot be written must not hold up the others."""
    async with units.begin() as unit:
        current = await unit.messages.take(due.id)
        if current.state is MessageState.PLANNED:
            await unit.messages.keep(current.stumbled(unit.now))
