"""Goods on their way from one store to another."""

from datetime import date, datetime
from typing import Annotated, Final, Self

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Struct

from adapters.http.inventory.views.consignments import (
    CONSIGNMENT_ROLES,
    NewConsignmentLines,
    ReceiveConsignmentBody,
    own_stores,
    to_line_views,
    to_quantities,
)
from adapters.http.web.authentication import callers
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.callers import Caller
from domain.inventory.transfers import Transfer, TransferState
from domain.kernel.ids import Sku, StoreId, TransferId
from service.foundation.ports import IdempotencyKey
from service.inventory import consignments, transfers
from service.inventory.consignments import TRANSFERS, ReceivedResult
from service.inventory.stocktaking import StockReportResult
from service.inventory.transfers import TransferDispatch
from service.shared.unit_of_work import Units

WIRE_NAMES: Final = {"origin": "from", "destination": "to"}
"""Names of a transfer's ends on the wire; `from` is a keyword in Python only."""
States = Annotated[
    list[TransferState] | None,
    QueryParameter(name="state", description="In these states; without it, what is in transit."),
]
OfStores = Annotated[
    list[StoreId] | None,
    QueryParameter(
        name="store", max_items=500, description="From or to these stores; else all of one's own."
    ),
]


class NewTransfer(Struct, forbid_unknown_fields=True, rename=WIRE_NAMES):
    """All lines or none. `due_on` is the day on which they should be there, if that is known."""

    origin: StoreId
    destination: StoreId
    lines: NewConsignmentLines
    due_on: date | None = None


class TransferLineView(Struct, frozen=True):
    """`discrepancy` units were sent and never came."""

    sku: Sku
    quantity: int
    received: int
    in_transit: int
    discrepancy: int


class TransferView(Struct, frozen=True, rename=WIRE_NAMES):
    id: TransferId
    origin: StoreId
    destination: StoreId
    state: TransferState
    version: int
    lines: list[TransferLineView]
    due_on: date | None
    sent_by: str
    sent_at: datetime
    closed_by: str
    closed_at: datetime | None

    @classmethod
    def of(cls, transfer: Transfer) -> Self:
        return cls(
            id=transfer.id,
            origin=transfer.origin,
            destination=transfer.destination,
            state=transfer.state,
            version=transfer.version,
            lines=to_line_views(transfer, TransferLineView),
            due_on=transfer.due_on,
            sent_by=transfer.sent_by,
            sent_at=transfer.sent_at,
            closed_by=transfer.closed_by,
            closed_at=transfer.closed_at,
        )


class TransferSummary(Struct, frozen=True):
    """`results` has one entry for each line sent, with the stock level that it affected."""

    id: TransferId
    state: TransferState
    results: list[StockReportResult]

    @classmethod
    def of(cls, told: ReceivedResult[Transfer]) -> Self:
        return cls(told.consignment.id, told.consignment.state, told.results)


class Transfers(Controller):
    path = "/v1/stock/transfers"
    tags = ("stock",)

    @post(
        operation_id="send_transfer", status_code=200, **callers(*CONSIGNMENT_ROLES, scope="stock")
    )
    async def send_transfer(
        self,
        data: JSONBody[NewTransfer],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> TransferSummary:
        """Send goods from the store `from`. 409 `insufficient_stock` names each line that is short.

        Only stock that is promised to no one may be sent, by a caller who works in that store.
        """
        wish = TransferDispatch(
            data.origin, data.destination, to_quantities(data.lines), data.due_on
        )
        return TransferSummary.of(
            await transfers.send_transfer(units, caller=caller, wish=wish, key=key)
        )

    @post(
        "/{transfer:str}/receive",
        operation_id="receive_transfer",
        status_code=200,
        **callers(*CONSIGNMENT_ROLES, scope="stock"),
    )
    async def receive_transfer(
        self,
        transfer: FromPath[TransferId],
        data: JSONBody[ReceiveConsignmentBody],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> TransferSummary:
        """Receive goods in the store `to`: the total of each line so far; a repeat changes nothing.

        The transfer is closed once all has come, or when `close` declares that no more will.
        """
        told = await consignments.receive_consignment(
            units, TRANSFERS, transfer, caller=caller, totals=data.totals, last=data.close, key=key
        )
        return TransferSummary.of(told)

    @get(operation_id="list_transfers", **callers(*CONSIGNMENT_ROLES, scope="stock"))
    async def list_transfers(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        stores: OfStores = None,
        states: States = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[TransferView]:
        """List transfers from or to the caller's stores, oldest first."""
        found = await consignments.list_consignments(
            units,
            TRANSFERS,
            caller=caller,
            stores=own_stores(caller, stores),
            states=states or [TransferState.IN_TRANSIT],
            after=decode_cursor(cursor, TransferId),
            limit=limit + 1,
        )
        return to_page([TransferView.of(one) for one in found], limit, lambda one: one.id)

    @get(
        "/{transfer:str}", operation_id="get_transfer", **callers(*CONSIGNMENT_ROLES, scope="stock")
    )
    async def get_transfer(
        self,
        transfer: FromPath[TransferId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
    ) -> TransferView:
        """Get a transfer, with the units in transit and the units that never came."""
        return TransferView.of(
            await consignments.get_consignment(units, TRANSFERS, transfer, caller=caller)
        )
