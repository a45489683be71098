"""Only what Stripe has signed, and lately, is listened to."""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from adapters.stripe.events import StripeEvents
from domain.kernel.errors import Invalid
from domain.kernel.ids import AttemptId
from domain.payments.attempts import InvalidSignature
from service.payments.ports import ProviderEvent
from tests.support.fake_stripe import OLD_SIGNING, SIGNING, signed

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
INTENT = {"object": "payment_intent", "id": "pi_1", "metadata": {"attempt": "pay_1"}}


def event(thing: dict[str, Any], kind: str = "payment_intent.succeeded") -> dict[str, Any]:
    return {"id": "evt_1", "type": kind, "created": 1, "data": {"object": thing}, "new": [1]}


def read(
    body: bytes, headers: dict[str, str], *secrets: str, now: datetime = NOW
) -> ProviderEvent | None:
    lower = {name.lower(): value for name, value in headers.items()}
    return StripeEvents(secrets or [SIGNING]).parse(lower, body, now)


@pytest.mark.parametrize("secrets", [[SIGNING], [OLD_SIGNING, SIGNING], [SIGNING, "whsec_next"]])
def test_one_right_signature_among_several_is_enough(secrets: list[str]):
    body, headers = signed(event(INTENT), *secrets, at=NOW.timestamp())

    assert read(body, headers) == ProviderEvent(
        "evt_1", "payment_intent.succeeded", "pi_1", AttemptId("pay_1")
    )


def test_the_secret_of_before_counts_as_long_as_it_is_kept():
    body, headers = signed(event(INTENT), OLD_SIGNING, at=NOW.timestamp())

    assert read(body, headers, SIGNING, OLD_SIGNING) is not None
    with pytest.raises(InvalidSignature):
        read(body, headers, SIGNING)


@pytest.mark.parametrize("late", [timedelta(seconds=301), timedelta(seconds=-301)])
def test_what_was_signed_more_than_five_minutes_away_is_nobodys(late: timedelta):
    body, headers = signed(event(INTENT), at=NOW.timestamp())

    assert read(body, headers, now=NOW + late * 299 / 301) is not None
    with pytest.raises(InvalidSignature):
        read(body, headers, now=NOW + late)


def test_a_changed_body_is_nobodys():
    body, headers = signed(event(INTENT), at=NOW.timestamp())

    with pytest.raises(InvalidSignature):
        read(body.replace(b"pi_1", b"pi_2"), headers)


@pytest.mark.parametrize(
    "header",
    ["", "t=", "v1=abc", "t=1", "t=x,v1=y", "t=²,v1=é", "t=99999999999999999999,v1=a", ",,="],
)
def test_a_header_that_makes_no_sense_is_nobodys(header: str):
    with pytest.raises(InvalidSignature):
        read(b"{}", {"Stripe-Signature": header})


@pytest.mark.parametrize(
    ("thing", "payment"),
    [
        ({"object": "charge", "id": "ch_1", "payment_intent": "pi_1", "metadata": {}}, "pi_1"),
        ({"object": "dispute", "id": "dp_1", "payment_intent": "pi_1"}, "pi_1"),
        ({"object": "customer", "id": "cus_1"}, None),
        ({"object": "charge", "id": "ch_1", "payment_intent": None}, None),
    ],
)
def test_a_notice_names_the_payment_or_concerns_nobody(thing: dict[str, Any], payment: str | None):
    notice = read(*signed(event(thing), at=NOW.timestamp()))

    assert (notice and notice.payment) == payment


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": 1}', b"\xff"])
def test_what_is_signed_and_still_no_event_is_refused(body: bytes):
    stamp = str(int(NOW.timestamp()))
    proof = hmac.new(SIGNING.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()

    with pytest.raises(Invalid):
        read(body, {"Stripe-Signature": f"t={stamp},v1={proof}"})
