"""Ports of follow-ups: messages, their carriers and their rendering."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from domain.contact.channels import Channel, Outcome, Outgoing
from domain.follow_ups.content import Letter, Rendered
from domain.follow_ups.messages import Kind, Message, MessageState
from domain.kernel.ids import CustomerId, MessageId


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


class Carrier(Protocol):
    async def send(self, message: Outgoing) -> Outcome:
        """Hand a message over. The same id again is the same message."""

    async def close(self) -> None:
        """Close the connections that the carrier keeps open."""


@runtime_checkable
class Channels(Carrier, Protocol):
    """Every way out of the house."""

    @property
    def open(self) -> frozenset[Channel]:
        """Channels that somebody carries."""


@runtime_checkable
class Rendering(Protocol):
    def render(self, letter: Letter, *, channel: Channel, locale: str) -> Rendered:
        """The letter in the language of a reader of `locale`, in the form `channel` shows."""
