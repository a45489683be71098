"""Holds: stock that is reserved for a caller for a limited time."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from adapters.http.web.authentication import SHOPPER_ROLES, callers
from domain.foundation.callers import Caller, Role
from domain.inventory.holds import MAX_LINES, Hold, HoldLine, HoldState
from domain.kernel.ids import WEB, CartId, ChannelId, HoldId
from domain.kernel.patterns import anchored
from service.foundation.ports import IdempotencyKey
from service.inventory import holds
from service.inventory.holds import HoldRequest
from service.shared.batching import Batcher
from service.shared.clock import Clock
from service.shared.unit_of_work import Units

DEFAULT_TTL_SECONDS: Final = 900
TtlSeconds = Annotated[int, Meta(ge=1, le=3600)]


class NewHold(Struct, forbid_unknown_fields=True):
    """All lines or none, for `ttl_s` seconds, sold through `channel`."""

    lines: Annotated[list[HoldLine], Meta(min_length=1, max_length=MAX_LINES)]
    ttl_s: TtlSeconds = DEFAULT_TTL_SECONDS
    channel: ChannelId = WEB

    def to_request(self, caller: Caller, key: IdempotencyKey) -> HoldRequest:
        ttl = timedelta(seconds=self.ttl_s)
        return HoldRequest(self.lines, caller, key, ttl, channel=self.channel)


class ExtendHoldBody(Struct, forbid_unknown_fields=True):
    """The seconds from now; the hold never lasts more than an hour from its beginning."""

    ttl_s: TtlSeconds = DEFAULT_TTL_SECONDS


class PaymentAttemptReference(Struct, forbid_unknown_fields=True):
    """`attempt` is the retailer's own name of one try to take the money, never used again."""

    attempt: Annotated[str, Meta(min_length=1, max_length=200, pattern=anchored(r"[!-~]+"))]


class PinHoldBody(PaymentAttemptReference, forbid_unknown_fields=True):
    """For `ttl_s` seconds at most, however the payment goes on."""

    ttl_s: TtlSeconds = DEFAULT_TTL_SECONDS


class HoldView(Struct):
    """`server_time` lets a page compute the time left until `held_until` by the server's clock.

    Until `pinned_until` a payment is in progress, and the hold cannot be released.
    """

    id: HoldId
    state: HoldState
    lines: list[HoldLine]
    held_until: datetime
    server_time: datetime
    cart: CartId | None
    pinned_until: datetime | None
    channel: ChannelId


def to_hold_view(hold: Hold, now: datetime) -> HoldView:
    state = hold.state_at(now)
    return HoldView(
        id=hold.id,
        state=state,
        lines=hold.lines,
        held_until=hold.held_until,
        server_time=now,
        cart=hold.cart,
        pinned_until=hold.pinned_until if state is HoldState.PINNED else None,
        channel=hold.channel,
    )


class Holds(Controller):
    path = "/v1/holds"
    tags = ("holds",)

    @post(operation_id="hold_stock", **callers(*SHOPPER_ROLES))
    async def hold_stock(
        self,
        data: JSONBody[NewHold],
        caller: NamedDependency[Caller],
        holding: NamedDependency[Batcher[HoldRequest, Hold]],
        clock: NamedDependency[Clock],
        key: NamedDependency[IdempotencyKey],
    ) -> HoldView:
        """Hold every line or none. 409 `insufficient_stock` names each line that is short.

        409 `not_served` names each store that sells nothing new through the channel.
        """
        return to_hold_view(await holding(data.to_request(caller, key)), clock())

    @get("/{hold:str}", operation_id="get_hold", **callers(*SHOPPER_ROLES))
    async def get_hold(
        self,
        hold: FromPath[HoldId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        clock: NamedDependency[Clock],
    ) -> HoldView:
        """Get a hold and the time it lasts. A customer's hold is visible to that customer only."""
        return to_hold_view(await holds.get_hold(units, caller=caller, hold=hold), clock())

    @post(
        "/{hold:str}/extend", operation_id="extend_hold", status_code=200, **callers(*SHOPPER_ROLES)
    )
    async def extend_hold(
        self,
        hold: FromPath[HoldId],
        data: JSONBody[ExtendHoldBody],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        clock: NamedDependency[Clock],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> HoldView:
        """Extend a hold, up to the maximum. 409 `hold_over` once it has ended."""
        ttl = timedelta(seconds=data.ttl_s)
        extended = await holds.extend_hold(
            units, caller=caller, hold=hold, ttl=ttl, key=optional_key
        )
        return to_hold_view(extended, clock())

    @post(
        "/{hold:str}/pin",
        operation_id="pin_hold",
        status_code=200,
        **callers(Role.OFFICE, scope="payments"),
    )
    async def pin_hold(
        self,
        hold: FromPath[HoldId],
        data: JSONBody[PinHoldBody],
        units: NamedDependency[Units],
        clock: NamedDependency[Clock],
        optional_key: NamedDependency[IdempotencyKey | None],  # noqa: ARG002 - the attempt is the key
    ) -> HoldView:
        """Pin a hold while the retailer's own page takes the payment, up to a fixed deadline.

        It is not over before, and cannot be given up, nor its cart be changed. The same attempt
        again changes nothing. 409 `hold_pinned` while another attempt is under way: end that one
        where the money is taken, unpin it, and pin the new one. 409 `attempt_over` for one that
        has ended. 409 `hold_over` and `insufficient_stock` say that no money should be taken.
        """
        ttl = timedelta(seconds=data.ttl_s)
        return to_hold_view(
            await holds.pin_hold(units, hold=hold, attempt=data.attempt, ttl=ttl), clock()
        )

    @post(
        "/{hold:str}/unpin",
        operation_id="unpin_hold",
        status_code=200,
        **callers(Role.OFFICE, scope="payments"),
    )
    async def unpin_hold(
        self,
        hold: FromPath[HoldId],
        data: JSONBody[PaymentAttemptReference],
        units: NamedDependency[Units],
        clock: NamedDependency[Clock],
        optional_key: NamedDependency[IdempotencyKey | None],  # noqa: ARG002 - a repeat is harmless
    ) -> HoldView:
        """Unpin a hold after a failed payment: it lasts for the time left, at least 5 minutes.

        An attempt that does not pin the hold, or no longer, changes nothing.
        """
        return to_hold_view(await holds.unpin_hold(units, hold=hold, attempt=data.attempt), clock())

    @delete("/{hold:str}", operation_id="release_hold", status_code=200, **callers(*SHOPPER_ROLES))
    async def release_hold(
        self,
        hold: FromPath[HoldId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        clock: NamedDependency[Clock],
        optional_key: NamedDependency[IdempotencyKey | None],  # noqa: ARG002 - a repeat is harmless
    ) -> HoldView:
        """Release a hold. A repeat changes nothing. 409 `hold_pinned` during its payment."""
        return to_hold_view(await holds.release_hold(units, caller=caller, hold=hold), clock())
