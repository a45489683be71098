"""Incidents: stock discrepancies that a store finds, and their settlement."""

from datetime import datetime
from typing import Annotated, Self

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from adapters.http.web.authentication import STAFF_ROLES, callers
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.callers import Caller
from domain.kernel.ids import Sku, StoreId
from domain.pos.incidents import IncidentId, IncidentKind, IncidentState, OrderAtRisk
from service.foundation.ports import IdempotencyKey
from service.pos import incidents
from service.pos.incidents import IncidentDetails
from service.shared.unit_of_work import Units

States = Annotated[
    list[IncidentState] | None,
    QueryParameter(name="state", description="In these states; without it, what is open."),
]


class IncidentView(Struct, frozen=True):
    """`units` is by how many the stock is short, or how many a till sold of an unknown SKU.

    `orders` may go without, or wait for units that a picker did not find, the earliest promise
    first. `settled_by` is `hylla` where the incident was resolved without a person.
    """

    id: IncidentId
    store: StoreId
    sku: Sku
    kind: IncidentKind
    state: IncidentState
    units: int
    receipts: int
    orders: list[OrderAtRisk]
    since: datetime
    until: datetime
    opened_at: datetime
    settled_at: datetime | None
    settled_by: str
    note: str

    @classmethod
    def of(cls, seen: IncidentDetails) -> Self:
        incident = seen.incident
        return cls(
            id=incident.id,
            store=incident.store,
            sku=incident.sku,
            kind=incident.kind,
            state=incident.state,
            units=seen.units,
            receipts=incident.receipts,
            orders=seen.orders,
            since=incident.since,
            until=incident.until,
            opened_at=incident.opened_at,
            settled_at=incident.settled_at,
            settled_by=incident.settled_by,
            note=incident.note,
        )


class SettleIncidentBody(Struct, forbid_unknown_fields=True):
    """The finding, or the action taken."""

    note: Annotated[str, Meta(max_length=1000)] = ""


class Incidents(Controller):
    path = "/v1"
    tags = ("tills",)

    @get(
        "/stores/{store:str}/incidents",
        operation_id="list_incidents",
        **callers(*STAFF_ROLES, scope="stock"),
    )
    async def list_incidents(
        self,
        store: FromPath[StoreId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        states: States = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[IncidentView]:
        """List the open incidents of a store, oldest first."""
        seen = await incidents.list_incidents(
            units,
            caller=caller,
            store=store,
            states=states or [IncidentState.OPEN],
            after=decode_cursor(cursor, IncidentId),
            limit=limit + 1,
        )
        return to_page([IncidentView.of(one) for one in seen], limit, lambda one: one.id)

    @post(
        "/incidents/{incident:str}/settle",
        operation_id="settle_incident",
        status_code=200,
        **callers(*STAFF_ROLES, scope="stock"),
    )
    async def settle_incident(
        self,
        incident: FromPath[IncidentId],
        data: JSONBody[SettleIncidentBody],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> IncidentView:
        """Settle an incident that a person has handled. A repeat changes nothing."""
        seen = await incidents.settle_incident(
            units, caller=caller, incident=incident, note=data.note, key=optional_key
        )
        return IncidentView.of(seen)
