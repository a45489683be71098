"""Orders, as their buyer, their stores and the office see them."""

from datetime import datetime
from typing import Annotated, Any, Self

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Struct, UnsetType, structs

from adapters.http.web.authentication import ANYONE, STAFF_ROLES, callers
from adapters.http.web.etags import with_etag
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from adapters.http.web.parameters import ensure_timestamp
from domain.foundation.callers import Caller, Role
from domain.fulfilment.shipments import Parcel
from domain.kernel.addresses import Address
from domain.kernel.ids import AttemptId, CartId, CustomerId, MarketId, OrderId, StoreId
from domain.orders.order_lines import OrderLine
from domain.orders.orders import (
    AppliedCoupon,
    Contact,
    Order,
    OrderFulfilment,
    OrderPoints,
    OrderState,
)
from domain.orders.progress import FulfilmentState, OrderDetails
from domain.payments.attempts import AttemptState, PaymentAttempt
from domain.payments.tenders import Tender
from domain.pricing.prices import ShippingCharge, TaxTotal, Totals
from service.follow_ups.send_order_link import OrderLinkRequest, send_order_link
from service.foundation.ports import Codes, IdempotencyKey
from service.orders.edit_order import OrderEdit, edit_order
from service.orders.queries import get_order, is_buyer, list_my_orders
from service.orders.search import OrderSearch, search_orders
from service.payments.payment_methods import PaymentMethods
from service.shared.unit_of_work import Units


class OrderLineView(OrderLine, frozen=True, kw_only=True):
    """Units of one SKU, and their states.

    `quantity` were ordered; `picked` were picked so far, `ready` are ready for collection now; the
    others ended: `cancelled`, `collected`, `shipped`, and, of those that left, `returned`.
    """

    picked: int = 0
    ready: int = 0


class OrderFulfilmentView(OrderFulfilment, frozen=True, kw_only=True):
    """A pickup or a shipment: its promise, how far it is, and the parcels that left.

    One that has no `state` is planned only: its location does not know of it yet.
    """

    state: str | UnsetType = UNSET
    parcels: list[Parcel] | UnsetType = UNSET


class PaymentView(Struct, frozen=True):
    """The payment of an order. The next step for the shopper's page is shown to its buyer only.

    By card: the page gives `client_secret` and `publishable_key` to the provider, which asks for
    a card, or for the bank's confirmation (`next_action`); the order waits for it until `until`.
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
    def of(cls, order: Order, attempt: PaymentAttempt | None, publishable_key: str) -> Self:
        if attempt is None:
            return cls(order.payment.method)
        waits = order.is_pending and order.payment_due_at is not None
        asks = bool(attempt.client_secret)
        return cls(
            method=order.payment.method,
            state=attempt.state,
            attempt=attempt.id,
            problem=attempt.last_error or UNSET,
            until=order.payment_due_at if waits and order.payment_due_at else UNSET,
            client_secret=attempt.client_secret or UNSET,
            next_action=attempt.next_action or UNSET,
            publishable_key=publishable_key if asks and publishable_key else UNSET,
        )


class OrderView(Struct, frozen=True):
    """An order: its goods, its prices, where they wait, and the state of each unit.

    `to_pay` is the amount still due, with shipping while any goods are sent; all other money is as
    it was when the order was placed or edited. `token` is for a guest: the secret of a link to
    this order, sent back as `Order-Token`.
    """

    id: OrderId
    cart: CartId
    state: OrderState
    version: int
    placed_at: datetime
    currency: str
    contact: Contact
    address: Address | None
    lines: list[OrderLineView]
    groups: list[OrderFulfilmentView]
    market: MarketId | None
    prices_include_tax: bool
    shipping: ShippingCharge | None
    taxes: list[TaxTotal]
    coupons: list[AppliedCoupon]
    totals: Totals
    tenders: list[Tender]
    points: OrderPoints
    payment: PaymentView
    token: str | UnsetType = UNSET

    @classmethod
    def of(cls, seen: OrderDetails, publishable_key: str, token: str | UnsetType = UNSET) -> Self:
        told: dict[str, Any] = {**structs.asdict(seen.order), **structs.asdict(seen.order.pricing)}
        told["token"] = token
        told["payment"] = PaymentView.of(seen.order, seen.attempt, publishable_key)
        told["lines"] = [
            _to_line_view(line, seen.groups.get(line.group)) for line in seen.order.lines
        ]
        told["groups"] = [
            _to_group_view(group, seen.groups.get(group.id)) for group in seen.order.groups
        ]
        return cls(**{name: told[name] for name in cls.__struct_fields__})


def _to_line_view(line: OrderLine, group: FulfilmentState | None) -> OrderLineView:
    if group is None:
        return OrderLineView(**structs.asdict(line))
    picked, ready = group.picked_units(line.sku), group.ready_units(line.sku)
    return OrderLineView(**structs.asdict(line), picked=picked, ready=ready)


def _to_group_view(group: OrderFulfilment, progress: FulfilmentState | None) -> OrderFulfilmentView:
    if progress is None:
        return OrderFulfilmentView(**structs.asdict(group))
    sent = UNSET if group.pickup else progress.parcels
    return OrderFulfilmentView(**structs.asdict(group), state=progress.state, parcels=sent)


def order_response(
    seen: OrderDetails, caller: Caller, codes: Codes, cashier: PaymentMethods, status: int = 200
) -> Response[OrderView]:
    """The order, for a guest with the token of a link to it."""
    order = seen.order
    guest = order.customer is None and is_buyer(caller, order)
    token = codes.order_token(order.id) if guest else UNSET
    view = OrderView.of(seen, cashier.publishable_key, token)
    return with_etag(view, order.version, status=status)


class OrderLinkSent(Struct, frozen=True):
    """Whatever there was to send is on its way."""


StateFilter = Annotated[
    OrderState | None, QueryParameter(name="state", description="In this state.")
]
StoreFilter = Annotated[
    StoreId | None, QueryParameter(description="With something to collect or to send there.")
]
CustomerFilter = Annotated[CustomerId | None, QueryParameter(max_length=64)]
OrderQuery = Annotated[
    str | None,
    QueryParameter(
        name="query",
        min_length=1,
        max_length=254,
        description=(
            "The order's id, a whole e-mail address or phone number, the beginning of a name or of "
            "a last name, a sku, the tracking number of a parcel, or a till's receipt that paid it."
        ),
    ),
]
PlacedFrom = Annotated[datetime | None, QueryParameter(description="Placed then or later.")]
PlacedUntil = Annotated[datetime | None, QueryParameter(description="Placed before then.")]


class Orders(Controller):
    path = "/v1/orders"
    tags = ("orders",)

    @get(operation_id="list_orders", **callers(*STAFF_ROLES, scope="orders", strict=True))
    async def list_orders(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        cashier: NamedDependency[PaymentMethods],
        in_state: StateFilter = None,
        store: StoreFilter = None,
        customer: CustomerFilter = None,
        said: OrderQuery = None,
        placed_from: PlacedFrom = None,
        placed_until: PlacedUntil = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[OrderView]:
        """List the orders that match all filters, newest first; a store sees its own only."""
        ensure_timestamp("placed_from", placed_from)
        ensure_timestamp("placed_until", placed_until)
        search = OrderSearch(in_state, store, customer, said, placed_from, placed_until)
        before = decode_cursor(cursor, OrderId)
        found = await search_orders(
            units, caller=caller, search=search, before=before, limit=limit + 1
        )
        views = [OrderView.of(seen, cashier.publishable_key) for seen in found]
        return to_page(views, limit, lambda order: order.id)

    @get("/{order:str}", operation_id="get_order", **callers(*ANYONE, scope="orders"))
    async def get_order(
        self,
        order: FromPath[OrderId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        cashier: NamedDependency[PaymentMethods],
    ) -> Response[OrderView]:
        """Get an order: for its customer, the guest with its token, its stores and the office."""
        found = await get_order(units, caller=caller, order=order)
        return order_response(found, caller, codes, cashier)

    @patch(
        "/{order:str}",
        operation_id="update_order",
        **callers(Role.SHOP, Role.CUSTOMER, Role.OFFICE, scope="orders"),
    )
    async def update_order(
        self,
        order: FromPath[OrderId],
        data: JSONBody[OrderEdit],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        cashier: NamedDependency[PaymentMethods],
        key: NamedDependency[IdempotencyKey],
        if_match: NamedDependency[int | None],
    ) -> Response[OrderView]:
        """Change quantities, contact or address of an order; the office also a unit price.

        Its buyer may until the picking of any of it begins. `quantity` is the total that the buyer
        is to get of a line: fewer are cancelled, more are promised if they are free, or the whole
        edit is refused with 409 `insufficient_stock` and nothing changes. A value that is already
        set is not written again.
        """
        edited = await edit_order(
            units, caller=caller, order=order, edit=data, if_version=if_match, key=key
        )
        return order_response(edited, caller, codes, cashier)

    @post(
        "/find",
        operation_id="send_order_link",
        status_code=202,
        **callers(Role.SHOP, Role.CUSTOMER, strict=True),
    )
    async def send_order_link(
        self,
        data: JSONBody[OrderLinkRequest],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> OrderLinkSent:
        """Send the link to a guest's order again, to the person who ordered it.

        For a guest who lost it and knows the number of the order and its e-mail address. The answer
        is always the same, so it does not reveal whether there is such an order.
        """
        await send_order_link(units, lost=data, key=optional_key)
        return OrderLinkSent()


class MyOrders(Controller):
    path = "/v1/me/orders"
    tags = ("orders",)

    @get(operation_id="list_my_orders", **callers(Role.CUSTOMER))
    async def list_my_orders(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        cashier: NamedDependency[PaymentMethods],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[OrderView]:
        """List the customer's orders, newest first."""
        before = decode_cursor(cursor, OrderId)
        orders = await list_my_orders(units, caller=caller, before=before, limit=limit + 1)
        views = [OrderView.of(seen, cashier.publishable_key) for seen in orders]
        return to_page(views, limit, lambda order: order.id)
