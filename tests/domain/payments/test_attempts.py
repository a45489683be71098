"""Money by card, decided: whatever the provider says, in whatever order, it is counted once."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from domain.payments.attempts import (
    MAX_DELAY,
    TRANSITIONS,
    AttemptState,
    PaymentAttempt,
    ProviderOutcomeConfirmed,
    ProviderOutcomeDeclined,
    ProviderOutcomeUnknown,
    ProviderPayment,
    ProviderPaymentNotFound,
    ProviderPaymentStage,
    backoff,
    next_reconcile_at,
)
from domain.payments.transactions import (
    PlannedTransaction,
    Transaction,
    TransactionKind,
    TransactionState,
    next_transaction,
    refundable,
)
from tests.support.api.attempts import AMOUNT, a_transaction, an_attempt
from tests.support.examples import NOON

PAYMENT = "pi_1"


def truth(stage: ProviderPaymentStage, **figures: object) -> ProviderPayment:
    return ProviderPayment(PAYMENT, stage, **figures)  # type: ignore[arg-type]


OPEN = truth(ProviderPaymentStage.OPEN, client_secret="sample")
DECLINED = truth(ProviderPaymentStage.DECLINED, code="do_not_honor")
AUTHORISED = truth(ProviderPaymentStage.AUTHORISED, authorised=AMOUNT)
CANCELLED = truth(ProviderPaymentStage.CANCELLED)


@st.composite
def lives(draw: st.DrawFn) -> list[ProviderPayment]:
    """What a provider could see of one payment, moment by moment."""
    life = draw(
        st.lists(
            st.sampled_from([OPEN, truth(ProviderPaymentStage.PROCESSING), DECLINED]), max_size=3
        )
    )
    end = draw(st.sampled_from(["open", "cancelled", "authorised", "lapsed", "captured"]))
    if end == "open":
        return [*life, OPEN]
    if end == "cancelled":
        return [*life, CANCELLED]
    life = [*life, AUTHORISED]
    if end == "lapsed":
        return [*life, CANCELLED]
    if end == "captured":
        taken = draw(st.integers(1, AMOUNT))
        parts = draw(st.lists(st.integers(1, taken), max_size=3))
        back = 0
        life.append(truth(ProviderPaymentStage.CAPTURED, captured=taken))
        for part in parts:
            back = min(taken, back + part)
            life.append(truth(ProviderPaymentStage.CAPTURED, captured=taken, refunded=back))
    return life


def after(truths: list[ProviderPayment], card: str) -> PaymentAttempt:
    attempt = an_attempt(card=card)
    for minute, one in enumerate(truths):
        attempt = attempt.apply_provider_payment(one, NOON + timedelta(minutes=minute))
    return attempt


def known(attempt: PaymentAttempt) -> PaymentAttempt:
    """What was learnt of it, without when, and why a card was declined last."""
    return structs.replace(attempt, changed_at=NOON, last_error="", next_action=None)


@given(lives(), st.sampled_from(["", "pm_sample"]), st.data())
def test_truths_in_any_order_and_any_number_end_in_the_same_state(
    life: list[ProviderPayment], card: str, data: st.DataObject
):
    again = data.draw(st.lists(st.sampled_from(life)))
    shuffled = data.draw(st.permutations([*life, *again]))

    assert known(after(shuffled, card)) == known(after(life, card))


@given(lives(), st.sampled_from(["", "pm_sample"]))
def test_a_truth_that_is_told_again_changes_nothing(life: list[ProviderPayment], card: str):
    attempt = after(life, card)
    for one in life:
        if one.status is not ProviderPaymentStage.DECLINED:  # which only says again why
            assert (
                attempt.apply_provider_payment(one, NOON + timedelta(days=1)).state is attempt.state
            )
    assert attempt.apply_provider_payment(life[-1], NOON + timedelta(days=1)) is attempt


@given(lives(), st.sampled_from(["", "pm_sample"]), st.data())
def test_the_state_only_moves_as_the_table_says(life: list[ProviderPayment], card: str, data):
    attempt = an_attempt(card=card)
    for one in data.draw(st.permutations(life)):
        before, attempt = attempt.state, attempt.apply_provider_payment(one, NOON)

        assert attempt.state is before or attempt.state in TRANSITIONS[before]


@given(
    st.integers(1, AMOUNT), st.lists(st.tuples(st.integers(-50, AMOUNT), st.booleans()), max_size=8)
)
def test_refunds_never_exceed_what_was_captured(captured: int, steps: list[tuple[int, bool]]):
    attempt = an_attempt().apply_provider_payment(
        truth(ProviderPaymentStage.CAPTURED, captured=captured), NOON
    )
    asked: list[Transaction] = []
    for step, (owed, is_done) in enumerate(steps):
        back = refundable(attempt, asked, owed)
        if back:
            one = a_transaction(TransactionKind.REFUND, back, cause=f"step {step}")
            if is_done:
                sofar = attempt.refunded + back
                told = truth(ProviderPaymentStage.CAPTURED, captured=captured, refunded=sofar)
                attempt = attempt.apply_provider_payment(told, NOON)
                one = one.with_outcome(ProviderOutcomeConfirmed(told, receipt="re_1"), NOON)
            asked.append(one)

        assert sum(one.amount for one in asked) <= captured
        assert attempt.refunded <= captured
    least = min((max(owed, 0) for owed, _ in steps), default=captured)
    assert sum(one.amount for one in asked) == max(0, captured - least)


@given(st.integers(0, AMOUNT), st.booleans())
def test_giving_up_the_same_twice_is_refunded_once(owed: int, is_done: bool):
    attempt = an_attempt().apply_provider_payment(
        truth(ProviderPaymentStage.CAPTURED, captured=AMOUNT), NOON
    )
    plan = next_transaction(attempt, [], owed, take=False)
    state = TransactionState.DONE if is_done else TransactionState.PLANNED
    if plan is None:
        assert owed == AMOUNT
        return
    if is_done:
        told = truth(ProviderPaymentStage.CAPTURED, captured=AMOUNT, refunded=plan.amount)
        attempt = attempt.apply_provider_payment(told, NOON)

    again = next_transaction(
        attempt, [a_transaction(TransactionKind.REFUND, plan.amount, state=state)], owed, take=False
    )

    assert (plan.kind, plan.amount, again) == (TransactionKind.REFUND, AMOUNT - owed, None)


def waiting() -> PaymentAttempt:
    return an_attempt().apply_provider_payment(OPEN, NOON)


def authorised() -> PaymentAttempt:
    return an_attempt().apply_provider_payment(AUTHORISED, NOON)


@pytest.mark.parametrize(
    ("attempt", "asked", "owed", "take", "plan"),
    [
        (authorised(), [], AMOUNT, False, None),
        (authorised(), [], AMOUNT, True, PlannedTransaction(TransactionKind.CAPTURE, AMOUNT)),
        (authorised(), [], 700, True, PlannedTransaction(TransactionKind.CAPTURE, 700)),
        (authorised(), [], AMOUNT + 1, True, PlannedTransaction(TransactionKind.CAPTURE, AMOUNT)),
        (authorised(), [], 0, False, PlannedTransaction(TransactionKind.VOID, 0)),
        (authorised(), [a_transaction(TransactionKind.CAPTURE)], 700, True, None),
        (authorised(), [a_transaction(TransactionKind.CAPTURE)], 0, False, None),
        (authorised(), [a_transaction(TransactionKind.VOID)], AMOUNT, True, None),
        (an_attempt(), [], 0, False, None),
        (waiting(), [], AMOUNT, True, None),
        (waiting(), [], 0, False, PlannedTransaction(TransactionKind.VOID, 0)),
        (waiting().apply_provider_payment(CANCELLED, NOON), [], 0, False, None),
        (authorised().apply_provider_payment(CANCELLED, NOON), [], AMOUNT, True, None),
        (
            an_attempt().with_outcome(ProviderOutcomeDeclined("amount_too_small"), NOON),
            [],
            0,
            False,
            None,
        ),
    ],
)
def test_what_is_asked_next(
    attempt: PaymentAttempt,
    asked: list[Transaction],
    owed: int,
    take: bool,
    plan: PlannedTransaction | None,
):
    assert next_transaction(attempt, asked, owed, take=take) == plan


def test_a_void_that_came_too_late_becomes_a_refund():
    captured = truth(ProviderPaymentStage.CAPTURED, captured=AMOUNT)
    void = a_transaction(TransactionKind.VOID).with_outcome(
        ProviderOutcomeDeclined("unexpected_state", captured), NOON
    )
    attempt = authorised().apply_provider_payment(captured, NOON)

    plan = next_transaction(attempt, [void], 0, take=False)

    assert void.state is TransactionState.REFUSED
    assert plan == PlannedTransaction(TransactionKind.REFUND, AMOUNT)


@pytest.mark.parametrize(
    ("kind", "so_already"),
    [
        (TransactionKind.CAPTURE, truth(ProviderPaymentStage.CAPTURED, captured=AMOUNT)),
        (TransactionKind.VOID, CANCELLED),
    ],
)
def test_a_no_because_it_is_so_already_is_a_yes(kind: TransactionKind, so_already: ProviderPayment):
    asked = a_transaction(kind).with_outcome(
        ProviderOutcomeDeclined("unexpected_state", so_already), NOON
    )

    assert asked.state is TransactionState.DONE


def test_who_is_not_sure_asks_again_later_and_not_before_the_provider_says():
    soon = a_transaction(TransactionKind.CAPTURE).with_outcome(
        ProviderOutcomeUnknown("ReadTimeout"), NOON
    )
    late = a_transaction(TransactionKind.CAPTURE).with_outcome(
        ProviderOutcomeUnknown("429", timedelta(minutes=9)), NOON
    )

    assert (soon.state, late.state) == (TransactionState.PLANNED, TransactionState.PLANNED)
    assert soon.due_at == NOON + backoff(0)
    assert late.due_at == NOON + timedelta(minutes=9)


def test_what_the_provider_never_heard_of_has_failed():
    attempt = an_attempt().with_outcome(ProviderPaymentNotFound(), NOON)

    assert (attempt.state, attempt.refused) == (AttemptState.FAILED, "never_began")
    assert attempt.is_closed


def test_what_was_never_begun_and_brings_money_after_all_is_given_back():
    attempt = (
        an_attempt()
        .with_outcome(ProviderPaymentNotFound(), NOON)
        .apply_provider_payment(AUTHORISED, NOON)
    )

    assert attempt.state is AttemptState.AUTHORISED
    assert next_transaction(attempt, [], 0, take=False) == PlannedTransaction(
        TransactionKind.VOID, 0
    )


@pytest.mark.parametrize(
    ("kind", "otherwise"),
    [
        (TransactionKind.CAPTURE, CANCELLED),
        (TransactionKind.VOID, truth(ProviderPaymentStage.CAPTURED, captured=AMOUNT)),
    ],
)
def test_what_has_ended_otherwise_is_not_asked_for_ever(
    kind: TransactionKind, otherwise: ProviderPayment
):
    asked = a_transaction(kind).with_outcome(ProviderOutcomeConfirmed(otherwise), NOON)

    assert (asked.state, asked.last_error) == (TransactionState.REFUSED, "too_late")


def test_what_the_bank_still_works_at_is_let_go_of_later():
    busy = ProviderOutcomeDeclined("unexpected_state", truth(ProviderPaymentStage.PROCESSING))
    void = a_transaction(TransactionKind.VOID).with_outcome(busy, NOON)

    assert void.state is TransactionState.PLANNED


def test_a_payment_that_is_known_is_not_refused_by_a_search_that_lags():
    attempt = waiting().with_outcome(ProviderPaymentNotFound(), NOON)

    assert attempt.state is AttemptState.WAITING


def test_a_transaction_that_is_over_stays_as_it_is():
    done = a_transaction(TransactionKind.VOID, state=TransactionState.DONE)

    assert done.with_outcome(ProviderOutcomeDeclined("whatever"), NOON) is done


def test_a_card_given_beforehand_is_declined_for_good_and_one_on_the_page_is_tried_again():
    given_ = an_attempt(card="pm_sample").apply_provider_payment(DECLINED, NOON)
    asked = an_attempt().apply_provider_payment(DECLINED, NOON)

    assert (given_.state, asked.state) == (AttemptState.FAILED, AttemptState.WAITING)
    assert given_.last_error == "do_not_honor"


def test_what_only_the_page_may_know_is_forgotten_when_it_is_over():
    assert waiting().client_secret == "sample"
    assert authorised().apply_provider_payment(OPEN, NOON).client_secret == ""


def test_an_attempt_is_looked_at_more_and_more_seldom_and_at_its_deadline():
    attempt = waiting()
    looks = [
        next_reconcile_at(structs.replace(attempt, reconcile_count=n), NOON) for n in range(30)
    ]
    nearly = attempt.deadline - timedelta(seconds=1)

    assert looks == sorted(look or NOON for look in looks)
    assert looks[-1] == NOON + MAX_DELAY
    assert next_reconcile_at(attempt, nearly) == attempt.deadline
    assert next_reconcile_at(attempt, attempt.deadline) == attempt.deadline + backoff(0)


def test_an_authorisation_is_looked_at_daily_and_what_is_over_is_not():
    assert next_reconcile_at(authorised(), NOON) == NOON + timedelta(days=1)
    assert next_reconcile_at(waiting().apply_provider_payment(CANCELLED, NOON), NOON) is None
