"""Shipments: a location's work list, its operations, and the buyer's view."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http.fulfilment.views.fulfilments import (
    Cancellation,
    Decline,
    FulfilmentLineView,
    Picking,
    to_line_fields,
)
from adapters.http.web.authentication import ANYONE, STAFF_ROLES, callers
from adapters.http.web.bodies import EmptyBody
from adapters.http.web.etags import with_etag
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.callers import Caller
from domain.fulfilment.fulfilments import RepeatedLine
from domain.fulfilment.shipments import Dispatch, Parcel, ShipmentState, TrackingNumber
from domain.kernel.addresses import Address
from domain.kernel.errors import InvalidField
from domain.kernel.ids import OrderId, ShipmentId, Sku, StoreId
from domain.pos.incidents import UnitsAtRisk
from service.foundation.ports import IdempotencyKey
from service.fulfilment import shipments
from service.fulfilment.shipments import ShipmentDetails
from service.shared.unit_of_work import Units

States = Annotated[
    list[ShipmentState] | None,
    QueryParameter(name="state", description="In these states; without it, what is to be done."),
]
OPEN_STATES: Final = (ShipmentState.PLACED, ShipmentState.ACCEPTED, ShipmentState.PICKING)


class ShipmentLine(FulfilmentLineView, frozen=True, kw_only=True):
    shipped: int


class ShipmentView(Struct, frozen=True):
    """Times are in the location's time zone.

    `at_risk`, for staff only: the location has less on hand than it has promised, and this shipment
    may be short by that many units; the earliest promise is served first. Empty when nothing is
    short.
    """

    id: ShipmentId
    order: OrderId
    store: StoreId
    store_name: str
    state: ShipmentState
    version: int
    address: Address | None
    method: str
    lines: list[ShipmentLine]
    parcels: list[Parcel]
    promised_from: datetime | None
    promised_until: datetime | None
    placed_at: datetime
    shipped_at: datetime | None
    delivered_at: datetime | None
    reason: str
    at_risk: Sequence[UnitsAtRisk] | UnsetType = UNSET

    @classmethod
    def of(cls, seen: ShipmentDetails) -> Self:
        shipment, zone = seen.shipment, ZoneInfo(seen.store.time_zone)

        def local(at: datetime | None) -> datetime | None:
            return at.astimezone(zone) if at else None

        return cls(
            id=shipment.id,
            order=shipment.order,
            store=shipment.store,
            store_name=seen.store.name,
            state=shipment.state,
            version=shipment.version,
            address=seen.order.address,
            method=shipment.method,
            lines=[
                ShipmentLine(shipped=line.given, **to_line_fields(line)) for line in shipment.lines
            ],
            parcels=shipment.parcels,
            promised_from=local(shipment.promised_from),
            promised_until=local(shipment.promised_until),
            placed_at=shipment.placed_at.astimezone(zone),
            shipped_at=local(shipment.shipped_at),
            delivered_at=local(shipment.delivered_at),
            reason=shipment.reason,
            at_risk=UNSET if seen.at_risk is None else seen.at_risk,
        )


class ParcelLine(Struct, forbid_unknown_fields=True):
    sku: Sku
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]


class NewParcel(Struct, forbid_unknown_fields=True):
    """A parcel that has left. Without `lines` it holds all that was still to come.

    `shipment` is needed where the order is sent from several of the caller's locations.
    """

    carrier: Annotated[str, Meta(min_length=1, max_length=100)]
    tracking_number: TrackingNumber
    url: Annotated[str, Meta(max_length=1000)] = ""
    lines: Annotated[list[ParcelLine], Meta(min_length=1, max_length=200)] | None = None
    shipment: ShipmentId | None = None

    def __post_init__(self) -> None:
        where = urlsplit(self.url)
        if self.url and not (where.scheme in {"http", "https"} and where.hostname):
            raise InvalidField("url", "url", "must be where a browser can follow the parcel")

    def to_dispatch(self) -> Dispatch:
        """Raises Repeated."""
        units: dict[Sku, int] = {}
        for line in self.lines or ():
            if line.sku in units:
                raise RepeatedLine(line.sku)
            units[line.sku] = line.quantity
        return Dispatch(self.carrier, self.tracking_number, self.url, units or None)


class ParcelDeliveredBody(Struct, forbid_unknown_fields=True):
    tracking_number: TrackingNumber


class StoreShipments(Controller):
    path = "/v1/stores/{store:str}/shipments"
    tags = ("shipments",)

    @get(operation_id="list_store_shipments", **callers(*STAFF_ROLES, scope="orders"))
    async def list_store_shipments(
        self,
        store: FromPath[StoreId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        states: States = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ShipmentView]:
        """List the shipments that a location has to send, oldest first."""
        seen = await shipments.list_shipments(
            units,
            caller=caller,
            store=store,
            states=states or OPEN_STATES,
            after=decode_cursor(cursor, ShipmentId),
            limit=limit + 1,
        )
        return to_page([ShipmentView.of(one) for one in seen], limit, lambda one: one.id)


class OrderShipments(Controller):
    path = "/v1/orders/{order:str}/shipments"
    tags = ("shipments",)

    @post(operation_id="send_parcel", status_code=200, **callers(*STAFF_ROLES, scope="orders"))
    async def ship_parcel(
        self,
        order: FromPath[OrderId],
        data: JSONBody[NewParcel],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[ShipmentView]:
        """Ship a parcel: its goods are no longer on hand. The same parcel again changes nothing.

        Its goods need not have been recorded as picked before. 409 `already_shipped`,
        `parcel_known`, `several_shipments`.
        """
        seen = await shipments.send_parcel(
            units,
            caller=caller,
            order=order,
            shipment=data.shipment,
            leaving=data.to_dispatch(),
            key=key,
        )
        return _shipment_response(seen)


class Shipments(Controller):
    path = "/v1/shipments/{shipment:str}"
    tags = ("shipments",)

    @get(operation_id="get_shipment", **callers(*ANYONE, scope="orders"))
    async def get_shipment(
        self,
        shipment: FromPath[ShipmentId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
    ) -> Response[ShipmentView]:
        """Get a shipment, with its parcels: for its buyer, its location and the office."""
        return _shipment_response(
            await shipments.get_shipment(units, caller=caller, shipment=shipment)
        )

    @post(
        "/accept",
        operation_id="accept_shipment",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders"),
    )
    async def accept_shipment(
        self,
        shipment: FromPath[ShipmentId],
        data: JSONBody[EmptyBody],  # noqa: ARG002 - read, so that a misspelt field is named
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[ShipmentView]:
        """Accept a shipment: the location will send it. A repeat changes nothing."""
        return _shipment_response(
            await shipments.accept_shipment(
                units, caller=caller, shipment=shipment, key=optional_key
            )
        )

    @post(
        "/decline",
        operation_id="decline_shipment",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders"),
    )
    async def decline_shipment(
        self,
        shipment: FromPath[ShipmentId],
        data: JSONBody[Decline],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[ShipmentView]:
        """Decline a shipment, or some of its lines; their stock is free again."""
        seen = await shipments.decline_shipment(
            units, caller=caller, shipment=shipment, reason=data.reason, lines=data.lines, key=key
        )
        return _shipment_response(seen)

    @post(
        "/pick",
        operation_id="pick_shipment",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders"),
    )
    async def pick_shipment(
        self,
        shipment: FromPath[ShipmentId],
        data: JSONBody[Picking],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[ShipmentView]:
        """Record picked goods: the total of each line so far, so that a repeat is harmless."""
        seen = await shipments.pick_shipment(
            units, caller=caller, shipment=shipment, scanned=data.to_scanned(), key=optional_key
        )
        return _shipment_response(seen)

    @post(
        "/put-back",
        operation_id="put_back_shipment",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders"),
    )
    async def put_back_shipment(
        self,
        shipment: FromPath[ShipmentId],
        data: JSONBody[EmptyBody],  # noqa: ARG002 - read, so that a misspelt field is named
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[ShipmentView]:
        """Put back goods that were picked in vain. A repeat moves nothing."""
        return _shipment_response(
            await shipments.put_back_shipment(
                units, caller=caller, shipment=shipment, key=optional_key
            )
        )

    @post(
        "/cancel",
        operation_id="cancel_shipment",
        status_code=200,
        **callers(*ANYONE, scope="orders"),
    )
    async def cancel_shipment(
        self,
        shipment: FromPath[ShipmentId],
        data: JSONBody[Cancellation],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[ShipmentView]:
        """Cancel the units that have not left; the buyer may, or the location for the buyer."""
        seen = await shipments.cancel_shipment(
            units, caller=caller, shipment=shipment, reason=data.reason, key=key
        )
        return _shipment_response(seen)

    @post(
        "/delivered",
        operation_id="deliver_parcel",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders"),
    )
    async def deliver_parcel(
        self,
        shipment: FromPath[ShipmentId],
        data: JSONBody[ParcelDeliveredBody],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[ShipmentView]:
        """Record that a parcel has reached its buyer. A repeat changes nothing."""
        seen = await shipments.deliver_shipment(
            units,
            caller=caller,
            shipment=shipment,
            tracking_number=data.tracking_number,
            key=optional_key,
        )
        return _shipment_response(seen)


def _shipment_response(seen: ShipmentDetails) -> Response[ShipmentView]:
    return with_etag(ShipmentView.of(seen), seen.shipment.version)
