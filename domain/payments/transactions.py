"""What is asked of a provider for an attempt to be paid, and what has to be asked next.

Whatever is asked is a transaction: planned in the unit that decides it, carried out between units
under its own id, and the only one of its kind for its cause.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, structs

from domain.kernel.ids import AttemptId, OrderId, TransactionId
from domain.payments.attempts import (
    NEVER_BEGAN,
    TOO_LATE,
    Absent,
    Attempt,
    AttemptState,
    Outcome,
    Refused,
    Stage,
    Told,
    Truth,
    Unsure,
    pause,
)


class Ask(StrEnum):
    """What can be asked of a provider."""

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
    kind: Ask
    cause: str
    amount: int
    planned_at: datetime
    changed_at: datetime
    due_at: datetime
    state: TransactionState = _T.PLANNED
    tries: int = 0
    trouble: str = ""
    receipt: str = ""

    def answered(self, outcome: Outcome | None, now: datetime) -> "Transaction":
        """What becomes of it by what the provider said; one that is over stays as it is.

        None: it was not asked any more, since its time is over.
        """
        if self.state is not _T.PLANNED:
            return self
        state, why = _verdict(self, outcome)
        receipt = outcome.receipt if isinstance(outcome, Told) else ""
        wait = outcome.retry_after if isinstance(outcome, Unsure) else None
        return structs.replace(
            self,
            state=state,
            trouble=why,
            receipt=receipt or self.receipt,
            due_at=now + max(pause(self.tries), wait or timedelta(0)),
            changed_at=now,
        )

    def bounced(self, code: str, now: datetime) -> "Transaction":
        """A refund that was done and came back: a person has to see how its buyer gets the money.

        One that is known to have come back stays as it is.
        """
        if self.state is not _T.DONE:
            return self
        return structs.replace(self, state=_T.REFUSED, trouble=code, changed_at=now)


def _verdict(asked: Transaction, outcome: Outcome | None) -> tuple[TransactionState, str]:
    """What becomes of it, and why."""
    match outcome:
        case None:
            return _T.REFUSED, TOO_LATE
        case Unsure(code):
            return _T.PLANNED, code
        case Absent():
            return _T.REFUSED, NEVER_BEGAN
        case Refused(code, truth):
            return _by_truth(asked, truth, code)
        case Told(truth, receipt):
            done = asked.kind is Ask.AUTHORISE or bool(receipt)
            return (_T.DONE, "") if done else _by_truth(asked, truth, "")


def _by_truth(asked: Transaction, truth: Truth | None, no: str) -> tuple[TransactionState, str]:
    """A "no" because it is so already is as good as a yes; what the bank still works at waits."""
    if truth is None or asked.kind in {Ask.AUTHORISE, Ask.REFUND}:
        return _T.REFUSED, no or TOO_LATE
    wanted = Stage.CAPTURED if asked.kind is Ask.CAPTURE else Stage.CANCELLED
    if truth.stage is wanted:
        return _T.DONE, ""
    is_over = truth.stage in {Stage.CAPTURED, Stage.CANCELLED}
    if is_over or (no and asked.kind is Ask.CAPTURE):
        return _T.REFUSED, no or TOO_LATE
    return _T.PLANNED, no


class Plan(Struct, frozen=True):
    """What is to be asked next, and of how much."""

    kind: Ask
    amount: int


def to_ask(attempt: Attempt, asked: Iterable[Transaction], owed: int, *, take: bool) -> Plan | None:
    """What the shop must ask so that it keeps `owed` minor units of an attempt, and no more.

    `take` says that the goods go: the money is captured now, once. Nothing owed is given back:
    voided before a capture, refunded after it. What is under way is waited for, and so is a payment
    that the provider has not answered for yet.
    """
    asked = list(asked)
    if attempt.captured:
        back = to_give_back(attempt, asked, owed)
        return Plan(Ask.REFUND, back) if back else None
    if not attempt.payment or attempt.is_closed or is_settling(asked):
        return None
    if owed <= 0:
        return Plan(Ask.VOID, 0)
    if take and attempt.authorised:
        return Plan(Ask.CAPTURE, min(owed, attempt.authorised))
    return None


def covered_by(attempt: Attempt, asked: Iterable[Transaction], owed: int) -> int:
    """Minor units that its order may come to cost: what is reserved, until it is taken or let go.

    From then on no more than is `owed`.
    """
    waits = attempt.state is AttemptState.AUTHORISED and not is_settling(asked)
    return attempt.authorised if waits else owed


def is_settling(asked: Iterable[Transaction]) -> bool:
    """Whether a capture or a void was asked that a provider has not refused."""
    return any(one.kind in {Ask.CAPTURE, Ask.VOID} and one.state is not _T.REFUSED for one in asked)


def to_give_back(attempt: Attempt, asked: Iterable[Transaction], owed: int) -> int:
    """How much more is to be refunded, so that `owed` stays; never more than was captured.

    What a provider refused to refund is settled by a person, and not asked for again.
    """
    under_way = sum(
        one.amount for one in asked if one.kind is Ask.REFUND and one.state is not _T.DONE
    )
    return max(0, attempt.captured - attempt.given_back - under_way - max(owed, 0))
