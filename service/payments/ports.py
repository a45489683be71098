"""Ports of payments: attempts, their transactions, and the provider that takes the money."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from domain.kernel.ids import AttemptId, OrderId, TransactionId
from domain.kernel.money import Money
from domain.payments.attempts import Attempt, Outcome
from domain.payments.transactions import Transaction


class Wanted(Struct, frozen=True):
    """What an order's buyer is to pay; `card` is a card that the page gave the provider before."""

    attempt: AttemptId
    order: OrderId
    amount: Money
    card: str = ""


class Notice(Struct, frozen=True):
    """A provider's word that something happened to a payment: no more than a reason to look."""

    id: str
    kind: str
    payment: str
    attempt: AttemptId | None = None


@runtime_checkable
class Payments(Protocol):
    """A provider of card payments. Nothing raises for what it does: the outcome says it.

    `key` makes a repeat harmless: the same key again is the same transaction. What can only happen
    once needs none, where a provider would answer a key for ever as it did in its trouble. `again`
    says that it was asked before; then the provider is looked at first.
    """

    @property
    def provider(self) -> str:
        """Its name."""

    @property
    def publishable_key(self) -> str:
        """What the shop's page shows the provider; no secret."""

    async def authorise(
        self, wanted: Wanted, *, key: TransactionId, again: bool = False
    ) -> Outcome:
        """Reserve the money, without taking it."""

    async def capture(self, payment: str, amount: int, *, again: bool = False) -> Outcome:
        """Take `amount` of what is reserved, once; the rest is free again."""

    async def void(self, payment: str, *, again: bool = False) -> Outcome:
        """Let go of what is reserved, and take no card for it any more."""

    async def refund(
        self, payment: str, amount: int, *, key: TransactionId, again: bool = False
    ) -> Outcome:
        """Give back `amount` of what was taken; `Told.receipt` names the refund."""

    async def look(self, payment: str) -> Outcome:
        """How a payment stands."""

    async def find(self, attempt: AttemptId) -> Outcome | None:
        """The payment of an attempt whose answer never came; None where a search finds none.

        A search lags behind by up to a minute or so.
        """


@runtime_checkable
class Notices(Protocol):
    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice | None:
        """What a provider's call says; None for what does not concern us.

        Raises:
            WrongSignature: it is not from the provider, or too old.
        """


class Leased(Struct, frozen=True):
    """A transaction that is ours to ask until its lease ends, and the attempt it is for."""

    transaction: Transaction
    attempt: Attempt


class Standing(Struct, frozen=True):
    """Attempts or transactions in one state: how many, and since when the oldest."""

    what: Literal["attempt", "transaction"]
    state: str
    count: int
    oldest: datetime


class Unsettled(Struct, frozen=True):
    """What a person has to see to: a transaction that was refused, or an attempt.

    `code` is the provider's, or `disputed`, or `lapsed`: the money was let go of while it is owed.
    """

    id: str
    order: OrderId
    attempt: AttemptId
    kind: str
    amount: Money
    code: str
    since: datetime


class Attempts(Protocol):
    """Attempts and their transactions."""

    async def add(self, attempt: Attempt) -> None: ...

    async def get(self, attempt: AttemptId) -> Attempt:
        """Raises Missing."""

    async def take(self, attempt: AttemptId) -> Attempt:
        """The attempt, locked until the unit ends. Its order is locked first. Raises Missing."""

    async def keep(self, attempt: Attempt) -> None:
        """Write a taken attempt back."""

    async def by_id(self, attempts: Collection[AttemptId]) -> dict[AttemptId, Attempt]:
        """Those that exist."""

    async def of_order(self, order: OrderId) -> Sequence[Attempt]:
        """Every attempt to be paid for an order, oldest first."""

    async def take_of_order(self, order: OrderId) -> Sequence[Attempt]:
        """The same, locked until the unit ends."""

    async def lease(self, limit: int, span: timedelta) -> Sequence[Attempt]:
        """Up to `limit` that are due to be looked at; ours alone for `span`."""

    async def hear(self, provider: str, notice: Notice) -> bool:
        """Write a notice down, once, and have its attempt looked at now; whether it was new."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Forget up to `limit` notices that are older than that; how many those were."""

    async def plan(self, transaction: Transaction) -> bool:
        """Add a transaction; False, and nothing, where there is one of this kind and cause."""

    async def lease_planned(self, limit: int, span: timedelta) -> Sequence[Leased]:
        """Up to `limit` planned ones that are due, with one try more; ours alone for `span`."""

    async def take_transaction(self, transaction: TransactionId) -> Transaction:
        """Locked until the unit ends; its attempt is locked first. Raises Missing."""

    async def keep_transaction(self, transaction: Transaction) -> None:
        """Write a taken transaction back."""

    async def transactions(self, attempts: Collection[AttemptId]) -> Sequence[Transaction]:
        """Everything that was asked for these attempts, oldest first."""

    async def unsettled(self, after: str, limit: int) -> Sequence[Unsettled]:
        """The next `limit` behind the id `after` that need a person, in the order of their ids."""

    async def standing(self) -> Sequence[Standing]:
        """What is not over, and what was refused, by its state."""
