"""Money by card, decided: whatever the provider says, in whatever order, it is counted once."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from domain.payments.attempts import (
    LONGEST_PAUSE,
    MOVES,
    Absent,
    Attempt,
    AttemptState,
    Refused,
    Stage,
    Told,
    Truth,
    Unsure,
    next_look,
    pause,
)
from domain.payments.transactions import (
    Ask,
    Plan,
    Transaction,
    TransactionState,
    to_ask,
    to_give_back,
)
from tests.support.api.attempts import AMOUNT, a_transaction, an_attempt
from tests.support.examples import NOON

PAYMENT = "pi_1"


def truth(stage: Stage, **figures: object) -> Truth:
    return Truth(PAYMENT, stage, **figures)  # type: ignore[arg-type]


OPEN = truth(Stage.OPEN, client_secret="sample")
DECLINED = truth(Stage.DECLINED, code="do_not_honor")
AUTHORISED = truth(Stage.AUTHORISED, authorised=AMOUNT)
CANCELLED = truth(Stage.CANCELLED)


@st.composite
def lives(draw: st.DrawFn) -> list[Truth]:
    """What a provider could see of one payment, moment by moment."""
    life = draw(st.lists(st.sampled_from([OPEN, truth(Stage.PROCESSING), DECLINED]), max_size=3))
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
        life.append(truth(Stage.CAPTURED, captured=taken))
        for part in parts:
            back = min(taken, back + part)
            life.append(truth(Stage.CAPTURED, captured=taken, refunded=back))
    return life


def after(truths: list[Truth], card: str) -> Attempt:
    attempt = an_attempt(card=card)
    for minute, one in enumerate(truths):
        attempt = attempt.told(one, NOON + timedelta(minutes=minute))
    return attempt


def known(attempt: Attempt) -> Attempt:
    """What was learnt of it, without when, and why a card was declined last."""
    return structs.replace(attempt, changed_at=NOON, trouble="", next_action=None)


@given(lives(), st.sampled_from(["", "pm_sample"]), st.data())
def test_truths_in_any_order_and_any_number_end_in_the_same_state(
    life: list[Truth], card: str, data: st.DataObject
):
    again = data.draw(st.lists(st.sampled_from(life)))
    shuffled = data.draw(st.permutations([*life, *again]))

    assert known(after(shuffled, card)) == known(after(life, card))


@given(lives(), st.sampled_from(["", "pm_sample"]))
def test_a_truth_that_is_told_again_changes_nothing(life: list[Truth], card: str):
    attempt = after(life, card)
    for one in life:
        if one.stage is not Stage.DECLINED:  # which only says again why
            assert attempt.told(one, NOON + timedelta(days=1)).state is attempt.state
    assert attempt.told(life[-1], NOON + timedelta(days=1)) is attempt


@given(lives(), st.sampled_from(["", "pm_sample"]), st.data())
def test_the_state_only_moves_as_the_table_says(life: list[Truth], card: str, data):
    attempt = an_attempt(card=card)
    for one in data.draw(st.permutations(life)):
        before, attempt = attempt.state, attempt.told(one, NOON)

        assert attempt.state is before or attempt.state in MOVES[before]


@given(
    st.integers(1, AMOUNT), st.lists(st.tuples(st.integers(-50, AMOUNT), st.booleans()), max_size=8)
)
def test_refunds_never_exceed_what_was_captured(captured: int, steps: list[tuple[int, bool]]):
    attempt = an_attempt().told(truth(Stage.CAPTURED, captured=captured), NOON)
    asked: list[Transaction] = []
    for step, (owed, is_done) in enumerate(steps):
        back = to_give_back(attempt, asked, owed)
        if back:
            one = a_transaction(Ask.REFUND, back, cause=f"step {step}")
            if is_done:
                sofar = attempt.refunded + back
                told = truth(Stage.CAPTURED, captured=captured, refunded=sofar)
                attempt = attempt.told(told, NOON)
                one = one.answered(Told(told, receipt="re_1"), NOON)
            asked.append(one)

        assert sum(one.amount for one in asked) <= captured
        assert attempt.refunded <= captured
    least = min((max(owed, 0) for owed, _ in steps), default=captured)
    assert sum(one.amount for one in asked) == max(0, captured - least)


@given(st.integers(0, AMOUNT), st.booleans())
def test_giving_up_the_same_twice_is_refunded_once(owed: int, is_done: bool):
    attempt = an_attempt().told(truth(Stage.CAPTURED, captured=AMOUNT), NOON)
    plan = to_ask(attempt, [], owed, take=False)
    state = TransactionState.DONE if is_done else TransactionState.PLANNED
    if plan is None:
        assert owed == AMOUNT
        return
    if is_done:
        told = truth(Stage.CAPTURED, captured=AMOUNT, refunded=plan.amount)
        attempt = attempt.told(told, NOON)

    again = to_ask(attempt, [a_transaction(Ask.REFUND, plan.amount, state=state)], owed, take=False)

    assert (plan.kind, plan.amount, again) == (Ask.REFUND, AMOUNT - owed, None)


def waiting() -> Attempt:
    return an_attempt().told(OPEN, NOON)


def authorised() -> Attempt:
    return an_attempt().told(AUTHORISED, NOON)


@pytest.mark.parametrize(
    ("attempt", "asked", "owed", "take", "plan"),
    [
        (authorised(), [], AMOUNT, False, None),
        (authorised(), [], AMOUNT, True, Plan(Ask.CAPTURE, AMOUNT)),
        (authorised(), [], 700, True, Plan(Ask.CAPTURE, 700)),
        (authorised(), [], AMOUNT + 1, True, Plan(Ask.CAPTURE, AMOUNT)),
        (authorised(), [], 0, False, Plan(Ask.VOID, 0)),
        (authorised(), [a_transaction(Ask.CAPTURE)], 700, True, None),
        (authorised(), [a_transaction(Ask.CAPTURE)], 0, False, None),
        (authorised(), [a_transaction(Ask.VOID)], AMOUNT, True, None),
        (an_attempt(), [], 0, False, None),
        (waiting(), [], AMOUNT, True, None),
        (waiting(), [], 0, False, Plan(Ask.VOID, 0)),
        (waiting().told(CANCELLED, NOON), [], 0, False, None),
        (authorised().told(CANCELLED, NOON), [], AMOUNT, True, None),
        (an_attempt().answered(Refused("amount_too_small"), NOON), [], 0, False, None),
    ],
)
def test_what_is_asked_next(
    attempt: Attempt, asked: list[Transaction], owed: int, take: bool, plan: Plan | None
):
    assert to_ask(attempt, asked, owed, take=take) == plan


def test_a_void_that_came_too_late_becomes_a_refund():
    captured = truth(Stage.CAPTURED, captured=AMOUNT)
    void = a_transaction(Ask.VOID).answered(Refused("unexpected_state", captured), NOON)
    attempt = authorised().told(captured, NOON)

    plan = to_ask(attempt, [void], 0, take=False)

    assert void.state is TransactionState.REFUSED
    assert plan == Plan(Ask.REFUND, AMOUNT)


@pytest.mark.parametrize(
    ("kind", "so_already"),
    [(Ask.CAPTURE, truth(Stage.CAPTURED, captured=AMOUNT)), (Ask.VOID, CANCELLED)],
)
def test_a_no_because_it_is_so_already_is_a_yes(kind: Ask, so_already: Truth):
    asked = a_transaction(kind).answered(Refused("unexpected_state", so_already), NOON)

    assert asked.state is TransactionState.DONE


def test_who_is_not_sure_asks_again_later_and_not_before_the_provider_says():
    soon = a_transaction(Ask.CAPTURE).answered(Unsure("ReadTimeout"), NOON)
    late = a_transaction(Ask.CAPTURE).answered(Unsure("429", timedelta(minutes=9)), NOON)

    assert (soon.state, late.state) == (TransactionState.PLANNED, TransactionState.PLANNED)
    assert soon.due_at == NOON + pause(0)
    assert late.due_at == NOON + timedelta(minutes=9)


def test_what_the_provider_never_heard_of_has_failed():
    attempt = an_attempt().answered(Absent(), NOON)

    assert (attempt.state, attempt.refused) == (AttemptState.FAILED, "never_began")
    assert attempt.is_closed


def test_what_was_never_begun_and_brings_money_after_all_is_given_back():
    attempt = an_attempt().answered(Absent(), NOON).told(AUTHORISED, NOON)

    assert attempt.state is AttemptState.AUTHORISED
    assert to_ask(attempt, [], 0, take=False) == Plan(Ask.VOID, 0)


@pytest.mark.parametrize(
    ("kind", "otherwise"),
    [(Ask.CAPTURE, CANCELLED), (Ask.VOID, truth(Stage.CAPTURED, captured=AMOUNT))],
)
def test_what_has_ended_otherwise_is_not_asked_for_ever(kind: Ask, otherwise: Truth):
    asked = a_transaction(kind).answered(Told(otherwise), NOON)

    assert (asked.state, asked.trouble) == (TransactionState.REFUSED, "too_late")


def test_what_the_bank_still_works_at_is_let_go_of_later():
    busy = Refused("unexpected_state", truth(Stage.PROCESSING))
    void = a_transaction(Ask.VOID).answered(busy, NOON)

    assert void.state is TransactionState.PLANNED


def test_a_payment_that_is_known_is_not_refused_by_a_search_that_lags():
    attempt = waiting().answered(Absent(), NOON)

    assert attempt.state is AttemptState.WAITING


def test_a_transaction_that_is_over_stays_as_it_is():
    done = a_transaction(Ask.VOID, state=TransactionState.DONE)

    assert done.answered(Refused("whatever"), NOON) is done


def test_a_card_given_beforehand_is_declined_for_good_and_one_on_the_page_is_tried_again():
    given_ = an_attempt(card="pm_sample").told(DECLINED, NOON)
    asked = an_attempt().told(DECLINED, NOON)

    assert (given_.state, asked.state) == (AttemptState.FAILED, AttemptState.WAITING)
    assert given_.trouble == "do_not_honor"


def test_what_only_the_page_may_know_is_forgotten_when_it_is_over():
    assert waiting().client_secret == "sample"
    assert authorised().told(OPEN, NOON).client_secret == ""


def test_an_attempt_is_looked_at_more_and_more_seldom_and_at_its_deadline():
    attempt = waiting()
    looks = [next_look(structs.replace(attempt, looks=n), NOON) for n in range(30)]
    nearly = attempt.deadline - timedelta(seconds=1)

    assert looks == sorted(look or NOON for look in looks)
    assert looks[-1] == NOON + LONGEST_PAUSE
    assert next_look(attempt, nearly) == attempt.deadline
    assert next_look(attempt, attempt.deadline) == attempt.deadline + pause(0)


def test_an_authorisation_is_looked_at_daily_and_what_is_over_is_not():
    assert next_look(authorised(), NOON) == NOON + timedelta(days=1)
    assert next_look(waiting().told(CANCELLED, NOON), NOON) is None
