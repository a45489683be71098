"""Messages to a customer: planned by an event, sent when due, with their outcome.

    planned → claimed → sent → delivered → read

A message that was not sent records the reason. Between `claimed` and an answer a message belongs to
one sender until its lease ends; when no answer came, its delivery is `unknown`.
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
from domain.contact.consent import ChannelStep, Purpose, SuppressionReason
from domain.kernel.errors import NotFound
from domain.kernel.ids import CustomerId, MessageId, OrderId, PickupId, ShipmentId


class MessageKind(StrEnum):
    PICKUP_READY = "pickup_ready"
    SHIPMENT_SENT = "shipment_sent"
    ORDER_SHORT = "order_short"
    THANK_YOU = "thank_you"
    PAYMENT_REFUNDED = "payment_refunded"
    PAYMENT_VOIDED = "payment_voided"
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

LEASE_TTL: Final = timedelta(minutes=2)
"""The lease of a claimed message; longer than any provider's timeout."""

MAX_TRIES: Final = 8
"""Tries on one channel, before the next one is tried."""

MAX_BLIND_TRIES: Final = 3
"""After so many lost answers no sender retries; staff see it."""

MANDATORY: Final = frozenset({MessageKind.PICKUP_READY})
"""Kinds worth a possible duplicate: each try has the same id, and the visit depends on them."""

INITIAL_DELAY: Final = timedelta(seconds=30)
MAX_DELAY: Final = timedelta(hours=1)


class MessageNotFound(NotFound):
    code = "unknown_message"

    def __init__(self, message: MessageId) -> None:
        super().__init__("There is no such message.", facts={"message": message})


class MessageReference(Struct, frozen=True, omit_defaults=True):
    """The subject of a message."""

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
    """`key` makes it unique within its kind, such as a pickup and its revision.

    `tries` counts on the present channel, `failed_channels` are channels that failed for good.
    """

    id: MessageId
    kind: MessageKind
    key: str
    about: MessageReference
    planned_for: datetime
    send_before: datetime
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
    failed_channels: list[MessageChannel] = []
    trace: list[SendDecision] = []

    def cancel(self, reason: SuppressionReason, now: datetime) -> "Message":
        """The content of the message is no longer true."""
        return self.transition_to(_S.CANCELLED, now, reason=reason.value)

    def expire(self, now: datetime) -> "Message":
        """Too late to be of use."""
        return self.transition_to(_S.EXPIRED, now, reason=SuppressionReason.STALE.value)

    def mark_unreachable(self, steps: list[ChannelStep], now: datetime) -> "Message":
        """No channel is left: none was tried (`suppressed`), or all failed (`undeliverable`)."""
        told = _channel_decisions(steps, now)
        if self.failed_channels:
            return self.transition_to(_S.UNDELIVERABLE, now, *told, reason=self.reason)
        return self.transition_to(
            _S.SUPPRESSED, now, *told, reason=SuppressionReason.NO_CHANNEL.value
        )

    def defer(self, until: datetime, reason: SuppressionReason, now: datetime) -> "Message":
        """Not now; every question is asked again then."""
        why = SendDecision(now, "time", reason)
        if until > self.send_before:
            return self.transition_to(_S.EXPIRED, now, why, reason=SuppressionReason.STALE.value)
        return self.transition_to(_S.PLANNED, now, why, planned_for=until, reason=reason.value)

    def claim(
        self, steps: list[ChannelStep], channel: MessageChannel, *, now: datetime, **words: object
    ) -> "Message":
        """Ours to send until the lease ends. `words` are its purpose, locale and subject."""
        return self.transition_to(
            _S.CLAIMED,
            now,
            *_channel_decisions(steps, now),
            channel=channel,
            reason=None,
            claims=self.claims + 1,
            tries=self.tries + 1,
            leased_until=now + LEASE_TTL,
            **words,
        )

    def expects_outcome(self, claims: int, outcome: DeliveryOutcome) -> bool:
        """Whether an answer to the claim of that number still matters: a late yes does."""
        if self.claims != claims:
            return False
        late = {_S.UNKNOWN, _S.PLANNED} if isinstance(outcome, MessageAccepted) else set()
        return self.state is _S.CLAIMED or self.state in late

    def apply_outcome(self, outcome: DeliveryOutcome, now: datetime) -> "Message":
        """Updates a claimed message from the provider's answer."""
        if isinstance(outcome, MessageAccepted):
            said = self._provider_decision("accepted", now)
            sent = {"sent_at": now, "provider_id": outcome.provider_id}
            return self.transition_to(_S.SENT, now, said, **sent)
        if isinstance(outcome, MessageRejected):
            return self._apply_rejection(outcome, now)
        return self.mark_unconfirmed(outcome.code, now)

    def mark_unconfirmed(self, why: str, now: datetime) -> "Message":
        """The delivery is unknown: kinds that must reach their reader are tried again."""
        said, reason = self._provider_decision(why, now), SuppressionReason.NO_ANSWER.value
        unknown = self.transition_to(_S.UNKNOWN, now, said, reason=reason)
        if self.kind not in MANDATORY or self.tries >= MAX_BLIND_TRIES:
            return unknown
        return unknown.transition_to(_S.PLANNED, now, planned_for=now + self._backoff())

    def record_failure(self, now: datetime) -> "Message":
        """It could not even be written; others go first, and at last it is given up."""
        what = SendDecision(now, "trouble", SuppressionReason.BROKEN)
        if self.tries >= MAX_TRIES:
            return self.transition_to(_S.FAILED, now, what, reason=SuppressionReason.BROKEN.value)
        later = {"planned_for": now + self._backoff(), "tries": self.tries + 1}
        return self.transition_to(
            _S.PLANNED, now, what, reason=SuppressionReason.BROKEN.value, **later
        )

    def _apply_rejection(self, no: MessageRejected, now: datetime) -> "Message":
        said = self._provider_decision(f"{no.fault} {no.code}", now)
        if no.fault in RETRYABLE_FAULTS and self.tries < MAX_TRIES:
            again = now + (no.retry_after or self._backoff())
            return self.transition_to(
                _S.PLANNED, now, said, planned_for=again, reason=no.fault.value
            )
        failed = {
            "failed_channels": [*self.failed_channels, self.channel],
            "tries": 0,
            "planned_for": now,
        }
        return self.transition_to(_S.PLANNED, now, said, reason=no.fault.value, **failed)

    def _provider_decision(self, verdict: str, now: datetime) -> SendDecision:
        return SendDecision(now, "provider", verdict, self.channel)

    def _backoff(self) -> timedelta:
        """Half a minute, doubled with every try."""
        pause = INITIAL_DELAY
        for _ in range(1, self.tries):
            pause = min(2 * pause, MAX_DELAY)
        return pause

    def with_decision(self, decision: SendDecision) -> "Message":
        return structs.replace(self, trace=[*self.trace, decision])

    def transition_to(
        self, state: MessageState, now: datetime, *decisions: SendDecision, **changes: object
    ) -> "Message":
        """The message in `state`, by these decisions. Only MOVES can be made."""
        assert state in TRANSITIONS[self.state], (self.state, state)
        held = {} if state is _S.CLAIMED else {"leased_until": None}
        trace = [*self.trace, *decisions]
        return structs.replace(self, state=state, changed_at=now, trace=trace, **held, **changes)


def _channel_decisions(steps: list[ChannelStep], now: datetime) -> list[SendDecision]:
    return [SendDecision(now, "channel", step.reason or "chosen", step.channel) for step in steps]
