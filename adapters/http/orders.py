"""Orders, as their buyer, their stores and the office see them."""

from datetime import datetime
from typing import Self

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct, structs

from adapters.http.callers import ANYBODY, called_by
from adapters.http.paging import Cursor, Limit, Page, page_of, unseal
from adapters.http.tags import tagged
from domain.addresses import Address
from domain.callers import Caller, Role
from domain.ids import CartId, MarketId, OrderId
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
from domain.prices import Shipping, TaxSum, Totals
from service.orders.seeing import list_mine, look
from service.ports.unit import Units


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

    @classmethod
    def of(cls, order: Order) -> Self:
        told = {**structs.asdict(order), **structs.asdict(order.bill)}
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
    ) -> Response[OrderView]:
        """One order: for its customer, the guest with its cart's token, its stores, the office."""
        found = await look(units, caller=caller, order=order)
        return tagged(OrderView.of(found), found.version)


class MyOrders(Controller):
    path = "/v1/me/orders"
    tags = ("orders",)

    @get(operation_id="list_my_orders", **called_by(Role.CUSTOMER))
    async def mine(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[OrderView]:
        """The customer's orders, newest first."""
        before = unseal(cursor, OrderId)
        orders = await list_mine(units, caller=caller, before=before, limit=limit + 1)
        return page_of([OrderView.of(order) for order in orders], limit, lambda order: order.id)
