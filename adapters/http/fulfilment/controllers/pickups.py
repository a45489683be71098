"""Pickups: the store's work list, its operations, and the customer's view."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Self
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
from domain.fulfilment.pickups import PickupState
from domain.kernel.errors import InvalidField
from domain.kernel.ids import OrderId, PickupId, Sku, StoreId
from domain.pos.incidents import UnitsAtRisk
from service.foundation.ports import Codes, IdempotencyKey
from service.fulfilment import hand_over_pickup as handing_over
from service.fulfilment import pickups as working
from service.fulfilment import queries as seeing
from service.fulfilment.hand_over_pickup import Handover
from service.fulfilment.queries import PickupDetails
from service.shared.unit_of_work import Units

States = Annotated[
    list[PickupState] | None,
    QueryParameter(name="state", description="In these states; without it, what is to be done."),
]
MIN_PROOF_LENGTH: Final = 3
OPEN_STATES = (
    PickupState.PLACED,
    PickupState.ACCEPTED,
    PickupState.PICKING,
    PickupState.READY,
)


class PickupLine(FulfilmentLineView, frozen=True, kw_only=True):
    collected: int


class PickupView(Struct, frozen=True):
    """Times are in the store's time zone. `code` is shown only to its customer, while it is ready.

    `at_risk`, for staff only: the store has less on hand than it has promised, and this pickup may
    be short by that many units; the earliest promise is served first. Empty when nothing is short.
    """

    id: PickupId
    order: OrderId
    store: StoreId
    store_name: str
    state: PickupState
    version: int
    lines: list[PickupLine]
    promised_from: datetime
    promised_until: datetime
    placed_at: datetime
    ready_at: datetime | None
    collect_by: datetime | None
    collected_at: datetime | None
    bin: str
    reason: str
    code: str | UnsetType = UNSET
    at_risk: Sequence[UnitsAtRisk] | UnsetType = UNSET

    @classmethod
    def of(cls, seen: PickupDetails) -> Self:
        pickup, zone = seen.pickup, ZoneInfo(seen.store.time_zone)

        def local(at: datetime | None) -> datetime | None:
            return at.astimezone(zone) if at else None

        return cls(
            id=pickup.id,
            order=pickup.order,
            store=pickup.store,
            store_name=seen.store.name,
            state=pickup.state,
            version=pickup.version,
            lines=[
                PickupLine(collected=line.given, **to_line_fields(line)) for line in pickup.lines
            ],
            promised_from=pickup.promised_from.astimezone(zone),
            promised_until=pickup.promised_until.astimezone(zone),
            placed_at=pickup.placed_at.astimezone(zone),
            ready_at=local(pickup.ready_at),
            collect_by=local(pickup.collect_by),
            collected_at=local(pickup.collected_at),
            bin=pickup.bin,
            reason=pickup.reason,
            code=UNSET if seen.code is None else seen.code,
            at_risk=UNSET if seen.at_risk is None else seen.at_risk,
        )


class PickupReadyBody(Struct, forbid_unknown_fields=True):
    """The bin where the pickup waits, if the store uses bins."""

    bin: Annotated[str, Meta(max_length=64)] = ""


class HandoverLine(Struct, forbid_unknown_fields=True):
    sku: Sku
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]


class HandoverBody(Struct, forbid_unknown_fields=True):
    """The customer's `code`; or, from an associate or the office, the `proof` that was accepted.

    Without `lines` all goods that are ready are handed over.
    """

    code: Annotated[str, Meta(max_length=64)] = ""
    lines: Annotated[list[HandoverLine], Meta(min_length=1, max_length=200)] | None = None
    proof: Annotated[str, Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        if self.proof and len(self.proof.strip()) < MIN_PROOF_LENGTH:
            rule = f"must say in at least {MIN_PROOF_LENGTH} characters what was accepted"
            raise InvalidField("proof", "length", rule)
        self.proof = self.proof.strip()

    def quantities(self) -> dict[Sku, int] | None:
        """Units of each line; None for all. Raises Repeated."""
        wanted: dict[Sku, int] = {}
        for line in self.lines or ():
            if line.sku in wanted:
                raise RepeatedLine(line.sku)
            wanted[line.sku] = line.quantity
        return wanted or None


class PickupCodeBody(Struct, forbid_unknown_fields=True):
    code: Annotated[str, Meta(min_length=1, max_length=64)]


class StorePickups(Controller):
    path = "/v1/stores/{store:str}/pickups"
    tags = ("pickups",)

    @get(operation_id="list_store_pickups", **callers(*STAFF_ROLES, scope="orders"))
    async def list_store_pickups(
        self,
        store: FromPath[StoreId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        states: States = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[PickupView]:
        """List the store's pickups, oldest first."""
        seen = await seeing.list_pickups(
            units,
            caller=caller,
            store=store,
            states=states or OPEN_STATES,
            after=decode_cursor(cursor, PickupId),
            limit=limit + 1,
        )
        return to_page([PickupView.of(one) for one in seen], limit, lambda pickup: pickup.id)

    @post(
        "/identify",
        operation_id="identify_pickup",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders", strict=True),
    )
    async def identify_pickup(
        self,
        store: FromPath[StoreId],
        data: JSONBody[PickupCodeBody],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
    ) -> PickupView:
        """Find the pickup that a code identifies. 409 `other_store` names the store and no more."""
        seen = await seeing.identify_pickup(
            units, codes, caller=caller, store=store, code=data.code
        )
        return PickupView.of(seen)


class Pickups(Controller):
    path = "/v1/pickups/{pickup:str}"
    tags = ("pickups",)

    @get(operation_id="get_pickup", **callers(*ANYONE, scope="orders"))
    async def get_pickup(
        self,
        pickup: FromPath[PickupId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
    ) -> Response[PickupView]:
        """Get a pickup; its customer sees its code, from ready until collected."""
        return _pickup_response(await seeing.get_pickup(units, codes, caller=caller, pickup=pickup))

    @post(
        "/accept",
        operation_id="accept_pickup",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders"),
    )
    async def accept_pickup(
        self,
        pickup: FromPath[PickupId],
        data: JSONBody[EmptyBody],  # noqa: ARG002 - read, so that a misspelt field is named
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[PickupView]:
        """Accept a pickup: the store will prepare it. A repeat changes nothing."""
        return _pickup_response(
            await working.accept_pickup(units, caller=caller, pickup=pickup, key=optional_key)
        )

    @post(
        "/decline",
        operation_id="decline_pickup",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders"),
    )
    async def decline_pickup(
        self,
        pickup: FromPath[PickupId],
        data: JSONBody[Decline],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[PickupView]:
        """Decline a pickup, or some of its lines; their stock is free again."""
        return _pickup_response(
            await working.decline_pickup(
                units, caller=caller, pickup=pickup, reason=data.reason, lines=data.lines, key=key
            )
        )

    @post(
        "/pick",
        operation_id="pick_pickup",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders"),
    )
    async def pick_pickup(
        self,
        pickup: FromPath[PickupId],
        data: JSONBody[Picking],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[PickupView]:
        """Record picked goods: the total of each line so far, so that a repeat is harmless.

        Declaring a line short moves stock, once: the total is how many were found, not how many
        more. So a picker in a cellar without a network may repeat it with or without a key.
        """
        return _pickup_response(
            await working.pick_pickup(
                units, caller=caller, pickup=pickup, scanned=data.to_scanned(), key=optional_key
            )
        )

    @post(
        "/ready",
        operation_id="ready_pickup",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders"),
    )
    async def mark_pickup_ready(
        self,
        pickup: FromPath[PickupId],
        data: JSONBody[PickupReadyBody],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[PickupView]:
        """Mark a pickup ready and notify the customer once. Every line is picked or declared short.

        A pickup that is already ready may be moved to another bin; that sends no second
        notification.
        """
        return _pickup_response(
            await working.mark_pickup_ready(
                units, codes, caller=caller, pickup=pickup, bin=data.bin, key=optional_key
            )
        )

    @post(
        "/handover",
        operation_id="hand_over_pickup",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders", strict=True),
    )
    async def hand_over_pickup(
        self,
        pickup: FromPath[PickupId],
        data: JSONBody[HandoverBody],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[PickupView]:
        """Hand over the goods against the code. 403 `wrong_code`, 409 `already_collected`."""
        handover = Handover(data.code, data.quantities(), data.proof)
        return _pickup_response(
            await handing_over.hand_over_pickup(
                units, codes, caller=caller, pickup=pickup, handover=handover, key=key
            )
        )

    @post(
        "/put-back",
        operation_id="put_back_pickup",
        status_code=200,
        **callers(*STAFF_ROLES, scope="orders"),
    )
    async def put_back_pickup(
        self,
        pickup: FromPath[PickupId],
        data: JSONBody[EmptyBody],  # noqa: ARG002 - read, so that a misspelt field is named
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> Response[PickupView]:
        """Put back goods that were picked in vain, so that they may be sold again.

        The numbers are a state, not a change, so a repeat moves nothing and needs no key.
        """
        return _pickup_response(
            await working.put_back_pickup(units, caller=caller, pickup=pickup, key=optional_key)
        )

    @post(
        "/cancel",
        operation_id="cancel_pickup",
        status_code=200,
        **callers(*ANYONE, scope="orders"),
    )
    async def cancel_pickup(
        self,
        pickup: FromPath[PickupId],
        data: JSONBody[Cancellation],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[PickupView]:
        """Cancel a pickup before it is collected; the buyer may, or the store for the buyer."""
        return _pickup_response(
            await working.cancel_pickup(
                units, caller=caller, pickup=pickup, reason=data.reason, key=key
            )
        )


def _pickup_response(seen: PickupDetails) -> Response[PickupView]:
    return with_etag(PickupView.of(seen), seen.pickup.version)
