"""Goods on their way from one store to another."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Self

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from adapters.http.callers import called_by
from adapters.http.paging import Cursor, Limit, Page, page_of, unseal
from domain.callers import Caller, Role
from domain.ids import Sku, StoreId, TransferId
from domain.pickups import Repeated
from domain.stock import MOST
from domain.transfers import Transfer, TransferState
from service import transfers
from service.ports.requests import RequestKey
from service.ports.unit import Units
from service.stocktaking import Result
from service.transfers import Dispatch, Told

KEEPERS: Final = (Role.ASSOCIATE, Role.OFFICE)
MOST_LINES: Final = 1000
ENDS: Final = {"origin": "from", "destination": "to"}
"""What the ends of a transfer are called on the wire, where no language minds the words."""
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


class SentLine(Struct, forbid_unknown_fields=True):
    sku: Sku
    quantity: Annotated[int, Meta(ge=1, le=MOST)]


class NewTransfer(Struct, forbid_unknown_fields=True, rename=ENDS):
    """All lines or none."""

    origin: StoreId
    destination: StoreId
    lines: Annotated[list[SentLine], Meta(min_length=1, max_length=MOST_LINES)]


class ReceivedLine(Struct, forbid_unknown_fields=True):
    """Units that have come so far in all, so that a repeat is harmless."""

    sku: Sku
    received: Annotated[int, Meta(ge=0, le=MOST)]


class Receiving(Struct, forbid_unknown_fields=True):
    """What has come. `close` says that no more will: what is missing then is the discrepancy."""

    lines: Annotated[list[ReceivedLine], Meta(max_length=MOST_LINES)]
    close: bool = False


class TransferLineView(Struct, frozen=True):
    """`discrepancy` units were sent and never came."""

    sku: Sku
    quantity: int
    received: int
    in_transit: int
    discrepancy: int


class TransferView(Struct, frozen=True, rename=ENDS):
    id: TransferId
    origin: StoreId
    destination: StoreId
    state: TransferState
    version: int
    lines: list[TransferLineView]
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
            lines=[
                TransferLineView(
                    line.sku,
                    line.quantity,
                    line.received,
                    transfer.in_transit(line),
                    transfer.discrepancy(line),
                )
                for line in transfer.lines
            ],
            sent_by=transfer.sent_by,
            sent_at=transfer.sent_at,
            closed_by=transfer.closed_by,
            closed_at=transfer.closed_at,
        )


class TransferTold(Struct, frozen=True):
    """`results` has one for each line that was sent in, with the shelf that it touched."""

    id: TransferId
    state: TransferState
    results: list[Result]

    @classmethod
    def of(cls, told: Told) -> Self:
        return cls(told.transfer.id, told.transfer.state, told.results)


class Transfers(Controller):
    path = "/v1/stock/transfers"
    tags = ("stock",)

    @post(operation_id="send_transfer", status_code=200, **called_by(*KEEPERS, scope="stock"))
    async def send(
        self,
        data: JSONBody[NewTransfer],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[RequestKey],
    ) -> TransferTold:
        """The goods leave the store `from`. 409 `insufficient_stock` names each line that is short.

        Only what nobody was promised may be sent; somebody who works there says so.
        """
        wanted = _units((line.sku, line.quantity) for line in data.lines)
        wish = Dispatch(data.origin, data.destination, wanted)
        return TransferTold.of(await transfers.send(units, caller=caller, wish=wish, key=key))

    @post(
        "/{transfer:str}/receive",
        operation_id="receive_transfer",
        status_code=200,
        **called_by(*KEEPERS, scope="stock"),
    )
    async def receive(
        self,
        transfer: FromPath[TransferId],
        data: JSONBody[Receiving],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[RequestKey],
    ) -> TransferTold:
        """So much has come to the store `to` so far; a total that is known changes nothing.

        The transfer is closed once all has come, or when `close` says that no more will.
        """
        totals = _units((line.sku, line.received) for line in data.lines)
        told = await transfers.receive(
            units, caller=caller, transfer=transfer, totals=totals, last=data.close, key=key
        )
        return TransferTold.of(told)

    @get(operation_id="list_transfers", **called_by(*KEEPERS, scope="stock"))
    async def some(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        stores: OfStores = None,
        states: States = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[TransferView]:
        """Transfers from or to one's stores, oldest first."""
        if stores is None and caller.role is not Role.OFFICE:
            stores = sorted(caller.stores)
        found = await transfers.list_of(
            units,
            caller=caller,
            stores=stores,
            states=states or [TransferState.IN_TRANSIT],
            after=unseal(cursor, TransferId),
            limit=limit + 1,
        )
        return page_of([TransferView.of(one) for one in found], limit, lambda one: one.id)

    @get("/{transfer:str}", operation_id="get_transfer", **called_by(*KEEPERS, scope="stock"))
    async def look(
        self,
        transfer: FromPath[TransferId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
    ) -> TransferView:
        """One transfer, with what is in transit and what never came."""
        return TransferView.of(await transfers.look(units, caller=caller, transfer=transfer))


def _units(lines: Iterable[tuple[Sku, int]]) -> dict[Sku, int]:
    """Raises Repeated."""
    units: dict[Sku, int] = {}
    for sku, count in lines:
        if sku in units:
            raise Repeated(sku)
        units[sku] = count
    return units
