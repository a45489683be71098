"""Deliveries that stores expect from suppliers."""

from datetime import date, datetime
from typing import Annotated, Self

from litestar import Controller, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

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
from domain.foundation.callers import Caller, Role
from domain.inventory.deliveries import Delivery, DeliveryState
from domain.kernel.errors import InvalidField
from domain.kernel.ids import DeliveryId, Sku, StoreId
from domain.kernel.timestamps import Timestamp, ensure_representable
from service.foundation.ports import IdempotencyKey
from service.inventory import consignments, deliveries
from service.inventory.consignments import DELIVERIES, ReceivedResult
from service.inventory.deliveries import DeliveryAnnouncement
from service.inventory.stocktaking import StockReportResult
from service.shared.unit_of_work import Units

States = Annotated[
    list[DeliveryState] | None,
    QueryParameter(name="state", description="In these states; without it, what is expected."),
]
OfStores = Annotated[
    list[StoreId] | None,
    QueryParameter(
        name="store", max_items=500, description="To these stores; else all of one's own."
    ),
]


class NewDelivery(Struct, forbid_unknown_fields=True):
    """A delivery is due on a day of the store's calendar, `due_on`, or at a time, `due_at`.

    Exactly one of them is given. `reference` is the retailer's own identifier, such as the number
    of the purchase order.
    """

    store: StoreId
    lines: NewConsignmentLines
    due_on: date | None = None
    due_at: Timestamp | None = None
    reference: Annotated[str, Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        _ensure_one_due(self.due_on, self.due_at)


class RescheduleDeliveryBody(Struct, forbid_unknown_fields=True):
    """`due_on` is a day of the store's calendar, `due_at` a time; exactly one of them is given."""

    due_on: date | None = None
    due_at: Timestamp | None = None

    def __post_init__(self) -> None:
        _ensure_one_due(self.due_on, self.due_at)


class DeliveryLineView(Struct, frozen=True):
    """`incoming` units are still to come; `discrepancy` units never came."""

    sku: Sku
    quantity: int
    received: int
    incoming: int
    discrepancy: int


class DeliveryView(Struct, frozen=True):
    """`external_id` is the delivery's identifier in the file that announced it."""

    id: DeliveryId
    external_id: str | None
    store: StoreId
    state: DeliveryState
    version: int
    reference: str
    due_on: date | None
    due_at: datetime | None
    lines: list[DeliveryLineView]
    announced_by: str
    announced_at: datetime
    closed_by: str
    closed_at: datetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        return cls(
            id=delivery.id,
            external_id=delivery.external_id,
            store=delivery.destination,
            state=delivery.state,
            version=delivery.version,
            reference=delivery.reference,
            due_on=delivery.due_on,
            due_at=delivery.due_at,
            lines=to_line_views(delivery, DeliveryLineView),
            announced_by=delivery.announced_by,
            announced_at=delivery.announced_at,
            closed_by=delivery.closed_by,
            closed_at=delivery.closed_at,
        )


class DeliverySummary(Struct, frozen=True):
    """`results` has one entry for each line sent, with the stock level that it affected."""

    id: DeliveryId
    state: DeliveryState
    results: list[StockReportResult]

    @classmethod
    def of(cls, told: ReceivedResult[Delivery]) -> Self:
        return cls(told.consignment.id, told.consignment.state, told.results)


class Deliveries(Controller):
    path = "/v1/stock/deliveries"
    tags = ("stock",)

    @post(operation_id="announce_delivery", **callers(Role.OFFICE, scope="stock"))
    async def announce_delivery(
        self,
        data: JSONBody[NewDelivery],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> DeliveryView:
        """Announce a delivery of a supplier. No stock level changes before it is received."""
        news = DeliveryAnnouncement(
            data.store, to_quantities(data.lines), data.due_on, data.due_at, data.reference
        )
        return DeliveryView.of(
            await deliveries.announce_delivery(units, caller=caller, news=news, key=key)
        )

    @get(operation_id="list_deliveries", **callers(*CONSIGNMENT_ROLES, scope="stock"))
    async def list_deliveries(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        stores: OfStores = None,
        states: States = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[DeliveryView]:
        """List deliveries to the caller's stores, in the order they were announced."""
        found = await consignments.list_consignments(
            units,
            DELIVERIES,
            caller=caller,
            stores=own_stores(caller, stores),
            states=states or [DeliveryState.EXPECTED],
            after=decode_cursor(cursor, DeliveryId),
            limit=limit + 1,
        )
        return to_page([DeliveryView.of(one) for one in found], limit, lambda one: one.id)

    @get(
        "/{delivery:str}", operation_id="get_delivery", **callers(*CONSIGNMENT_ROLES, scope="stock")
    )
    async def get_delivery(
        self,
        delivery: FromPath[DeliveryId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
    ) -> DeliveryView:
        """Get a delivery, with the units still to come and the units that never came."""
        return DeliveryView.of(
            await consignments.get_consignment(units, DELIVERIES, delivery, caller=caller)
        )

    @patch(
        "/{delivery:str}", operation_id="put_off_delivery", **callers(Role.OFFICE, scope="stock")
    )
    async def reschedule_delivery(
        self,
        delivery: FromPath[DeliveryId],
        data: JSONBody[RescheduleDeliveryBody],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> DeliveryView:
        """Reschedule a delivery to another time, earlier or later."""
        after = await deliveries.postpone_delivery(
            units, delivery=delivery, due_on=data.due_on, due_at=data.due_at, key=optional_key
        )
        return DeliveryView.of(after)

    @post(
        "/{delivery:str}/cancel",
        operation_id="cancel_delivery",
        status_code=200,
        **callers(Role.OFFICE, scope="stock"),
    )
    async def cancel_delivery(
        self,
        delivery: FromPath[DeliveryId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> DeliveryView:
        """Cancel a delivery. 409 `already_received` where some of it has come: close it instead."""
        after = await deliveries.cancel_delivery(
            units, caller=caller, delivery=delivery, key=optional_key
        )
        return DeliveryView.of(after)

    @post(
        "/{delivery:str}/receive",
        operation_id="receive_delivery",
        status_code=200,
        **callers(*CONSIGNMENT_ROLES, scope="stock"),
    )
    async def receive_delivery(
        self,
        delivery: FromPath[DeliveryId],
        data: JSONBody[ReceiveConsignmentBody],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> DeliverySummary:
        """Receive goods: the total of each line so far, which may exceed the expected quantity.

        The delivery may be received at once or in parts. It is closed once all has come, or when
        `close` declares that no more will.
        """
        told = await consignments.receive_consignment(
            units, DELIVERIES, delivery, caller=caller, totals=data.totals, last=data.close, key=key
        )
        return DeliverySummary.of(told)


def _ensure_one_due(on: date | None, at: datetime | None) -> None:
    """Raises InvalidField."""
    if (on is None) == (at is None):
        raise InvalidField("due_on", "due_on_or_due_at", "is needed, or due_at")
    ensure_representable("due_at", at)
