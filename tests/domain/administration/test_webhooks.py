"""How a webhook goes on after a try."""

from datetime import timedelta

import pytest

from domain.administration.webhooks import (
    GIVE_UP_AFTER,
    RETRY_DELAYS,
    DeliveryResult,
    WebhookState,
    apply_result,
)
from tests.support.examples import NOON, a_parcel

IN_VAIN = DeliveryResult(False, "503")


def test_what_was_taken_moves_the_place_on_and_ends_all_trouble():
    parcel = a_parcel(position=3, batch_end=9, attempts=4, failing_since=NOON - timedelta(hours=1))
    after = apply_result(parcel, DeliveryResult(True), NOON)

    assert (after.position, after.batch_end, after.attempts, after.last_error) == (9, None, 0, "")
    assert (after.failing_since, after.due_at) == (None, NOON)


def test_what_was_not_taken_stays_as_it_is_and_comes_again_later_and_later():
    pauses = [
        apply_result(a_parcel(position=3, batch_end=9, attempts=tries), IN_VAIN, NOON)
        for tries in range(len(RETRY_DELAYS) + 3)
    ]

    assert {(one.position, one.batch_end, one.state) for one in pauses} == {
        (3, 9, WebhookState.ACTIVE)
    }
    waits = [one.due_at - NOON for one in pauses]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=5), timedelta(hours=6))


@pytest.mark.parametrize(
    ("receipt", "since", "state"),
    [
        (IN_VAIN, None, WebhookState.ACTIVE),
        (IN_VAIN, NOON - GIVE_UP_AFTER + timedelta(seconds=1), WebhookState.ACTIVE),
        (IN_VAIN, NOON - GIVE_UP_AFTER, WebhookState.DISABLED),
        (DeliveryResult(False, "410", gone=True), None, WebhookState.DISABLED),
        (DeliveryResult(True), NOON - GIVE_UP_AFTER * 2, WebhookState.ACTIVE),
    ],
)
def test_after_days_in_vain_and_after_gone_it_is_over(receipt, since, state):
    assert apply_result(a_parcel(failing_since=since), receipt, NOON).state is state


def test_a_receiver_may_ask_for_more_patience_but_not_for_less():
    longer = apply_result(
        a_parcel(), DeliveryResult(False, "429", retry_after=timedelta(hours=1)), NOON
    )
    shorter = apply_result(a_parcel(), DeliveryResult(False, "429", retry_after=timedelta(0)), NOON)

    assert (longer.due_at, shorter.due_at) == (NOON + timedelta(hours=1), NOON + RETRY_DELAYS[0])
