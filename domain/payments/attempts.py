"""Payment attempts: payments of an order by a provider, their requests and their known state.

    started → waiting → authorised → captured
        ↘        ↘          ↘
             failed        voided

A report of the provider gives the progress of a payment and its figures. Reports come late, twice
and out of order. Each only ever adds to the known facts of an attempt, and its state follows from
those facts; so any order of the same reports ends in the same state.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, structs

from domain.kernel.errors import Conflict, Unauthenticated
from domain.kernel.ids import AttemptId, OrderId
from domain.kernel.money import Money


class AttemptState(StrEnum):
    STARTED = "started"
    WAITING = "waiting"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"


_S = AttemptState
TRANSITIONS: Final[Mapping[AttemptState, frozenset[AttemptState]]] = {
    _S.STARTED: frozenset({_S.WAITING, _S.FAILED, _S.AUTHORISED, _S.VOIDED, _S.CAPTURED}),
    _S.WAITING: frozenset({_S.FAILED, _S.AUTHORISED, _S.VOIDED, _S.CAPTURED}),
    _S.FAILED: frozenset({_S.AUTHORISED, _S.VOIDED, _S.CAPTURED}),  # a card that worked after all
    _S.AUTHORISED: frozenset({_S.VOIDED, _S.CAPTURED}),
    _S.VOIDED: frozenset({_S.CAPTURED}),  # two were at it, and the money was faster
    _S.CAPTURED: frozenset(),
}
IN_FLIGHT_STATES: Final = frozenset({_S.STARTED, _S.WAITING})
"""It is still unknown whether it brings money."""

INITIAL_DELAY: Final = timedelta(seconds=5)
MAX_DELAY: Final = timedelta(minutes=5)
"""Between two questions about one thing, where nothing was heard of it."""
SEARCH_DELAY: Final = timedelta(minutes=2)
"""So long after its last question a provider's search finds a payment, or there is none."""
NOT_STARTED: Final = "never_began"
PAST_DEADLINE: Final = "too_late"
AUTHORISATION_CHECK_INTERVAL: Final = timedelta(days=1)
"""An authorisation lapses after some days, and the staff must be informed."""


class PaymentInProgress(Conflict):
    """`until` is when it is over at the latest."""

    code = "payment_under_way"

    def __init__(self, order: OrderId | None, until: datetime | None) -> None:
        super().__init__("A payment for this is under way.", facts={"order": order, "until": until})


class OrderNotPayable(Conflict):
    code = "not_payable"

    def __init__(self, order: OrderId, state: str) -> None:
        super().__init__(
            f"An order that is {state} cannot be paid.", facts={"order": order, "state": state}
        )


class InvalidSignature(Unauthenticated):
    code = "wrong_signature"

    def __init__(self) -> None:
        super().__init__("This is not signed by the provider, or was signed too long ago.")


class ProviderPaymentStage(StrEnum):
    """The progress of a payment, in provider-neutral words.

    `open` needs the shopper: a card, another card, or the bank's question answered.
    """

    OPEN = "open"
    PROCESSING = "processing"
    DECLINED = "declined"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    CANCELLED = "cancelled"


class FailedRefund(Struct, frozen=True):
    """A refund that did not reach its buyer: the provider has its money again."""

    receipt: str
    amount: int
    code: str


class ProviderPayment(Struct, frozen=True):
    """A payment as its provider knew it at one moment; figures are minor units so far.

    `refunded` is the sum of all refunds, `failed_refunds` the part of it that came back since.
    `client_secret` and `next_action` are for the shopper's page alone.
    """

    payment: str
    status: ProviderPaymentStage
    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    failed_refunds: tuple[FailedRefund, ...] = ()
    disputed: bool = False
    code: str = ""
    client_secret: str = ""
    next_action: dict[str, Any] | None = None


class ProviderOutcomeConfirmed(Struct, frozen=True):
    """The provider answered; `receipt` is its id of the request, where it has one."""

    payment: ProviderPayment
    receipt: str = ""


class ProviderOutcomeDeclined(Struct, frozen=True):
    """The provider will not do it, however often it is asked."""

    code: str
    payment: ProviderPayment | None = None


class ProviderOutcomeUnknown(Struct, frozen=True):
    """The result is unknown: look it up, or send the request again under the same key."""

    code: str
    retry_after: timedelta | None = None


class ProviderPaymentNotFound(Struct, frozen=True):
    """The provider knows no such payment, and was not asked for one lately."""


ProviderOutcome = (
    ProviderOutcomeConfirmed
    | ProviderOutcomeDeclined
    | ProviderOutcomeUnknown
    | ProviderPaymentNotFound
)


class PaymentAttempt(Struct, frozen=True, kw_only=True):
    """One try to be paid for an order, until its deadline.

    `payment` is the provider's name of it, empty until it is known. `card` is a card that the
    shopper's page already gave to the provider; without one the page asks for a card by the
    `client_secret`. `refused` is the reason why the provider knows no such payment and never will.
    `refunded` counts all refunds, `refund_failed` those of them that came back.
    """

    id: AttemptId
    order: OrderId
    provider: str
    amount: Money
    deadline: datetime
    started_at: datetime
    changed_at: datetime
    card: str = ""
    payment: str = ""
    state: AttemptState = AttemptState.STARTED
    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    refund_failed: int = 0
    declined: bool = False
    cancelled: bool = False
    disputed: bool = False
    refused: str = ""
    last_error: str = ""
    client_secret: str = ""
    next_action: dict[str, Any] | None = None
    reconcile_at: datetime | None = None
    reconcile_count: int = 0

    @property
    def is_in_flight(self) -> bool:
        return self.state in IN_FLIGHT_STATES

    @property
    def net_refunded(self) -> int:
        """Minor units that reached the buyer again, as far as is known."""
        return self.refunded - self.refund_failed

    @property
    def to_refund(self) -> Money:
        """The amount that the buyer gets back where the order has ended: captured, or reserved."""
        return Money(self.captured or self.authorised, self.amount.currency)

    @property
    def is_closed(self) -> bool:
        """No money can come of it any more; captured money stays."""
        never_began = bool(self.refused) and not self.payment
        return self.cancelled or never_began or self.state is AttemptState.CAPTURED

    def apply_provider_payment(self, truth: ProviderPayment, now: datetime) -> "PaymentAttempt":
        """The attempt after one more truth; one that adds nothing changes nothing.

        A card that the page gave beforehand is declined for good; where the page asks for cards,
        the shopper tries another.
        """
        assert not self.payment or self.payment == truth.payment, "a truth about another payment"
        declined = truth.status is ProviderPaymentStage.DECLINED
        known = structs.replace(
            self,
            payment=truth.payment,
            authorised=max(self.authorised, truth.authorised, truth.captured),
            captured=max(self.captured, truth.captured),
            refunded=max(self.refunded, truth.refunded),
            refund_failed=max(self.refund_failed, sum(one.amount for one in truth.failed_refunds)),
            declined=self.declined or (declined and bool(self.card)),
            cancelled=self.cancelled or truth.status is ProviderPaymentStage.CANCELLED,
            disputed=self.disputed or truth.disputed,
            last_error=truth.code or self.last_error,
            client_secret=truth.client_secret or self.client_secret,
            next_action=truth.next_action
            if truth.status is ProviderPaymentStage.OPEN
            else self.next_action,
        )
        return self._with_derived_state(known, now)

    def with_outcome(self, outcome: ProviderOutcome | None, now: datetime) -> "PaymentAttempt":
        """The attempt after an answer to a request or a look-up; None: no answer."""
        match outcome:
            case (
                ProviderOutcomeConfirmed(truth)
                | ProviderOutcomeDeclined(payment=ProviderPayment() as truth)
            ):
                return self.apply_provider_payment(truth, now)
            case ProviderOutcomeDeclined(code):
                return self._refuse(code, now)
            case ProviderPaymentNotFound():
                return self._refuse(NOT_STARTED, now)
            case ProviderOutcomeUnknown(code):
                return structs.replace(self, last_error=code)
            case None:
                return self

    def _refuse(self, code: str, now: datetime) -> "PaymentAttempt":
        """The provider has no such payment; one that it has is not refused."""
        if self.payment:
            return structs.replace(self, last_error=code)
        return self._with_derived_state(structs.replace(self, refused=code, last_error=code), now)

    def _with_derived_state(self, known: "PaymentAttempt", now: datetime) -> "PaymentAttempt":
        state = _derive_state(known)
        if state not in IN_FLIGHT_STATES:
            known = structs.replace(known, client_secret="", next_action=None)
        known = structs.replace(known, state=state)
        if known == self:
            return self
        assert state is self.state or state in TRANSITIONS[self.state], (self.state, state)
        return structs.replace(known, changed_at=now)


def _derive_state(known: PaymentAttempt) -> AttemptState:
    """Derives the state from the known facts: the first matching line wins."""
    lines = (
        (known.captured > 0, _S.CAPTURED),
        (known.cancelled and known.authorised > 0, _S.VOIDED),
        (known.authorised > 0, _S.AUTHORISED),
        (known.cancelled or known.declined or bool(known.refused), _S.FAILED),
        (bool(known.payment), _S.WAITING),
    )
    return next((state for is_so, state in lines if is_so), _S.STARTED)


def next_reconcile_at(attempt: PaymentAttempt, now: datetime) -> datetime | None:
    """The next time to look it up without a notice; None: not before a notice.

    Until its deadline more and more seldom, and at its deadline; an authorisation each day.
    """
    if attempt.state is AttemptState.AUTHORISED:
        return now + AUTHORISATION_CHECK_INTERVAL
    if not attempt.is_in_flight:
        return None
    later = now + backoff(attempt.reconcile_count)
    return min(later, attempt.deadline) if now < attempt.deadline else later


def backoff(tries: int) -> timedelta:
    """Doubled with every try."""
    return min(INITIAL_DELAY * (1 << min(tries, 16)), MAX_DELAY)
