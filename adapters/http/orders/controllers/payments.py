"""Payments by card: tried again by the buyer, and seen by the office."""

from datetime import datetime
from typing import Any, Literal, Self

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Struct, UnsetType

from adapters.http.orders.controllers.orders import OrderView, order_response
from adapters.http.web.authentication import SHOPPER_ROLES, callers
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.callers import Caller, Role
from domain.kernel.ids import AttemptId, OrderId, TransactionId
from domain.kernel.money import Money
from domain.payments.attempts import AttemptState
from domain.payments.tenders import CardToken
from domain.payments.transactions import Transaction, TransactionKind, TransactionState
from service.foundation.ports import Codes, IdempotencyKey
from service.orders.payment.retry_payment import retry_payment
from service.orders.queries import get_order
from service.payments.payment_methods import PaymentMethods
from service.payments.ports import UnsettledTransaction
from service.payments.queries import AttemptDetails, list_attempts, list_unsettled
from service.shared.unit_of_work import Units


class TransactionView(Struct, frozen=True):
    """A request to the provider. `code` is why it failed, `receipt` the provider's identifier."""

    id: TransactionId
    kind: TransactionKind
    state: TransactionState
    amount: Money
    tries: int
    planned_at: datetime
    changed_at: datetime
    code: str | UnsetType = UNSET
    receipt: str | UnsetType = UNSET

    @classmethod
    def of(cls, asked: Transaction, currency: str) -> Self:
        return cls(
            id=asked.id,
            kind=asked.kind,
            state=asked.state,
            amount=Money(asked.amount, currency),
            tries=asked.tries,
            planned_at=asked.planned_at,
            changed_at=asked.changed_at,
            code=asked.last_error or UNSET,
            receipt=asked.receipt or UNSET,
        )


class PaymentAttemptView(Struct, frozen=True):
    """One try to be paid for an order; `payment` is the provider's name of it, once it is known."""

    id: AttemptId
    state: AttemptState
    provider: str
    amount: Money
    authorised: Money
    captured: Money
    refunded: Money
    disputed: bool
    started_at: datetime
    changed_at: datetime
    until: datetime
    transactions: list[TransactionView]
    payment: str | UnsetType = UNSET
    problem: str | UnsetType = UNSET

    @classmethod
    def of(cls, tried: AttemptDetails) -> Self:
        attempt = tried.attempt
        currency = attempt.amount.currency
        plain = ("id", "state", "provider", "amount", "disputed", "started_at", "changed_at")
        fields: dict[str, Any] = {name: getattr(attempt, name) for name in plain}
        for name in ("authorised", "captured"):
            fields[name] = Money(getattr(attempt, name), currency)
        return cls(
            **fields,
            refunded=Money(attempt.net_refunded, currency),
            until=attempt.deadline,
            transactions=[TransactionView.of(one, currency) for one in tried.transactions],
            payment=attempt.payment or UNSET,
            problem=attempt.last_error or UNSET,
        )


class NewPayment(Struct, frozen=True, forbid_unknown_fields=True):
    """Another try; `card` is the provider's name of a card that the page gave to it before."""

    method: Literal["card"] = "card"
    card: CardToken | None = None


class OrderPayments(Struct, frozen=True):
    items: list[PaymentAttemptView]


class Payments(Controller):
    path = "/v1"
    tags = ("payments",)

    @post(
        "/orders/{order:str}/payments",
        operation_id="pay_order",
        tags=["orders"],
        **callers(*SHOPPER_ROLES),
    )
    async def pay_order(
        self,
        order: FromPath[OrderId],
        data: JSONBody[NewPayment],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        cashier: NamedDependency[PaymentMethods],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[OrderView]:
        """Retry the payment of an order that waits for its money, for example with another card.

        The earlier attempt is cancelled at the provider first. Where that one turns out to have
        succeeded, the order is placed, and the answer is 409 `not_payable`.
        """
        tried = await retry_payment(
            units, cashier, caller=caller, order=order, card=data.card or "", key=key
        )
        seen = await get_order(units, caller=caller, order=tried.order.id)
        return order_response(seen, caller, codes, cashier, 201)

    @get(
        "/orders/{order:str}/payments",
        operation_id="list_order_payments",
        **callers(Role.OFFICE, scope="payments"),
    )
    async def list_order_payments(
        self, order: FromPath[OrderId], units: NamedDependency[Units]
    ) -> OrderPayments:
        """List the payment attempts of an order, oldest first, with their transactions."""
        tried = await list_attempts(units, order=order)
        return OrderPayments([PaymentAttemptView.of(one) for one in tried])

    @get(
        "/payments/unsettled",
        operation_id="list_unsettled_payments",
        **callers(Role.OFFICE, scope="payments"),
    )
    async def list_unsettled_payments(
        self,
        units: NamedDependency[Units],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[UnsettledTransaction]:
        """List payments that need a person: refused captures and refunds, disputes, lapses."""
        after = decode_cursor(cursor, str) or ""
        found = await list_unsettled(units, after=after, limit=limit + 1)
        return to_page(list(found), limit, lambda one: one.id)
