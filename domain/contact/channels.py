"""The ways a message can reach a person, and what comes back from each."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.kernel.ids import MessageId


class Channel(StrEnum):
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


class Form(StrEnum):
    """How much a channel can show."""

    PAGE = "page"  # a subject, text and HTML
    SHORT = "short"  # a few lines of plain text


FORMS: Final[Mapping[Channel, Form]] = {
    channel: Form.PAGE if channel in {Channel.EMAIL, Channel.LETTER} else Form.SHORT
    for channel in Channel
}


class Outgoing(Struct, frozen=True, omit_defaults=True):
    """One message as it leaves us. `id` is the same on every try, so that a double can be told."""

    id: MessageId
    channel: Channel
    address: str
    locale: str
    kind: str
    purpose: str
    text: str
    subject: str | None = None
    html: str | None = None
    unsubscribe_url: str | None = None


class Fault(StrEnum):
    """Why a provider said no. The names are those of all providers."""

    PERMANENT_ADDRESS = "permanent_address"
    PERMANENT_CONTENT = "permanent_content"
    CONSENT = "consent"
    WINDOW_CLOSED = "window_closed"
    THROTTLED = "throttled"
    TRANSIENT = "transient"
    AUTH = "auth"
    CONFIG = "config"


LATER: Final = frozenset({Fault.THROTTLED, Fault.TRANSIENT, Fault.AUTH, Fault.CONFIG})
"""Faults that pass, or that the retailer mends, while the message waits; the others are final."""


class Accepted(Struct, frozen=True):
    """The provider has taken it over; whether it arrives is another question."""

    provider_id: str


class Rejected(Struct, frozen=True):
    """The provider did not take it. `code` is the provider's own, for the record."""

    fault: Fault
    code: str
    retry_after: timedelta | None = None


class Unclear(Struct, frozen=True):
    """The answer was lost: it may or may not have been taken."""

    code: str


Outcome = Accepted | Rejected | Unclear
