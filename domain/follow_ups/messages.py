"""What the shop tells a customer: planned by an event, sent when due, and what became of it.

    planned → claimed → sent → delivered → read

A message that was not sent says why. Between `claimed` and an answer a message belongs to one
sender until its lease ends; when no answer came, nobody knows whether it went out (`unknown`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

from domain.contact.channels import (
    RETRYABLE_FAULTS,
    DeliveryOutcome,
    MessageAccepted,
    MessageChannel,
    MessageRejected,
)
from domain.contact.consent import ChannelStep, Purpose, Reason
from domain.kernel.errors import NotFound
from domain.kernel.ids import CustomerId, MessageId, OrderId, PickupId, ShipmentId


class MessageKind(StrEnum):
    PICKUP_READY = "pickup_ready"
    SHIPMENT_SENT = "shipment_sent"
    ORDER_SHORT = "order_short"
    THANK_YOU = "thank_you"
    PAYMENT_RETURNED = "payment_returned"
    ORDER_LINK = "order_link"


class MessageState(StrEnum):
    PLANNED = "planned"
    CLAIMED = "claimed"
    SUBMITTED = "submitted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNKNOWN = "unknown"
    FAILED = "failed"
    UNDELIVERABLE = "undeliverable"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"


_S = MessageState
TRANSITIONS: Final[Mapping[MessageState, frozenset[MessageState]]] = {
    _S.PLANNED: frozenset(
        {
            _S.PLANNED,
            _S.CLAIMED,
            _S.SENT,
            _S.FAILED,
            _S.UNDELIVERABLE,
            _S.EXPIRED,
            _S.CANCELLED,
            _S.SUPPRESSED,
        }
    ),
    _S.CLAIMED: frozenset({_S.PLANNED, _S.SUBMITTED, _S.SENT, _S.UNKNOWN, _S.FAILED}),
    _S.SUBMITTED: frozenset({_S.SENT, _S.DELIVERED, _S.READ, _S.UNDELIVERABLE, _S.FAILED}),
    _S.SENT: frozenset({_S.DELIVERED, _S.READ, _S.UNDELIVERABLE, _S.FAILED}),
    _S.DELIVERED: frozenset({_S.READ}),
    _S.READ: frozenset(),
    _S.UNKNOWN: frozenset(
        {_S.PLANNED, _S.SENT, _S.DELIVERED, _S.READ, _S.UNDELIVERABLE, _S.FAILED}
    ),
    _S.FAILED: frozenset(),
    _S.UNDELIVERABLE: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.SUPPRESSED: frozenset(),
}

LEASE: Final = timedelta(minutes=2)
"""How long a claimed message waits for its answer; longer than any provider may take."""

MAX_TRIES: Final = 8
"""On one channel, before the next one is tried."""

MAX_BLIND_TRIES: Final = 3
"""After so many lost answers nobody tries again; staff see it."""

MANDATORY: Final = frozenset({MessageKind.PICKUP_READY})
"""Kinds worth a possible double: each try bears the same id, and without them nobody comes."""

INITIAL_DELAY: Final = timedelta(seconds=30)
MAX_DELAY: Final = timedelta(hours=1)


class MessageNotFound(NotFound):
    code = "unknown_message"

    def __init__(self, message: MessageId) -> None:
        super().__init__("There is no such message.", facts={"message": message})


class MessageReference(Struct, frozen=True, omit_defaults=True):
    """What a message is about."""

    order: OrderId | None = None
    pickup: PickupId | None = None
    shipment: ShipmentId | None = None
    sale: str | None = None


class SendDecision(Struct, frozen=True):
    """One line of the answer to "why did I get this, and why there?"."""

    at: datetime
    what: str
    verdict: str
    channel: MessageChannel | None = None


class Message(Struct, frozen=True, kw_only=True):
    """`key` is what makes it the only one of its kind, such as a pickup and its revision.

    `tries` counts on the present channel, `given_up` are channels that failed for good.
    """

    id: MessageId
    kind: MessageKind
    key: str
    about: MessageReference
    planned_for: datetime
    not_after: datetime
    created_at: datetime
    changed_at: datetime
    customer: CustomerId | None = None
    purpose: Purpose = Purpose.SERVICE
    channel: MessageChannel | None = None
    locale: str | None = None
    state: MessageState = MessageState.PLANNED
    reason: str | None = None
    subject: str | None = None
    sent_at: datetime | None = None
    leased_until: datetime | None = None
    provider_id: str | None = None
    tries: int = 0
    claims: int = 0
    given_up: list[MessageChannel] = []
    trace: list[SendDecision] = []

    def cancel(self, reason: Reason, now: datetime) -> "Message":
        """What it would say is no longer so."""
        return self.moved(_S.CANCELLED, now, reason=reason.value)

    def expire(self, now: datetime) -> "Message":
        """Too late to be of use."""
        return self.moved(_S.EXPIRED, now, reason=Reason.STALE.value)

    def unreachable(self, steps: list[ChannelStep], now: datetime) -> "Message":
        """No channel is left: nobody was tried (`suppressed`), or all failed (`undeliverable`)."""
        told = _told(steps, now)
        if self.given_up:
            return self.moved(_S.UNDELIVERABLE, now, *told, reason=self.reason)
        return self.moved(_S.SUPPRESSED, now, *told, reason=Reason.NO_CHANNEL.value)

    def defer(self, until: datetime, reason: Reason, now: datetime) -> "Message":
        """Not now; every question is asked again then."""
        why = SendDecision(now, "time", reason)
        if until > self.not_after:
            return self.moved(_S.EXPIRED, now, why, reason=Reason.STALE.value)
        return self.moved(_S.PLANNED, now, why, planned_for=until, reason=reason.value)

    def claim(
        self, steps: list[ChannelStep], channel: MessageChannel, *, now: datetime, **words: object
    ) -> "Message":
        """Ours to send until the lease ends. `words` are its purpose, locale and subject."""
        return self.moved(
            _S.CLAIMED,
            now,
            *_told(steps, now),
            channel=channel,
            reason=None,
            claims=self.claims + 1,
            tries=self.tries + 1,
            leased_until=now + LEASE,
            **words,
        )

    def awaits(self, claims: int, outcome: DeliveryOutcome) -> bool:
        """Whether an answer to the claim of that number still matters: a late yes does."""
        if self.claims != claims:
            return False
        late = {_S.UNKNOWN, _S.PLANNED} if isinstance(outcome, MessageAccepted) else set()
        return self.state is _S.CLAIMED or self.state in late

    def answered(self, outcome: DeliveryOutcome, now: datetime) -> "Message":
        """What becomes of a claimed message by what its provider said."""
        if isinstance(outcome, MessageAccepted):
            said = self._said("accepted", now)
            sent = {"sent_at": now, "provider_id": outcome.provider_id}
            return self.moved(_S.SENT, now, said, **sent)
        if isinstance(outcome, MessageRejected):
            return self._rejected(outcome, now)
        return self.lost(outcome.code, now)

    def lost(self, why: str, now: datetime) -> "Message":
        """Nobody knows whether it went out: kinds that must reach their reader are tried again."""
        said, reason = self._said(why, now), Reason.NO_ANSWER.value
        unknown = self.moved(_S.UNKNOWN, now, said, reason=reason)
        if self.kind not in MANDATORY or self.tries >= MAX_BLIND_TRIES:
            return unknown
        return unknown.moved(_S.PLANNED, now, planned_for=now + self._pause())

    def stumbled(self, now: datetime) -> "Message":
        """It could not even be written; others go first, and at last it is given up."""
        what = SendDecision(now, "trouble", Reason.BROKEN)
        if self.tries >= MAX_TRIES:
            return self.moved(_S.FAILED, now, what, reason=Reason.BROKEN.value)
        later = {"planned_for": now + self._pause(), "tries": self.tries + 1}
        return self.moved(_S.PLANNED, now, what, reason=Reason.BROKEN.value, **later)

    def _rejected(self, no: MessageRejected, now: datetime) -> "Message":
        said = self._said(f"{no.fault} {no.code}", now)
        if no.fault in RETRYABLE_FAULTS and self.tries < MAX_TRIES:
            again = now + (no.retry_after or self._pause())
            return self.moved(_S.PLANNED, now, said, planned_for=again, reason=no.fault.value)
        failed = {"given_up": [*self.given_up, self.channel], "tries": 0, "planned_for": now}
        return self.moved(_S.PLANNED, now, said, reason=no.fault.value, **failed)

    def _said(self, verdict: str, now: datetime) -> SendDecision:
        return SendDecision(now, "provider", verdict, self.channel)

    def _pause(self) -> timedelta:
        """Half a minute, doubled with every try."""
        pause = INITIAL_DELAY
        for _ in range(1, self.tries):
            pause = min(2 * pause, MAX_DELAY)
        return pause

    def traced(self, decision: SendDecision) -> "Message":
        return structs.replace(self, trace=[*self.trace, decision])

    def moved(
        self, state: MessageState, now: datetime, *decisions: SendDecision, **changes: object
    ) -> "Message":
        """The message in `state`, by these decisions. Only MOVES can be made."""
        assert state in TRANSITIONS[self.state], (self.state, state)
        held = {} if state is _S.CLAIMED else {"leased_until": None}
        trace = [*self.trace, *decisions]
        return structs.replace(self, state=state, changed_at=now, trace=trace, **held, **changes)


def _told(steps: list[ChannelStep], now: datetime) -> list[SendDecision]:
    return [SendDecision(now, "channel", step.reason or "chosen", step.channel) for step in steps]
