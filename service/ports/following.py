"""What follows from what happened: events, messages, calls to other systems, jobs."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from domain.events import Event
from domain.ids import (
    CustomerId,
    MessageId,
    WebhookId,
)
from domain.messages import Kind, Message, MessageState
from domain.timeline import Entry
from domain.webhooks import Parcel, Settled, Webhook


class Leased(Struct, frozen=True):
    """An event that is ours until its lease ends; `attempts` tells this lease from the next."""

    id: int
    event: Event
    attempts: int


class Outbox(Protocol):
    async def add(self, *events: Event, told: Collection[Entry] = ()) -> None:
        """Write down what happened, in the same unit as its cause, and tell it in timelines."""

    async def lease(self, limit: int, span: timedelta) -> Sequence[Leased]:
        """Up to `limit` due events, oldest first, for `span`, doubled with each attempt."""

    async def take(self, leased: Leased) -> bool:
        """Remove an event in the unit of its effect; False when another has it by now."""

    async def trouble(self, leased: Leased, words: str) -> None:
        """Note why an event could not be followed; it comes again when its lease ends."""


class Webhooks(Protocol):
    async def add(self, webhook: Webhook, secret: str) -> None: ...

    async def get(self, webhook: WebhookId) -> Webhook:
        """Raises Missing."""

    async def page(self, after: str, limit: int) -> list[Webhook]:
        """The next `limit` behind the id `after`, in the order they were made."""

    async def remove(self, webhook: WebhookId) -> None:
        """Raises Missing."""

    async def rewind(self, webhook: WebhookId, position: int) -> Webhook:
        """Go on behind `position`, at once, whatever was under way. Raises Missing."""

    async def lease(self, limit: int, span: timedelta) -> Sequence[Parcel]:
        """What is to be sent to up to `limit` who are due; ours alone for `span`."""

    async def settle(self, parcel: Parcel, settled: Settled) -> None:
        """Keep how a try ended, while it is ours."""


class Messages(Protocol):
    async def plan(self, message: Message) -> None:
        """Add a message; nothing where there is one of this kind and key."""

    async def get(self, message: MessageId) -> Message:
        """Raises MessageMissing."""

    async def take(self, message: MessageId) -> Message:
        """The message, locked until the unit ends. Raises MessageMissing."""

    async def take_due(self, now: datetime) -> Message | None:
        """The planned message that is due longest and nobody has locked, locked for us."""

    async def take_lost(self, now: datetime) -> Message | None:
        """A claimed message whose lease is over, locked for us."""

    async def keep(self, message: Message) -> None:
        """Write a taken message back."""

    async def page(
        self,
        *,
        customer: CustomerId | None,
        state: MessageState | None,
        kind: Kind | None,
        before: MessageId | None,
        limit: int,
    ) -> Sequence[Message]:
        """Newest first."""

    async def marketing_since(self, customer: CustomerId, since: datetime) -> int:
        """How much advertising the customer was sent, or may still get from one who has claimed it.

        The customer is locked until the unit ends, so that nobody else counts the same.
        """


class Slots(Protocol):
    async def claim(self, job: str, slot: datetime, node: str) -> bool:
        """Whether a job is this node's in this slot of time; it is exactly one's."""
