"""The one gate: what may be sent to whom on which channel, and why not."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.contact.channels import MessageChannel
from domain.contact.consent import (
    IMPLIED,
    Action,
    Addresses,
    Consent,
    Purpose,
    Reason,
    check_permission,
    choose_channel,
    permissions,
    rank_channels,
)
from domain.contact.preferences import NOTHING_STATED, Preferences

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EVERYTHING = Addresses("reader@example.com", "+46701740605")


def word(
    action: Action,
    channel: MessageChannel = MessageChannel.EMAIL,
    purpose: Purpose = Purpose.MARKETING,
) -> Consent:
    return Consent(
        purpose=purpose, channel=channel, action=action, at=NOW, source="test", actor="test"
    )


GRANTED, DENIED, WITHDRAWN = Action.GRANTED, Action.DENIED, Action.WITHDRAWN


@pytest.mark.parametrize(
    ("purpose", "words", "reason"),
    [
        # A message about one's own order needs no yes, and no "no" to advertising stops it.
        (Purpose.SERVICE, [], None),
        (Purpose.SERVICE, [word(WITHDRAWN)], None),
        (Purpose.SERVICE, [word(DENIED)], None),
        # Advertising needs a yes for this very channel and purpose; the latest word counts.
        (Purpose.MARKETING, [], Reason.NO_CONSENT),
        (Purpose.MARKETING, [word(GRANTED)], None),
        (Purpose.MARKETING, [word(DENIED)], Reason.NO_CONSENT),
        (Purpose.MARKETING, [word(GRANTED), word(WITHDRAWN)], Reason.NO_CONSENT),
        (Purpose.MARKETING, [word(WITHDRAWN), word(GRANTED)], None),
        (Purpose.MARKETING, [word(GRANTED, MessageChannel.SMS)], Reason.NO_CONSENT),
        (Purpose.MARKETING, [word(GRANTED), word(WITHDRAWN, MessageChannel.SMS)], None),
        (
            Purpose.MARKETING,
            [word(GRANTED, purpose=Purpose.PROFILING)],
            Reason.NO_CONSENT,
        ),
        # Every other purpose is asked for as well.
        (Purpose.RESEARCH, [word(GRANTED)], Reason.NO_CONSENT),
        (Purpose.AD_AUDIENCE, [word(GRANTED)], Reason.NO_CONSENT),
        (Purpose.RESEARCH, [word(GRANTED, purpose=Purpose.RESEARCH)], None),
    ],
)
def test_what_was_said_decides(purpose: Purpose, words: list[Consent], reason: Reason | None):
    given = permissions(words)

    assert check_permission(purpose, MessageChannel.EMAIL, given, NOTHING_STATED, NOW) is reason


@pytest.mark.parametrize(
    ("stated", "sent", "reason"),
    [
        (NOTHING_STATED, 1000, None),
        (Preferences(weekly_maximum=2), 1, None),
        (Preferences(weekly_maximum=2), 2, Reason.CAPPED),
        (Preferences(weekly_maximum=0), 0, Reason.CAPPED),
        (Preferences(snooze_until=NOW + timedelta(seconds=1)), 0, Reason.SNOOZED),
        (Preferences(snooze_until=NOW), 0, None),
    ],
)
def test_a_yes_has_the_limits_that_go_with_it(
    stated: Preferences, sent: int, reason: Reason | None
):
    given = permissions([word(GRANTED)])

    assert (
        check_permission(
            Purpose.MARKETING, MessageChannel.EMAIL, given, stated, NOW, marketing_sent=sent
        )
        is reason
    )
    assert check_permission(Purpose.SERVICE, MessageChannel.EMAIL, given, stated, NOW) is None


def steps(
    addresses: Addresses = EVERYTHING,
    *,
    stated: list[MessageChannel] | None = None,
    open_channels: frozenset[MessageChannel] = frozenset(MessageChannel),
    given_up: list[MessageChannel] | None = None,
) -> dict[MessageChannel, Reason | None]:
    found = rank_channels(
        Purpose.SERVICE,
        addresses,
        Preferences(preferred_channels=stated or []),
        {},
        open_channels=open_channels,
        given_up=given_up or [],
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
        Addresses(email="reader@example.com"),
        stated=[MessageChannel.SMS, MessageChannel.EMAIL, MessageChannel.PUSH, MessageChannel.RCS],
        open_channels=frozenset(MessageChannel) - {MessageChannel.RCS},
    )

    assert reasons[MessageChannel.SMS] is Reason.NO_ADDRESS
    assert reasons[MessageChannel.EMAIL] is None
    assert reasons[MessageChannel.PUSH] is Reason.NO_ADDRESS
    assert reasons[MessageChannel.RCS] is Reason.NO_PROVIDER
    assert reasons[MessageChannel.VIBER] is Reason.NOT_STATED


def test_what_failed_is_passed_over_and_what_comes_second_is_named():
    assert steps()[MessageChannel.SMS] is Reason.SECOND_CHOICE
    assert steps(given_up=[MessageChannel.EMAIL]) == {
        **dict.fromkeys(MessageChannel, Reason.NOT_STATED),
        MessageChannel.EMAIL: Reason.GIVEN_UP,
        MessageChannel.SMS: None,
    }


def test_nobody_is_reached_who_gave_no_address():
    found = rank_channels(
        Purpose.SERVICE,
        Addresses(),
        NOTHING_STATED,
        {},
        open_channels=frozenset(MessageChannel),
        given_up=[],
        now=NOW,
    )

    assert choose_channel(found) is None
    assert {step.reason for step in found if step.channel in IMPLIED} == {Reason.NO_ADDRESS}
