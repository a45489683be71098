"""The one gate: what may be sent to whom on which channel, and why not."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.contact.channels import MessageChannel
from domain.contact.consent import (
    IMPLIED,
    Consent,
    ConsentAction,
    ContactAddresses,
    Purpose,
    SuppressionReason,
    check_permission,
    choose_channel,
    derive_permissions,
    rank_channels,
)
from domain.contact.preferences import NO_PREFERENCES, Preferences

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EVERYTHING = ContactAddresses("reader@example.com", "+46701740605")


def word(
    action: ConsentAction,
    channel: MessageChannel = MessageChannel.EMAIL,
    purpose: Purpose = Purpose.MARKETING,
) -> Consent:
    return Consent(
        purpose=purpose, channel=channel, action=action, at=NOW, source="test", actor="test"
    )


GRANTED, DENIED, WITHDRAWN = ConsentAction.GRANTED, ConsentAction.DENIED, ConsentAction.WITHDRAWN


@pytest.mark.parametrize(
    ("purpose", "words", "reason"),
    [
        # A message about one's own order needs no yes, and no "no" to advertising stops it.
        (Purpose.SERVICE, [], None),
        (Purpose.SERVICE, [word(WITHDRAWN)], None),
        (Purpose.SERVICE, [word(DENIED)], None),
        # Advertising needs a yes for this very channel and purpose; the latest word counts.
        (Purpose.MARKETING, [], SuppressionReason.NO_CONSENT),
        (Purpose.MARKETING, [word(GRANTED)], None),
        (Purpose.MARKETING, [word(DENIED)], SuppressionReason.NO_CONSENT),
        (Purpose.MARKETING, [word(GRANTED), word(WITHDRAWN)], SuppressionReason.NO_CONSENT),
        (Purpose.MARKETING, [word(WITHDRAWN), word(GRANTED)], None),
        (Purpose.MARKETING, [word(GRANTED, MessageChannel.SMS)], SuppressionReason.NO_CONSENT),
        (Purpose.MARKETING, [word(GRANTED), word(WITHDRAWN, MessageChannel.SMS)], None),
        (
            Purpose.MARKETING,
            [word(GRANTED, purpose=Purpose.PROFILING)],
            SuppressionReason.NO_CONSENT,
        ),
        # Every other purpose is asked for as well.
        (Purpose.RESEARCH, [word(GRANTED)], SuppressionReason.NO_CONSENT),
        (Purpose.AD_AUDIENCE, [word(GRANTED)], SuppressionReason.NO_CONSENT),
        (Purpose.RESEARCH, [word(GRANTED, purpose=Purpose.RESEARCH)], None),
    ],
)
def test_what_was_said_decides(
    purpose: Purpose, words: list[Consent], reason: SuppressionReason | None
):
    given = derive_permissions(words)

    assert check_permission(purpose, MessageChannel.EMAIL, given, NO_PREFERENCES, NOW) is reason


@pytest.mark.parametrize(
    ("stated", "sent", "reason"),
    [
        (NO_PREFERENCES, 1000, None),
        (Preferences(weekly_maximum=2), 1, None),
        (Preferences(weekly_maximum=2), 2, SuppressionReason.CAPPED),
        (Preferences(weekly_maximum=0), 0, SuppressionReason.CAPPED),
        (Preferences(snooze_until=NOW + timedelta(seconds=1)), 0, SuppressionReason.SNOOZED),
        (Preferences(snooze_until=NOW), 0, None),
    ],
)
def test_a_yes_has_the_limits_that_go_with_it(
    stated: Preferences, sent: int, reason: SuppressionReason | None
):
    given = derive_permissions([word(GRANTED)])

    assert (
        check_permission(
            Purpose.MARKETING, MessageChannel.EMAIL, given, stated, NOW, marketing_sent=sent
        )
        is reason
    )
    assert check_permission(Purpose.SERVICE, MessageChannel.EMAIL, given, stated, NOW) is None


def steps(
    addresses: ContactAddresses = EVERYTHING,
    *,
    stated: list[MessageChannel] | None = None,
    open_channels: frozenset[MessageChannel] = frozenset(MessageChannel),
    failed_channels: list[MessageChannel] | None = None,
) -> dict[MessageChannel, SuppressionReason | None]:
    found = rank_channels(
        Purpose.SERVICE,
        addresses,
        Preferences(preferred_channels=stated or []),
        {},
        open_channels=open_channels,
        failed_channels=failed_channels or [],
        now=NOW,
    )
    return {step.channel: step.reason for step in found}


@pytest.mark.parametrize(
    ("stated", "channel"),
    [
        ([], MessageChannel.EMAIL),
        ([MessageChannel.SMS], MessageChannel.SMS),
        ([MessageChannel.WHATSAPP, MessageChannel.EMAIL], MessageChannel.WHATSAPP),
        ([MessageChannel.PUSH, MessageChannel.SMS], MessageChannel.SMS),
        ([MessageChannel.PUSH, MessageChannel.LETTER], MessageChannel.EMAIL),
    ],
)
def test_the_stated_order_counts_as_far_as_it_leads_anywhere(
    stated: list[MessageChannel], channel: MessageChannel
):
    reasons = steps(stated=stated)

    assert [one for one, reason in reasons.items() if reason is None] == [channel]
    assert set(reasons) == set(MessageChannel)


def test_every_channel_that_is_not_the_one_says_why():
    reasons = steps(
        ContactAddresses(email="reader@example.com"),
        stated=[MessageChannel.SMS, MessageChannel.EMAIL, MessageChannel.PUSH, MessageChannel.RCS],
        open_channels=frozenset(MessageChannel) - {MessageChannel.RCS},
    )

    assert reasons[MessageChannel.SMS] is SuppressionReason.NO_ADDRESS
    assert reasons[MessageChannel.EMAIL] is None
    assert reasons[MessageChannel.PUSH] is SuppressionReason.NO_ADDRESS
    assert reasons[MessageChannel.RCS] is SuppressionReason.NO_PROVIDER
    assert reasons[MessageChannel.VIBER] is SuppressionReason.NOT_STATED


def test_what_failed_is_passed_over_and_what_comes_second_is_named():
    assert steps()[MessageChannel.SMS] is SuppressionReason.SECOND_CHOICE
    assert steps(failed_channels=[MessageChannel.EMAIL]) == {
        **dict.fromkeys(MessageChannel, SuppressionReason.NOT_STATED),
        MessageChannel.EMAIL: SuppressionReason.GIVEN_UP,
        MessageChannel.SMS: None,
    }


def test_nobody_is_reached_who_gave_no_address():
    found = rank_channels(
        Purpose.SERVICE,
        ContactAddresses(),
        NO_PREFERENCES,
        {},
        open_channels=frozenset(MessageChannel),
        failed_channels=[],
        now=NOW,
    )

    assert choose_channel(found) is None
    assert {step.reason for step in found if step.channel in IMPLIED} == {
        SuppressionReason.NO_ADDRESS
    }
