"""What the shop asks of Stripe, and how it understands what it is answered."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from adapters.stripe.provider import StripeProvider
from domain.kernel.ids import AttemptId, OrderId, TransactionId
from domain.kernel.money import Money
from domain.payments.attempts import (
    FailedRefund,
    ProviderOutcome,
    ProviderOutcomeConfirmed,
    ProviderOutcomeDeclined,
    ProviderOutcomeUnknown,
    ProviderPaymentStage,
)
from service.payments.ports import AuthorisationRequest
from tests.support.fake_stripe import (
    ASKS_THE_BANK,
    DECLINED,
    GOOD,
    SECRET_KEY,
    SLOW,
    FakeStripe,
    Fault,
    running,
)

KEY = TransactionId("ptx_authorise")
ATTEMPT = AttemptId("pay_1")


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with running() as fake:
        yield fake


@pytest.fixture
async def stripe(fake: FakeStripe) -> AsyncIterator[StripeProvider]:
    stripe = StripeProvider(SECRET_KEY, base_url=fake.url, timeout_s=2)
    yield stripe
    await stripe.close()


def wanted(card: str = "", amount: int = 1000) -> AuthorisationRequest:
    return AuthorisationRequest(ATTEMPT, OrderId("ord_1"), Money(amount, "SEK"), card)


def told(outcome: ProviderOutcome | None) -> ProviderOutcomeConfirmed:
    assert isinstance(outcome, ProviderOutcomeConfirmed), outcome
    return outcome


async def reserved(stripe: StripeProvider) -> str:
    return told(await stripe.authorise(wanted(GOOD), key=KEY)).payment.payment


@pytest.mark.parametrize(
    ("card", "stage", "authorised"),
    [
        ("", ProviderPaymentStage.OPEN, 0),
        (GOOD, ProviderPaymentStage.AUTHORISED, 1000),
        (DECLINED, ProviderPaymentStage.DECLINED, 0),
        (ASKS_THE_BANK, ProviderPaymentStage.OPEN, 0),
        (SLOW, ProviderPaymentStage.PROCESSING, 0),
    ],
)
async def test_what_becomes_of_a_card(
    stripe: StripeProvider, card: str, stage: ProviderPaymentStage, authorised: int
):
    truth = told(await stripe.authorise(wanted(card), key=KEY)).payment

    assert (truth.status, truth.authorised, truth.captured) == (stage, authorised, 0)
    assert truth.client_secret == f"{truth.payment}_secret_sample"
    assert (truth.next_action is not None) == (card == ASKS_THE_BANK)
    assert truth.code == ("do_not_honor" if card == DECLINED else "")


async def test_nothing_is_taken_before_it_is_captured_and_the_rest_is_free(
    fake: FakeStripe, stripe: StripeProvider
):
    payment = await reserved(stripe)
    before = fake.book()[payment]
    truth = told(await stripe.capture(payment, 700)).payment

    assert before == ("requires_capture", 1000, 0, 0)
    assert fake.book()[payment] == ("succeeded", 0, 700, 0)
    assert (truth.status, truth.captured) == (ProviderPaymentStage.CAPTURED, 700)
    assert fake.only["metadata"] == {"order": "ord_1", "attempt": "pay_1"}


@pytest.mark.parametrize("fault", [Fault.HANGS, Fault.HANGS_UP, Fault.BREAKS_AFTER])
async def test_a_repeat_after_a_lost_answer_charges_once(
    fake: FakeStripe, stripe: StripeProvider, fault: Fault
):
    fake.will("create", fault)
    fake.will("capture", fault)
    first = await stripe.authorise(wanted(GOOD), key=KEY)
    second = await stripe.authorise(wanted(GOOD), key=KEY, again=True)
    payment = told(second).payment.payment
    lost = await stripe.capture(payment, 1000)
    again = await stripe.capture(payment, 1000, again=True)

    assert isinstance(first, ProviderOutcomeUnknown)
    assert isinstance(lost, ProviderOutcomeUnknown)
    assert told(again).payment.captured == 1000
    assert fake.book() == {payment: ("succeeded", 0, 1000, 0)}


@pytest.mark.parametrize("fault", [Fault.HANGS, Fault.HANGS_UP, Fault.BREAKS_AFTER])
async def test_a_refund_whose_answer_was_lost_is_made_once(
    fake: FakeStripe, stripe: StripeProvider, fault: Fault
):
    payment = await reserved(stripe)
    await stripe.capture(payment, 1000)
    fake.will("refund", fault)
    key = TransactionId("ptx_refund")
    lost = await stripe.refund(payment, 300, key=key)
    again = await stripe.refund(payment, 300, key=key, again=True)

    assert isinstance(lost, ProviderOutcomeUnknown)
    assert (told(again).receipt, told(again).payment.refunded) == (fake.refunds[0]["id"], 300)
    assert fake.book()[payment] == ("succeeded", 0, 1000, 300)


async def test_a_refund_that_fails_days_later_is_told(fake: FakeStripe, stripe: StripeProvider):
    payment = await reserved(stripe)
    await stripe.capture(payment, 1000)
    refund = told(await stripe.refund(payment, 300, key=TransactionId("ptx_refund"))).receipt
    before = told(await stripe.get_payment(payment)).payment
    fake.sends_back(refund, "lost_or_stolen_card")
    after = told(await stripe.get_payment(payment)).payment

    assert before.failed_refunds == ()
    assert after.failed_refunds == (FailedRefund(refund, 300, "lost_or_stolen_card"),)
    assert (before.refunded, after.refunded) == (300, 300)


async def test_of_many_refunds_none_is_overlooked(fake: FakeStripe, stripe: StripeProvider):
    payment = await reserved(stripe)
    await stripe.capture(payment, 1000)
    for number in range(12):
        await stripe.refund(payment, 10, key=TransactionId(f"ptx_{number}"))
    fake.sends_back(fake.refunds[0]["id"])  # the oldest, which a charge shows no more
    truth = told(await stripe.get_payment(payment)).payment

    assert (truth.refunded, len(truth.failed_refunds)) == (120, 1)


async def test_a_key_of_before_brings_the_first_payment_again(
    fake: FakeStripe, stripe: StripeProvider
):
    first = told(await stripe.authorise(wanted(GOOD), key=KEY))
    second = told(await stripe.authorise(wanted(GOOD), key=KEY))
    other = await stripe.authorise(wanted(GOOD, amount=1), key=KEY)

    assert first == second
    assert other == ProviderOutcomeUnknown("idempotency_error")
    assert len(fake.intents) == 1


async def test_what_cannot_be_done_any_more_says_how_it_stands(
    fake: FakeStripe, stripe: StripeProvider
):
    payment = await reserved(stripe)
    await stripe.capture(payment, 1000)
    void = await stripe.void(payment)

    assert isinstance(void, ProviderOutcomeDeclined)
    assert void.code == "payment_intent_unexpected_state"
    assert void.payment is not None
    assert (void.payment.status, void.payment.captured) == (ProviderPaymentStage.CAPTURED, 1000)


async def test_more_than_was_taken_is_not_given_back(fake: FakeStripe, stripe: StripeProvider):
    payment = await reserved(stripe)
    await stripe.capture(payment, 500)

    assert await stripe.refund(payment, 501, key=TransactionId("ptx_1")) == ProviderOutcomeDeclined(
        "charge_already_refunded"
    )
    assert fake.refunds == []


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.BUSY, ProviderOutcomeUnknown("rate_limit")),
        (Fault.BUSY_FOR_A_WHILE, ProviderOutcomeUnknown("rate_limit", timedelta(seconds=1))),
        (Fault.BREAKS_BEFORE, ProviderOutcomeUnknown("api_error")),
    ],
)
async def test_a_provider_in_trouble_is_asked_again_when_it_says(
    fake: FakeStripe, stripe: StripeProvider, fault: Fault, outcome: ProviderOutcomeUnknown
):
    fake.will("create", fault)

    assert await stripe.authorise(wanted(GOOD), key=KEY) == outcome
    assert fake.intents == {}


async def test_a_provider_that_is_away_leaves_us_unsure(fake: FakeStripe, stripe: StripeProvider):
    fake.dead = True

    assert isinstance(await stripe.authorise(wanted(GOOD), key=KEY), ProviderOutcomeUnknown)
    assert isinstance(await stripe.get_payment("pi_1"), ProviderOutcomeUnknown)


async def test_a_key_that_the_provider_does_not_know_fails_the_shopper_and_no_capture(
    fake: FakeStripe,
):
    stranger = StripeProvider("sk_test_of_nobody", base_url=fake.url)

    assert await stranger.authorise(wanted(GOOD), key=KEY) == ProviderOutcomeDeclined(
        "unauthorized"
    )
    assert await stranger.capture("pi_1", 1) == ProviderOutcomeUnknown("unauthorized")
    await stranger.close()


async def test_an_attempt_is_found_by_its_name_or_there_is_none(
    fake: FakeStripe, stripe: StripeProvider
):
    payment = await reserved(stripe)

    assert told(await stripe.find_payment(ATTEMPT)).payment.payment == payment
    assert await stripe.find_payment(AttemptId("pay_2")) is None


async def test_a_payment_that_is_disputed_says_so(fake: FakeStripe, stripe: StripeProvider):
    payment = await reserved(stripe)
    fake.disputes(payment)

    assert told(await stripe.get_payment(payment)).payment.disputed
