"""Returns: goods that are brought back to a store, or sent back by post."""

from datetime import datetime
from typing import Annotated, Self

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http.web.authentication import ANYONE, STAFF_ROLES, callers
from adapters.http.web.bodies import EmptyBody
from adapters.http.web.etags import with_etag
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.catalogue.products import parse_gtin
from domain.foundation.callers import Caller, Role
from domain.kernel.errors import InvalidField
from domain.kernel.ids import OrderId, ReceiptId, ReturnId, Sku, StoreId
from domain.kernel.money import Money
from domain.payments.refunds import Refund
from domain.returns.dispositions import Disposition, DispositionProposal
from domain.returns.non_receipted import BroughtItem
from domain.returns.returns import RequestedLine, Return, ReturnChannel, ReturnLine, ReturnState
from service.foundation.ports import IdempotencyKey
from service.returns import queries as seeing
from service.returns import receive_return as receiving
from service.returns.non_receipted import receive_without_receipt
from service.returns.receive_return import ReturnRequest
from service.shared.unit_of_work import Units

Reason = Annotated[str, Meta(max_length=200)]
ReturnQuantity = Annotated[int, Meta(ge=1, le=1_000_000)]
LineReference = Annotated[str, Meta(min_length=1, max_length=100)]
States = Annotated[
    list[ReturnState] | None,
    QueryParameter(name="state", description="In these states; without it, what is expected."),
]


class NewReturnLine(Struct, forbid_unknown_fields=True):
    """Units of one line of the order, by its `line`, its sku or the barcode.

    One line may be listed more than once, with another disposition.
    """

    quantity: ReturnQuantity
    line: LineReference | None = None
    sku: Sku | None = None
    gtin: str | None = None
    disposition: Disposition | None = None
    reason: Reason = ""

    def __post_init__(self) -> None:
        if [self.line, self.sku, self.gtin].count(None) != 2:  # noqa: PLR2004 - one of three
            raise InvalidField(
                "sku", "sku_or_gtin", "name the line by its line, its sku or its gtin"
            )
        if self.gtin is not None:
            self.gtin = parse_gtin(self.gtin)

    def to_line_request(self) -> RequestedLine:
        return RequestedLine(
            self.quantity, self.line, self.sku, self.gtin, self.disposition, self.reason
        )


NewReturnLines = Annotated[list[NewReturnLine], Meta(min_length=1, max_length=200)]


class NewReturn(Struct, forbid_unknown_fields=True):
    """The goods to return. A store gives each one's disposition; a buyer announces it by `post`."""

    lines: NewReturnLines
    channel: ReturnChannel = ReturnChannel.STORE
    store: StoreId | None = None
    note: Reason = ""

    def to_request(self) -> ReturnRequest:
        asked = [line.to_line_request() for line in self.lines]
        return ReturnRequest(asked, self.channel, self.store, self.note)


class ReceiveReturnBody(Struct, forbid_unknown_fields=True):
    """The goods received of an announced return, and their disposition."""

    lines: NewReturnLines
    store: StoreId | None = None
    note: Reason = ""

    def to_request(self) -> ReturnRequest:
        asked = [line.to_line_request() for line in self.lines]
        return ReturnRequest(asked, ReturnChannel.POST, self.store, self.note)


class NonReceiptedReturnLine(Struct, forbid_unknown_fields=True):
    """Units of one thing, by its sku or the barcode; `unit_price` is at most today's price."""

    quantity: ReturnQuantity
    disposition: Disposition
    sku: Sku | None = None
    gtin: str | None = None
    unit_price: Money | None = None

    def __post_init__(self) -> None:
        if (self.sku is None) == (self.gtin is None):
            raise InvalidField("sku", "sku_or_gtin", "name the thing by its sku or by its gtin")
        if self.gtin is not None:
            self.gtin = parse_gtin(self.gtin)

    def to_item(self) -> BroughtItem:
        return BroughtItem(
            self.quantity, self.disposition, self.sku, self.gtin, unit_price=self.unit_price
        )


class NewNonReceiptedReturn(Struct, forbid_unknown_fields=True):
    """The goods returned without a receipt, and the reason why they were accepted all the same."""

    lines: Annotated[list[NonReceiptedReturnLine], Meta(min_length=1, max_length=200)]
    reason: Annotated[str, Meta(min_length=3, max_length=200)]


class ReturnDecision(Struct, forbid_unknown_fields=True):
    """Decides whether goods that did not come are paid back all the same."""

    pay: bool


class ReturnLineView(Struct, frozen=True):
    """`refund` is paid back; `withheld` is the amount that the office has yet to decide on."""

    line: str
    sku: Sku
    name: str
    quantity: int
    disposition: Disposition | None
    reason: str
    refund: Money
    withheld: Money

    @classmethod
    def of(cls, line: ReturnLine) -> Self:
        return cls(**{name: getattr(line, name) for name in cls.__struct_fields__})


class ReturnView(Struct, frozen=True):
    """`refunds` say how much is paid back in which way, and through whom: the till pays at once.

    `proposals` are for staff: where the goods belong, and why.
    """

    id: ReturnId
    order: OrderId | None
    store: StoreId
    channel: ReturnChannel
    state: ReturnState
    version: int
    lines: list[ReturnLineView]
    refund: Money
    withheld: Money
    refunds: list[Refund]
    receipt: ReceiptId | None
    created_at: datetime
    received_at: datetime | None
    note: str | UnsetType = UNSET
    by: str | UnsetType = UNSET
    proposals: list[DispositionProposal] | UnsetType = UNSET

    @classmethod
    def of(cls, back: Return, caller: Caller) -> Self:
        hidden = () if caller.is_staff else ("note", "by", "proposals")
        told = {
            name: getattr(back, name)
            for name in cls.__struct_fields__
            if name not in {"lines", *hidden}
        }
        return cls(lines=[ReturnLineView.of(line) for line in back.lines], **told)


class OrderReturns(Controller):
    path = "/v1/orders/{order:str}/returns"
    tags = ("returns",)

    @post(operation_id="return_order", **callers(*ANYONE, scope="orders"))
    async def create_order_return(
        self,
        order: FromPath[OrderId],
        data: JSONBody[NewReturn],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> ReturnView:
        """Return goods of an order: to any store at once, or by post, announced by their buyer.

        422 `more_than_given` names each line with the units that may be returned. The refund is
        the share of the amount that was paid; the answer gives the amount by payment method.
        """
        back = await receiving.create_return(
            units, caller=caller, order=order, wish=data.to_request(), key=key
        )
        return ReturnView.of(back, caller)

    @get(operation_id="list_order_returns", **callers(*ANYONE, scope="orders"))
    async def list_order_returns(
        self,
        order: FromPath[OrderId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
    ) -> Page[ReturnView]:
        """List the completed and expected returns of an order, oldest first."""
        found = await seeing.list_returns_of_order(units, caller=caller, order=order)
        return Page([ReturnView.of(back, caller) for back in found])


class StoreReturns(Controller):
    path = "/v1/stores/{store:str}/returns"
    tags = ("returns",)

    @get(operation_id="list_store_returns", **callers(*STAFF_ROLES, scope="orders"))
    async def list_store_returns(
        self,
        store: FromPath[StoreId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        states: States = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ReturnView]:
        """List the completed and expected returns of a store, oldest first."""
        found = await seeing.list_returns_at_store(
            units,
            caller=caller,
            store=store,
            states=states or [ReturnState.ANNOUNCED],
            after=decode_cursor(cursor, ReturnId),
            limit=limit + 1,
        )
        views = [ReturnView.of(back, caller) for back in found]
        return to_page(views, limit, lambda view: view.id)

    @post(operation_id="return_without_receipt", **callers(*STAFF_ROLES, scope="orders"))
    async def create_non_receipted_return(
        self,
        store: FromPath[StoreId],
        data: JSONBody[NewNonReceiptedReturn],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
        without_receipt_max: NamedDependency[int],
    ) -> ReturnView:
        """Return goods without a known order, for store credit only, where that is allowed.

        409 `receipt_required` where it is not allowed, or not for that amount.
        """
        back = await receive_without_receipt(
            units,
            caller=caller,
            store=store,
            brought=[line.to_item() for line in data.lines],
            note=data.reason,
            most=without_receipt_max,
            key=key,
        )
        return ReturnView.of(back, caller)


class Returns(Controller):
    path = "/v1/returns/{return_id:str}"
    tags = ("returns",)

    @get(operation_id="get_return", **callers(*ANYONE, scope="orders"))
    async def get_return(
        self,
        return_id: FromPath[ReturnId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
    ) -> Response[ReturnView]:
        """Get a return: for its buyer, the stores of its order, and the store with its goods."""
        return _return_response(
            await seeing.get_return(units, caller=caller, back=return_id), caller
        )

    @post(
        "/receive",
        operation_id="receive_return",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders"),
    )
    async def receive_return(
        self,
        return_id: FromPath[ReturnId],
        data: JSONBody[ReceiveReturnBody],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[ReturnView]:
        """Receive an announced return, or other goods of the order: the goods received count."""
        back = await receiving.receive_return(
            units, caller=caller, back=return_id, wish=data.to_request(), key=key
        )
        return _return_response(back, caller)

    @post(
        "/cancel",
        operation_id="cancel_return",
        status_code=200,
        **callers(*ANYONE, scope="orders"),
    )
    async def cancel_return(
        self,
        return_id: FromPath[ReturnId],
        data: JSONBody[EmptyBody],  # noqa: ARG002 - read, so that a misspelt field is named
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[ReturnView]:
        """Cancel an announced return. A repeat changes nothing."""
        back = await receiving.cancel_return(units, caller=caller, back=return_id, key=optional_key)
        return _return_response(back, caller)

    @post(
        "/decide",
        operation_id="decide_return",
        status_code=200,
        **callers(Role.OFFICE, scope="payments"),
    )
    async def decide_return(
        self,
        return_id: FromPath[ReturnId],
        data: JSONBody[ReturnDecision],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[ReturnView]:
        """Decide whether the amount withheld for goods that did not come is paid back."""
        back = await receiving.decide_return(
            units, caller=caller, back=return_id, pays=data.pay, key=key
        )
        return _return_response(back, caller)


def _return_response(back: Return, caller: Caller) -> Response[ReturnView]:
    return with_etag(ReturnView.of(back, caller), back.version)
