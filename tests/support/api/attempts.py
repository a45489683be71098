"""Requests to the public API that several tests make: attempts."""

from datetime import timedelta

from domain.kernel.ids import AttemptId, OrderId, TransactionId
from domain.kernel.money import Money
from domain.payments.attempts import (
    PaymentAttempt,
)
from domain.payments.transactions import (
    Transaction,
    TransactionKind,
)
from tests.support.examples import NOON

AMOUNT = 1000


def an_attempt(**more: object) -> PaymentAttempt:
    facts = {
        "id": AttemptId("pay_1"),
        "order": OrderId("ord_1"),
        "provider": "stripe",
        "amount": Money(AMOUNT, "SEK"),
        "deadline": NOON + timedelta(minutes=30),
        "started_at": NOON,
        "changed_at": NOON,
    }
    return PaymentAttempt(**{**facts, **more})  # type: ignore[arg-type]


def a_transaction(kind: TransactionKind, amount: int = 0, **more: object) -> Transaction:
    facts = {
        "id": TransactionId("ptx_1"),
        "attempt": AttemptId("pay_1"),
        "order": OrderId("ord_1"),
        "kind": kind,
        "cause": "ord_1",
        "amount": amount,
        "planned_at": NOON,
        "changed_at": NOON,
        "due_at": NOON,
    }
    return Transaction(**{**facts, **more})  # type: ignore[arg-type]
