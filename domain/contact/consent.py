"""Consent of a customer to messages, and the one check that every message passes.

A message about one's own order needs no more than a way to reach its reader. Advertising needs a
yes for that very channel. Every message that is not allowed is forbidden.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

from domain.contact.channels import MessageChannel
from domain.contact.preferences import Preferences
from domain.kernel.locales import Locale


class Purpose(StrEnum):
    SERVICE = "service"
    MARKETING = "marketing"
    PROFILING = "profiling"
    AD_AUDIENCE = "ad_audience"
    RESEARCH = "research"


class ConsentAction(StrEnum):
    GRANTED = "granted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class LegalBasis(StrEnum):
    """The legal basis of a message."""

    CONSENT = "consent"


class Consent(Struct, frozen=True, kw_only=True):
    """One statement of a customer, stored for ever; the latest of a purpose and channel counts.

    `wording` names the text that was shown, `source` where it was given, `actor` who recorded it.
    """

    purpose: Purpose
    channel: MessageChannel
    action: ConsentAction
    at: datetime
    source: str
    actor: str
    basis: LegalBasis = LegalBasis.CONSENT
    wording: Annotated[str, Meta(max_length=200)] = ""
    locale: Locale | None = None


class Permission(Struct, frozen=True):
    """The consent in force for one purpose on one channel, and since when."""

    purpose: Purpose
    channel: MessageChannel
    granted: bool
    since: datetime


Consents = Mapping[tuple[Purpose, MessageChannel], Permission]


def derive_permissions(
    statements: Iterable[Consent],
) -> dict[tuple[Purpose, MessageChannel], Permission]:
    """Computes the consent in force after `statements`, given oldest first."""
    return {
        (said.purpose, said.channel): Permission(
            said.purpose, said.channel, said.action is ConsentAction.GRANTED, said.at
        )
        for said in statements
    }


class SuppressionReason(StrEnum):
    """The reason why a message did not go out, or not on this channel, or not now."""

    NO_ADDRESS = "no_address"
    NO_PROVIDER = "no_provider"
    NOT_STATED = "not_stated"
    GIVEN_UP = "given_up"
    SECOND_CHOICE = "second_choice"
    NO_CONSENT = "no_consent"
    SNOOZED = "snoozed"
    CAPPED = "capped"
    QUIET = "quiet"
    NO_CHANNEL = "no_channel"
    NOT_WAITING = "not_waiting"
    STALE = "stale"
    NO_SELLABLE_ITEM = "no_sellable_item"
    NO_ANSWER = "no_answer"
    BROKEN = "broken"


def check_permission(
    purpose: Purpose,
    channel: MessageChannel,
    consents: Consents,
    preferences: Preferences,
    now: datetime,
    *,
    marketing_sent: int = 0,
) -> SuppressionReason | None:
    """Gives the reason why a message of `purpose` may not go out on `channel`; None when it may.

    `marketing_sent` counts the advertising of the last seven days.
    """
    if purpose is Purpose.SERVICE:
        return None
    said = consents.get((purpose, channel))
    if said is None or not said.granted:
        return SuppressionReason.NO_CONSENT
    if preferences.snooze_until and now < preferences.snooze_until:
        return SuppressionReason.SNOOZED
    most = preferences.weekly_maximum
    return SuppressionReason.CAPPED if most is not None and marketing_sent >= most else None


class ContactAddresses(Struct, frozen=True):
    """The addresses at which a person can be reached."""

    email: str | None = None
    phone: str | None = None

    def address_for(self, channel: MessageChannel) -> str | None:
        if channel is MessageChannel.EMAIL:
            return self.email
        return self.phone if channel in PHONE_CHANNELS else None


PHONE_CHANNELS: Final = frozenset(
    {
        MessageChannel.SMS,
        MessageChannel.WHATSAPP,
        MessageChannel.RCS,
        MessageChannel.VIBER,
        MessageChannel.CALL,
    }
)
IMPLIED: Final = (MessageChannel.EMAIL, MessageChannel.SMS)
"""The default channels without a stated preference; every other channel needs a request."""


class ChannelStep(Struct, frozen=True):
    """A channel and why it is not the one; `reason` is None for the one that is."""

    channel: MessageChannel
    reason: SuppressionReason | None = None


def rank_channels(
    purpose: Purpose,
    addresses: ContactAddresses,
    preferences: Preferences,
    consents: Consents,
    *,
    open_channels: Collection[MessageChannel],
    failed_channels: Collection[MessageChannel],
    now: datetime,
) -> list[ChannelStep]:
    """Every channel, best first: the one to use has no reason, each other has one."""
    stated = preferences.preferred_channels
    ranking = [*stated, *(channel for channel in IMPLIED if channel not in stated)]
    rest = [channel for channel in MessageChannel if channel not in ranking]
    steps: list[ChannelStep] = []
    found = False
    for channel in (*ranking, *rest):
        reason = _find_exclusion_reason(channel, addresses, open_channels, failed_channels, ranking)
        reason = reason or check_permission(purpose, channel, consents, preferences, now)
        steps.append(
            ChannelStep(channel, reason or (SuppressionReason.SECOND_CHOICE if found else None))
        )
        found = found or reason is None
    return steps


def _find_exclusion_reason(
    channel: MessageChannel,
    addresses: ContactAddresses,
    open_channels: Collection[MessageChannel],
    failed_channels: Collection[MessageChannel],
    ranking: Collection[MessageChannel],
) -> SuppressionReason | None:
    if channel not in ranking:
        return SuppressionReason.NOT_STATED
    if channel not in open_channels:
        return SuppressionReason.NO_PROVIDER
    if addresses.address_for(channel) is None:
        return SuppressionReason.NO_ADDRESS
    return SuppressionReason.GIVEN_UP if channel in failed_channels else None


def choose_channel(steps: Iterable[ChannelStep]) -> MessageChannel | None:
    return next((step.channel for step in steps if step.reason is None), None)
