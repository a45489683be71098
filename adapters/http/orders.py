"""Orders, as their buyer, their stores and the office see them."""

from datetime import datetime
from typing import Any, Self

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType, structs

from adapters.http.callers import ANYBODY, called_by
from adapters.http.paging import Cursor, Limit, Page, page_of, unseal
from adapters.http.tags import tagged
from domain.addresses import Address
from domain.callers import Caller, Role
from domain.ids import AttemptId, CartId, MarketId, OrderId
from domain.orders import (
    Contact,
    CouponUsed,
    Earning,
    Order,
    OrderGroup,
    OrderLine,
    OrderState,
    Tender,
)
from domain.payments import Attempt, AttemptState
from domain.prices import Shipping, TaxSum, Totals
from service.orders.seeing import list_mine, look
from service.payments.cashier import Cashier
from service.ports.unit import Units


class PaymentView(Struct, frozen=True):
    """How an order is paid. What the shopper's page has to do stands here for its buyer alone.

    By card: the page gives `client_secret` and `publishable_key` to the provider, which asks for
    a card, or for the bank's word (`next_action`); `until` is how long the order waits for it.
    `problem` is why the last card was declined.
    """

    method: str
    state: AttemptState | UnsetType = UNSET
    attempt: AttemptId | UnsetType = UNSET
    problem: str | UnsetType = UNSET
    until: datetime | UnsetType = UNSET
    client_secret: str | UnsetType = UNSET
    next_action: dict[str, Any] | UnsetType = UNSET
    publishable_key: str | UnsetType = UNSET

    @classmethod
    def of(cls, order: Order, attempt: Attempt | None, publishable_key: str) -> Self:
        if attempt is None:
            return cls(order.payment.method)
        waits = order.is_pending and order.pay_by is not None
        asks = bool(attempt.client_secret)
        return cls(
            method=order.payment.method,
            state=attempt.state,
            attempt=attempt.id,
            problem=attempt.trouble or UNSET,
            until=order.pay_by if waits and order.pay_by else UNSET,
            client_secret=attempt.client_secret or UNSET,
            next_action=attempt.next_action or UNSET,
            publishable_key=publishable_key if asks and publishable_key else UNSET,
        )


class OrderView(Struct, frozen=True):
    """What was bought, for how much, and where it waits.

    `to_pay` is what is still wanted, and shipping while something is sent; all other money is as
    it was when the order was placed.
    """

    id: OrderId
    cart: CartId
    state: OrderState
    version: int
    placed_at: datetime
    currency: str
    contact: Contact
    address: Address | None
    lines: list[OrderLine]
    groups: list[OrderGroup]
    market: MarketId | None
    prices_include_tax: bool
    shipping: Shipping | None
    taxes: list[TaxSum]
    coupons: list[CouponUsed]
    totals: Totals
    tenders: list[Tender]
    points: Earning
    payment: PaymentView

    @classmethod
    def of(cls, order: Order, attempt: Attempt | None, publishable_key: str) -> Self:
        told = {**structs.asdict(order), **structs.asdict(order.bill)}
        told["payment"] = PaymentView.of(order, attempt, publishable_key)
        return cls(**{name: told[name] for name in cls.__struct_fields__})


class Orders(Controller):
    path = "/v1/orders"
    tags = ("orders",)

    @get("/{order:str}", operation_id="get_order", **called_by(*ANYBODY, scope="orders"))
    async def look(
        self,
        order: FromPath[OrderId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        cashier: NamedDependency[Cashier],
    ) -> Response[OrderView]:
        """One order: for its customer, the guest with its cart's token, its stores, the office."""
        seen = await look(units, caller=caller, order=order)
        view = OrderView.of(seen.order, seen.attempt, cashier.publishable_key)
        return tagged(view, seen.order.version)


class MyOrders(Controller):
    path = "/v1/me/orders"
    tags = ("orders",)

    @get(operation_id="list_my_orders", **called_by(Role.CUSTOMER))
    async def mine(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        cashier: NamedDependency[Cashier],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[OrderView]:
        """The customer's orders, newest first."""
        before = unseal(cursor, OrderId)
        orders = await list_mine(units, caller=caller, before=before, limit=limit + 1)
        views = [OrderView.of(seen.order, seen.attempt, cashier.publishable_key) for seen in orders]
        return page_of(views, limit, lambda order: order.id)
