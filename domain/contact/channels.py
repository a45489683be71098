"""Contact channels: the ways a message can reach a person, and the answer of each."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.kernel.ids import MessageId


class MessageChannel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    RCS = "rcs"
    VIBER = "viber"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
    PUSH = "push"
    WEB_PUSH = "web_push"
    LETTER = "letter"
    CALL = "call"


class ContentForm(StrEnum):
    """The features that a channel can show."""

    PAGE = "page"  # a subject, text and HTML
    SHORT = "short"  # a few lines of plain text


CONTENT_FORMATS: Final[Mapping[MessageChannel, ContentForm]] = {
    channel: ContentForm.PAGE
    if channel in {MessageChannel.EMAIL, MessageChannel.LETTER}
    else ContentForm.SHORT
    for channel in MessageChannel
}


class OutgoingMessage(Struct, frozen=True, omit_defaults=True):
    """An outgoing message. `id` is the same on every try, so that a repeat is recognised."""

    id: MessageId
    channel: MessageChannel
    address: str
    locale: str
    kind: str
    purpose: str
    text: str
    subject: str | None = None
    html: str | None = None
    unsubscribe_url: str | None = None


class DeliveryFault(StrEnum):
    """The reason of a provider's refusal. The names are the same for all providers."""

    PERMANENT_ADDRESS = "permanent_address"
    PERMANENT_CONTENT = "permanent_content"
    CONSENT = "consent"
    WINDOW_CLOSED = "window_closed"
    THROTTLED = "throttled"
    TRANSIENT = "transient"
    AUTH = "auth"
    CONFIG = "config"


RETRYABLE_FAULTS: Final = frozenset(
    {DeliveryFault.THROTTLED, DeliveryFault.TRANSIENT, DeliveryFault.AUTH, DeliveryFault.CONFIG}
)
"""Faults that pass, or that the retailer mends, while the message waits; the others are final."""


class MessageAccepted(Struct, frozen=True):
    """The provider has taken it over; whether it arrives is another question."""

    provider_id: str


class MessageRejected(Struct, frozen=True):
    """The provider did not take it. `code` is the provider's own, for the record."""

    fault: DeliveryFault
    code: str
    retry_after: timedelta | None = None


class DeliveryUnknown(Struct, frozen=True):
    """The answer was lost: it may or may not have been taken."""

    code: str


DeliveryOutcome = MessageAccepted | MessageRejected | DeliveryUnknown
