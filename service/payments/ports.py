"""Ports of payments: attempts, their transactions, and the provider that takes the money."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from domain.kernel.ids import AttemptId, OrderId, TransactionId
from domain.kernel.money import Money
from domain.payments.attempts import PaymentAttempt, ProviderOutcome
from domain.payments.transactions import Transaction


class AuthorisationRequest(Struct, frozen=True):
    """The amount that a buyer authorises; `card` is one that the page gave the provider."""

    attempt: AttemptId
    order: OrderId
    amount: Money
    card: str = ""


class ProviderEvent(Struct, frozen=True):
    """A provider's word that something happened to a payment: no more than a reason to look."""

    id: str
    kind: str
    payment: str
    attempt: AttemptId | None = None


@runtime_checkable
class PaymentProvider(Protocol):
    """A provider of card payments. Its methods never raise for an outcome; they return it.

    `key` makes a repeat safe: the same key is the same transaction. A transaction that can only
    happen once needs none where a provider would repeat its first answer for ever. `again` says
    that it was requested before; then the provider's state is read first.
    """

    @property
    def provider(self) -> str:
        """Its name."""

    @property
    def publishable_key(self) -> str:
        """The key that the shop's page shows to the provider; it is no secret."""

    async def authorise(
        self, wanted: AuthorisationRequest, *, key: TransactionId, again: bool = False
    ) -> ProviderOutcome:
        """Reserve the money, without taking it."""

    async def capture(self, payment: str, amount: int, *, again: bool = False) -> ProviderOutcome:
        """Captures `amount` of the authorised amount, once; the rest is released."""

    async def void(self, payment: str, *, again: bool = False) -> ProviderOutcome:
        """Releases the authorised amount; the payment takes no card any more."""

    async def refund(
        self, payment: str, amount: int, *, key: TransactionId, again: bool = False
    ) -> ProviderOutcome:
        """Refunds `amount` of the captured amount; the outcome's `receipt` names the refund."""

    async def get_payment(self, payment: str) -> ProviderOutcome:
        """Returns the status of a payment."""

    async def find_payment(self, attempt: AttemptId) -> ProviderOutcome | None:
        """The payment of an attempt whose answer never came; None where a search finds none.

        A search lags behind by up to a minute or so.
        """


@runtime_checkable
class ProviderEvents(Protocol):
    def parse(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderEvent | None:
        """Parses a provider's call; returns None for a call about other things.

        Raises:
            InvalidSignature: it is not from the provider, or too old.
        """


class LeasedTransaction(Struct, frozen=True):
    """A transaction that is ours to ask until its lease ends, and the attempt it is for."""

    transaction: Transaction
    attempt: PaymentAttempt


class TransactionBacklog(Struct, frozen=True):
    """Attempts or transactions in one state: how many, and since when the oldest."""

    what: Literal["attempt", "transaction"]
    state: str
    count: int
    oldest: datetime


class UnsettledTransaction(Struct, frozen=True):
    """A case for a person: a refused transaction, or an attempt.

    `code` is the provider's, or `disputed`, or `lapsed`: the authorisation ended while money is
    owed.
    """

    id: str
    order: OrderId
    attempt: AttemptId
    kind: str
    amount: Money
    code: str
    since: datetime


class PaymentAttempts(Protocol):
    """Attempts and their transactions."""

    async def add(self, attempt: PaymentAttempt) -> None: ...

    async def get(self, attempt: AttemptId) -> PaymentAttempt:
        """Raises NotFound."""

    async def get_for_update(self, attempt: AttemptId) -> PaymentAttempt:
        """The attempt, locked until the unit ends. Its order is locked first. Raises NotFound."""

    async def update(self, attempt: PaymentAttempt) -> None:
        """Write a taken attempt back."""

    async def get_many(self, attempts: Collection[AttemptId]) -> dict[AttemptId, PaymentAttempt]:
        """Those that exist."""

    async def list_by_order(self, order: OrderId) -> Sequence[PaymentAttempt]:
        """Every attempt to be paid for an order, oldest first."""

    async def list_by_order_for_update(self, order: OrderId) -> Sequence[PaymentAttempt]:
        """The same, locked until the unit ends."""

    async def lease(self, limit: int, span: timedelta) -> Sequence[PaymentAttempt]:
        """Up to `limit` that are due to be looked at; ours alone for `span`."""

    async def record_event(self, provider: str, notice: ProviderEvent) -> bool:
        """Write a notice down, once, and have its attempt looked at now; whether it was new."""

    async def purge_events(self, before: datetime, limit: int) -> int:
        """Forget up to `limit` notices that are older than that; how many those were."""

    async def add_transaction(self, transaction: Transaction) -> bool:
        """Add a transaction; False, and nothing, where there is one of this kind and cause."""

    async def lease_transactions(self, limit: int, span: timedelta) -> Sequence[LeasedTransaction]:
        """Up to `limit` planned ones that are due, with one try more; ours alone for `span`."""

    async def get_transaction_for_update(self, transaction: TransactionId) -> Transaction:
        """Locked until the unit ends; its attempt is locked first. Raises NotFound."""

    async def update_transaction(self, transaction: Transaction) -> None:
        """Write a taken transaction back."""

    async def list_transactions(self, attempts: Collection[AttemptId]) -> Sequence[Transaction]:
        """Everything that was asked for these attempts, oldest first."""

    async def list_unsettled(self, after: str, limit: int) -> Sequence[UnsettledTransaction]:
        """The next `limit` behind the id `after` that need a person, in the order of their ids."""

    async def get_backlog(self) -> Sequence[TransactionBacklog]:
        """Returns the number of open and of refused transactions, by state."""
