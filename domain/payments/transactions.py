"""Transactions: requests to a provider for a payment attempt, and the choice of the next one.

Every request is a transaction: planned in the unit of work that decides it, sent between units of
work under its own id, and the only one of its kind for its cause.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, structs

from domain.kernel.ids import AttemptId, OrderId, TransactionId
from domain.payments.attempts import (
    NOT_STARTED,
    PAST_DEADLINE,
    AttemptState,
    PaymentAttempt,
    ProviderOutcome,
    ProviderOutcomeConfirmed,
    ProviderOutcomeDeclined,
    ProviderOutcomeUnknown,
    ProviderPayment,
    ProviderPaymentNotFound,
    ProviderPaymentStage,
    backoff,
)


class TransactionKind(StrEnum):
    """The kinds of request to a provider."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class TransactionState(StrEnum):
    PLANNED = "planned"
    DONE = "done"
    REFUSED = "refused"


_T = TransactionState


class Transaction(Struct, frozen=True, kw_only=True):
    """One thing asked of the provider for an attempt; `amount` is in the attempt's minor units.

    `id` is the key under which it is asked, however often. A refused one needs a person.
    """

    id: TransactionId
    attempt: AttemptId
    order: OrderId
    kind: TransactionKind
    cause: str
    amount: int
    planned_at: datetime
    changed_at: datetime
    due_at: datetime
    state: TransactionState = _T.PLANNED
    tries: int = 0
    last_error: str = ""
    receipt: str = ""

    def with_outcome(self, outcome: ProviderOutcome | None, now: datetime) -> "Transaction":
        """Updates it from the provider's answer; a transaction that is over stays as it is.

        None: it was not sent any more, since its time is over.
        """
        if self.state is not _T.PLANNED:
            return self
        state, why = _resolve(self, outcome)
        receipt = outcome.receipt if isinstance(outcome, ProviderOutcomeConfirmed) else ""
        wait = outcome.retry_after if isinstance(outcome, ProviderOutcomeUnknown) else None
        return structs.replace(
            self,
            state=state,
            last_error=why,
            receipt=receipt or self.receipt,
            due_at=now + max(backoff(self.tries), wait or timedelta(0)),
            changed_at=now,
        )

    def with_failed_refund(self, code: str, now: datetime) -> "Transaction":
        """A refund that was done and came back: a person has to see how its buyer gets the money.

        One that is known to have come back stays as it is.
        """
        if self.state is not _T.DONE:
            return self
        return structs.replace(self, state=_T.REFUSED, last_error=code, changed_at=now)


def _resolve(asked: Transaction, outcome: ProviderOutcome | None) -> tuple[TransactionState, str]:
    """The outcome of a transaction, and the reason."""
    match outcome:
        case None:
            return _T.REFUSED, PAST_DEADLINE
        case ProviderOutcomeUnknown(code):
            return _T.PLANNED, code
        case ProviderPaymentNotFound():
            return _T.REFUSED, NOT_STARTED
        case ProviderOutcomeDeclined(code, truth):
            return _resolve_by_status(asked, truth, code)
        case ProviderOutcomeConfirmed(truth, receipt):
            done = asked.kind is TransactionKind.AUTHORISE or bool(receipt)
            return (_T.DONE, "") if done else _resolve_by_status(asked, truth, "")


def _resolve_by_status(
    asked: Transaction, truth: ProviderPayment | None, no: str
) -> tuple[TransactionState, str]:
    """A refusal because it is done already is a success; one still at the bank waits."""
    if truth is None or asked.kind in {TransactionKind.AUTHORISE, TransactionKind.REFUND}:
        return _T.REFUSED, no or PAST_DEADLINE
    wanted = (
        ProviderPaymentStage.CAPTURED
        if asked.kind is TransactionKind.CAPTURE
        else ProviderPaymentStage.CANCELLED
    )
    if truth.status is wanted:
        return _T.DONE, ""
    is_over = truth.status in {ProviderPaymentStage.CAPTURED, ProviderPaymentStage.CANCELLED}
    if is_over or (no and asked.kind is TransactionKind.CAPTURE):
        return _T.REFUSED, no or PAST_DEADLINE
    return _T.PLANNED, no


class PlannedTransaction(Struct, frozen=True):
    """The next request, and its amount."""

    kind: TransactionKind
    amount: int


def next_transaction(
    attempt: PaymentAttempt, asked: Iterable[Transaction], owed: int, *, take: bool
) -> PlannedTransaction | None:
    """Decides the next request so that the shop has `owed` minor units of an attempt, and no more.

    `take` means that the goods go: the money is captured now, once. Money that is not owed is given
    back: voided before a capture, refunded after it. A request under way must end first, and so
    must a payment that the provider has not answered for yet.
    """
    asked = list(asked)
    if attempt.captured:
        back = refundable(attempt, asked, owed)
        return PlannedTransaction(TransactionKind.REFUND, back) if back else None
    if not attempt.payment or attempt.is_closed or is_settling(asked):
        return None
    if owed <= 0:
        return PlannedTransaction(TransactionKind.VOID, 0)
    if take and attempt.authorised:
        return PlannedTransaction(TransactionKind.CAPTURE, min(owed, attempt.authorised))
    return None


def coverable_amount(attempt: PaymentAttempt, asked: Iterable[Transaction], owed: int) -> int:
    """Minor units that its order may cost: the reservation, until it is captured or voided.

    From then on no more than is `owed`.
    """
    waits = attempt.state is AttemptState.AUTHORISED and not is_settling(asked)
    return attempt.authorised if waits else owed


def is_settling(asked: Iterable[Transaction]) -> bool:
    """Whether a capture or a void was asked that a provider has not refused."""
    return any(
        one.kind in {TransactionKind.CAPTURE, TransactionKind.VOID} and one.state is not _T.REFUSED
        for one in asked
    )


def refundable(attempt: PaymentAttempt, asked: Iterable[Transaction], owed: int) -> int:
    """The further amount to refund so that `owed` stays; never more than was captured.

    A refund that the provider refused is settled by a person, and not requested again.
    """
    under_way = sum(
        one.amount
        for one in asked
        if one.kind is TransactionKind.REFUND and one.state is not _T.DONE
    )
    return max(0, attempt.captured - attempt.net_refunded - under_way - max(owed, 0))
