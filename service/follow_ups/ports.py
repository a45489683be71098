"""Ports of follow-ups: messages, their carriers and their rendering."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from domain.contact.channels import DeliveryOutcome, MessageChannel, OutgoingMessage
from domain.follow_ups.content import Content, RenderedContent
from domain.follow_ups.messages import Message, MessageKind, MessageState
from domain.kernel.ids import CustomerId, MessageId


class Messages(Protocol):
    async def add(self, message: Message) -> None:
        """Add a message; nothing where there is one of this kind and key."""

    async def get(self, message: MessageId) -> Message:
        """Raises MessageNotFound."""

    async def get_for_update(self, message: MessageId) -> Message:
        """The message, locked until the unit ends. Raises MessageNotFound."""

    async def get_due_for_update(self, now: datetime) -> Message | None:
        """Returns the longest due message that no other unit has locked, and locks it."""

    async def get_lost_for_update(self, now: datetime) -> Message | None:
        """A claimed message whose lease is over, locked for us."""

    async def update(self, message: Message) -> None:
        """Write a taken message back."""

    async def list_page(
        self,
        *,
        customer: CustomerId | None,
        state: MessageState | None,
        kind: MessageKind | None,
        before: MessageId | None,
        limit: int,
    ) -> Sequence[Message]:
        """Newest first."""

    async def count_marketing_since(self, customer: CustomerId, since: datetime) -> int:
        """Counts the marketing messages that the customer was sent, or may still get from a claim.

        The customer is locked until the unit ends, so that no other unit counts the same.
        """


class MessageCarrier(Protocol):
    async def send(self, message: OutgoingMessage) -> DeliveryOutcome:
        """Hand a message over. The same id again is the same message."""

    async def close(self) -> None:
        """Closes the connections of the carrier."""


@runtime_checkable
class MessageChannels(MessageCarrier, Protocol):
    """Every way out of the house."""

    @property
    def open(self) -> frozenset[MessageChannel]:
        """Channels that have a carrier."""


@runtime_checkable
class ContentRenderer(Protocol):
    def render(self, letter: Content, *, channel: MessageChannel, locale: str) -> RenderedContent:
        """The letter in the language of a reader of `locale`, in the form `channel` shows."""
