"""Holds: stock that is kept for somebody for a while."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from adapters.http.callers import SHOPPERS, called_by
from domain.callers import Caller
from domain.holds import MOST_LINES, Hold, HoldLine, HoldState
from domain.ids import CartId, HoldId
from service import holds
from service.gathering import Gathered
from service.holds import Wish
from service.ports.requests import RequestKey
from service.ports.unit import Units
from service.ports.world import Clock

DEFAULT_S: Final = 900
Seconds = Annotated[int, Meta(ge=1, le=3600)]


class NewHold(Struct, forbid_unknown_fields=True):
    """All lines or none, for `ttl_s` seconds."""

    lines: Annotated[list[HoldLine], Meta(min_length=1, max_length=MOST_LINES)]
    ttl_s: Seconds = DEFAULT_S


class Longer(Struct, forbid_unknown_fields=True):
    """How many seconds from now; never beyond an hour from the beginning."""

    ttl_s: Seconds = DEFAULT_S


class HoldView(Struct):
    """`server_time` tells a page how long it is by our clock until `held_until`."""

    id: HoldId
    state: HoldState
    lines: list[HoldLine]
    held_until: datetime
    server_time: datetime
    cart: CartId | None


def hold_view(hold: Hold, now: datetime) -> HoldView:
    return HoldView(hold.id, hold.state_at(now), hold.lines, hold.held_until, now, hold.cart)


class Holds(Controller):
    path = "/v1/holds"
    tags = ("holds",)

    @post(operation_id="hold_stock", **called_by(*SHOPPERS))
    async def hold(
        self,
        data: JSONBody[NewHold],
        caller: NamedDependency[Caller],
        holding: NamedDependency[Gathered[Wish, Hold]],
        clock: NamedDependency[Clock],
        key: NamedDependency[RequestKey],
    ) -> HoldView:
        """Hold every line or none. 409 `insufficient_stock` names each line that is short."""
        ttl = timedelta(seconds=data.ttl_s)
        return hold_view(await holding(Wish(data.lines, caller, key, ttl)), clock())

    @get("/{hold:str}", operation_id="get_hold", **called_by(*SHOPPERS))
    async def look(
        self,
        hold: FromPath[HoldId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        clock: NamedDependency[Clock],
    ) -> HoldView:
        """A hold and how long it counts. A customer's hold is nobody else's."""
        return hold_view(await holds.look(units, caller=caller, hold=hold), clock())

    @post("/{hold:str}/extend", operation_id="extend_hold", status_code=200, **called_by(*SHOPPERS))
    async def extend(
        self,
        hold: FromPath[HoldId],
        data: JSONBody[Longer],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        clock: NamedDependency[Clock],
        optional_key: NamedDependency[RequestKey | None],
    ) -> HoldView:
        """Hold it longer, up to the ceiling. 409 `hold_over` once it does not count any more."""
        ttl = timedelta(seconds=data.ttl_s)
        extended = await holds.extend(units, caller=caller, hold=hold, ttl=ttl, key=optional_key)
        return hold_view(extended, clock())

    @delete("/{hold:str}", operation_id="release_hold", status_code=200, **called_by(*SHOPPERS))
    async def release(
        self,
        hold: FromPath[HoldId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        clock: NamedDependency[Clock],
        optional_key: NamedDependency[RequestKey | None],  # noqa: ARG002 - a repeat is harmless
    ) -> HoldView:
        """Give it up. A repeat changes nothing."""
        return hold_view(await holds.release(units, caller=caller, hold=hold), clock())
