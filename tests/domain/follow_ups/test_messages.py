"""What becomes of a message, by every answer there is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contact.channels import (
    DeliveryFault,
    DeliveryOutcome,
    DeliveryUnknown,
    MessageAccepted,
    MessageChannel,
    MessageRejected,
)
from domain.contact.consent import ChannelStep, Purpose
from domain.follow_ups.messages import (
    LEASE_TTL,
    MAX_BLIND_TRIES,
    MAX_DELAY,
    MAX_TRIES,
    TRANSITIONS,
    Message,
    MessageKind,
    MessageReference,
    MessageState,
)
from domain.kernel.ids import MessageId

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def planned(kind: MessageKind = MessageKind.PICKUP_READY) -> Message:
    return Message(
        id=MessageId("msg_1"),
        kind=kind,
        key="pku_1:1",
        about=MessageReference(),
        planned_for=NOW,
        send_before=NOW + timedelta(days=7),
        created_at=NOW,
        changed_at=NOW,
    )


def claimed(kind: MessageKind = MessageKind.PICKUP_READY) -> Message:
    return planned(kind).claim(
        [ChannelStep(MessageChannel.EMAIL)],
        MessageChannel.EMAIL,
        now=NOW,
        purpose=Purpose.SERVICE,
        locale="en",
        subject="Ready",
    )


def test_a_claim_lasts_as_long_as_its_lease():
    message = claimed()

    assert (message.state, message.leased_until) == (MessageState.CLAIMED, NOW + LEASE_TTL)
    assert (message.tries, message.claims, message.channel) == (1, 1, MessageChannel.EMAIL)


@pytest.mark.parametrize(
    ("kind", "outcome", "state", "again_after"),
    [
        (MessageKind.THANK_YOU, MessageAccepted("id"), MessageState.SENT, None),
        (MessageKind.THANK_YOU, DeliveryUnknown("lost"), MessageState.UNKNOWN, None),
        (
            MessageKind.PICKUP_READY,
            DeliveryUnknown("lost"),
            MessageState.PLANNED,
            timedelta(seconds=30),
        ),
        *[
            (
                MessageKind.THANK_YOU,
                MessageRejected(fault, "x"),
                MessageState.PLANNED,
                timedelta(seconds=30),
            )
            for fault in (
                DeliveryFault.THROTTLED,
                DeliveryFault.TRANSIENT,
                DeliveryFault.AUTH,
                DeliveryFault.CONFIG,
            )
        ],
        *[
            (MessageKind.THANK_YOU, MessageRejected(fault, "x"), MessageState.PLANNED, timedelta(0))
            for fault in (
                DeliveryFault.PERMANENT_ADDRESS,
                DeliveryFault.PERMANENT_CONTENT,
                DeliveryFault.CONSENT,
                DeliveryFault.WINDOW_CLOSED,
            )
        ],
    ],
)
def test_every_answer_has_its_consequence(
    kind: MessageKind, outcome: DeliveryOutcome, state: MessageState, again_after: timedelta | None
):
    message = claimed(kind).apply_outcome(outcome, NOW)

    assert message.state is state
    assert message.leased_until is None
    if again_after is not None:
        assert message.planned_for == NOW + again_after


def test_a_channel_that_failed_for_good_is_given_up():
    message = claimed().apply_outcome(
        MessageRejected(DeliveryFault.PERMANENT_ADDRESS, "5.1.1"), NOW
    )

    assert (message.failed_channels, message.tries) == ([MessageChannel.EMAIL], 0)


def test_a_trouble_that_never_passes_gives_the_channel_up():
    message = claimed()
    pauses = []
    while not message.failed_channels:
        message = message.apply_outcome(
            MessageRejected(DeliveryFault.TRANSIENT, "4.2.2"), message.changed_at
        )
        pauses.append(message.planned_for - message.changed_at)
        message = message.claim([], MessageChannel.EMAIL, now=message.planned_for)

    assert len(pauses) == MAX_TRIES
    assert pauses[:3] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert max(pauses) <= MAX_DELAY
    assert pauses[-1] == timedelta(0)


def test_a_provider_that_loses_every_answer_does_not_get_one_message_for_ever():
    message = planned()
    claims = 0
    while message.state is MessageState.PLANNED:
        message = message.claim([], MessageChannel.EMAIL, now=NOW).apply_outcome(
            DeliveryUnknown("lost"), NOW
        )
        claims += 1

    assert (message.state, claims) == (MessageState.UNKNOWN, MAX_BLIND_TRIES)


def test_only_a_yes_counts_when_it_comes_late():
    given_back = claimed().mark_unconfirmed("lease_over", NOW)

    assert given_back.expects_outcome(1, MessageAccepted("late"))
    assert not given_back.expects_outcome(1, MessageRejected(DeliveryFault.TRANSIENT, "4.2.2"))
    assert not given_back.expects_outcome(2, MessageAccepted("another claim"))
    assert given_back.apply_outcome(MessageAccepted("late"), NOW).state is MessageState.SENT


def test_a_reader_who_sleeps_past_the_last_moment_is_not_woken():
    message = planned().defer(NOW + timedelta(days=8), "quiet", NOW)  # type: ignore[arg-type]

    assert (message.state, message.reason) == (MessageState.EXPIRED, "stale")


faults = st.sampled_from(list(DeliveryFault)).map(lambda fault: MessageRejected(fault, "x"))
outcomes = st.one_of(faults, st.just(DeliveryUnknown("lost")), st.just(MessageAccepted("id")))


@given(st.sampled_from(list(MessageKind)), st.lists(outcomes, max_size=40))
def test_whatever_providers_answer_only_known_moves_are_made(
    kind: MessageKind, answers: list[DeliveryOutcome]
):
    message = planned(kind)
    for answer in answers:
        if message.state is not MessageState.PLANNED:
            break
        message = message.claim([], MessageChannel.EMAIL, now=NOW).apply_outcome(answer, NOW)

    sent = [one for one in answers if isinstance(one, MessageAccepted)]
    assert (message.state is MessageState.SENT) <= bool(sent)
    assert (message.sent_at is not None) == (message.state is MessageState.SENT)


def test_every_state_has_its_moves_and_the_last_ones_have_none():
    final = {state for state, moves in TRANSITIONS.items() if not moves}

    assert set(TRANSITIONS) == set(MessageState)
    assert final == {
        MessageState.READ,
        MessageState.FAILED,
        MessageState.UNDELIVERABLE,
        MessageState.EXPIRED,
        MessageState.CANCELLED,
        MessageState.SUPPRESSED,
    }
