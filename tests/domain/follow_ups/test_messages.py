"""What becomes of a message, by every answer there is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contact.channels import Accepted, Channel, Fault, Outcome, Rejected, Unclear
from domain.contact.consent import Purpose, Step
from domain.follow_ups.messages import (
    LEASE,
    LONGEST_PAUSE,
    MOST_BLIND_TRIES,
    MOST_TRIES,
    MOVES,
    About,
    Kind,
    Message,
    MessageState,
)
from domain.kernel.ids import MessageId

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def planned(kind: Kind = Kind.PICKUP_READY) -> Message:
    return Message(
        id=MessageId("msg_1"),
        kind=kind,
        key="pku_1:1",
        about=About(),
        planned_for=NOW,
        not_after=NOW + timedelta(days=7),
        created_at=NOW,
        changed_at=NOW,
    )


def claimed(kind: Kind = Kind.PICKUP_READY) -> Message:
    return planned(kind).claim(
        [Step(Channel.EMAIL)],
        Channel.EMAIL,
        now=NOW,
        purpose=Purpose.SERVICE,
        locale="en",
        subject="Ready",
    )


def test_a_claim_lasts_as_long_as_its_lease():
    message = claimed()

    assert (message.state, message.leased_until) == (MessageState.CLAIMED, NOW + LEASE)
    assert (message.tries, message.claims, message.channel) == (1, 1, Channel.EMAIL)


@pytest.mark.parametrize(
    ("kind", "outcome", "state", "again_after"),
    [
        (Kind.THANK_YOU, Accepted("id"), MessageState.SENT, None),
        (Kind.THANK_YOU, Unclear("lost"), MessageState.UNKNOWN, None),
        (Kind.PICKUP_READY, Unclear("lost"), MessageState.PLANNED, timedelta(seconds=30)),
        *[
            (Kind.THANK_YOU, Rejected(fault, "x"), MessageState.PLANNED, timedelta(seconds=30))
            for fault in (Fault.THROTTLED, Fault.TRANSIENT, Fault.AUTH, Fault.CONFIG)
        ],
        *[
            (Kind.THANK_YOU, Rejected(fault, "x"), MessageState.PLANNED, timedelta(0))
            for fault in (
                Fault.PERMANENT_ADDRESS,
                Fault.PERMANENT_CONTENT,
                Fault.CONSENT,
                Fault.WINDOW_CLOSED,
            )
        ],
    ],
)
def test_every_answer_has_its_consequence(
    kind: Kind, outcome: Outcome, state: MessageState, again_after: timedelta | None
):
    message = claimed(kind).answered(outcome, NOW)

    assert message.state is state
    assert message.leased_until is None
    if again_after is not None:
        assert message.planned_for == NOW + again_after


def test_a_channel_that_failed_for_good_is_given_up():
    message = claimed().answered(Rejected(Fault.PERMANENT_ADDRESS, "5.1.1"), NOW)

    assert (message.given_up, message.tries) == ([Channel.EMAIL], 0)


def test_a_trouble_that_never_passes_gives_the_channel_up():
    message = claimed()
    pauses = []
    while not message.given_up:
        message = message.answered(Rejected(Fault.TRANSIENT, "4.2.2"), message.changed_at)
        pauses.append(message.planned_for - message.changed_at)
        message = message.claim([], Channel.EMAIL, now=message.planned_for)

    assert len(pauses) == MOST_TRIES
    assert pauses[:3] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert max(pauses) <= LONGEST_PAUSE
    assert pauses[-1] == timedelta(0)


def test_a_provider_that_loses_every_answer_does_not_get_one_message_for_ever():
    message = planned()
    claims = 0
    while message.state is MessageState.PLANNED:
        message = message.claim([], Channel.EMAIL, now=NOW).answered(Unclear("lost"), NOW)
        claims += 1

    assert (message.state, claims) == (MessageState.UNKNOWN, MOST_BLIND_TRIES)


def test_only_a_yes_counts_when_it_comes_late():
    given_back = claimed().lost("lease_over", NOW)

    assert given_back.awaits(1, Accepted("late"))
    assert not given_back.awaits(1, Rejected(Fault.TRANSIENT, "4.2.2"))
    assert not given_back.awaits(2, Accepted("another claim"))
    assert given_back.answered(Accepted("late"), NOW).state is MessageState.SENT


def test_a_reader_who_sleeps_past_the_last_moment_is_not_woken():
    message = planned().defer(NOW + timedelta(days=8), "quiet", NOW)  # type: ignore[arg-type]

    assert (message.state, message.reason) == (MessageState.EXPIRED, "stale")


faults = st.sampled_from(list(Fault)).map(lambda fault: Rejected(fault, "x"))
outcomes = st.one_of(faults, st.just(Unclear("lost")), st.just(Accepted("id")))


@given(st.sampled_from(list(Kind)), st.lists(outcomes, max_size=40))
def test_whatever_providers_answer_only_known_moves_are_made(kind: Kind, answers: list[Outcome]):
    message = planned(kind)
    for answer in answers:
        if message.state is not MessageState.PLANNED:
            break
        message = message.claim([], Channel.EMAIL, now=NOW).answered(answer, NOW)

    sent = [one for one in answers if isinstance(one, Accepted)]
    assert (message.state is MessageState.SENT) <= bool(sent)
    assert (message.sent_at is not None) == (message.state is MessageState.SENT)


def test_every_state_has_its_moves_and_the_last_ones_have_none():
    final = {state for state, moves in MOVES.items() if not moves}

    assert set(MOVES) == set(MessageState)
    assert final == {
        MessageState.READ,
        MessageState.FAILED,
        MessageState.UNDELIVERABLE,
        MessageState.EXPIRED,
        MessageState.CANCELLED,
        MessageState.SUPPRESSED,
    }
