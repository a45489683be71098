"""Sales channels, with the stock that each reserves and the quantities that each shows."""

from typing import Annotated, Any, Final

from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from adapters.http.inventory.controllers.stocktaking import ensure_any_readable
from adapters.http.web.authentication import STAFF_ROLES, callers
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.callers import Role
from domain.inventory.availability import AvailableQuantities, StockDisplayPolicy
from domain.inventory.sales_channels import (
    BufferResult,
    ChannelNotFound,
    ChannelPolicy,
    SalesChannel,
    SkuBuffer,
)
from domain.kernel.ids import ChannelId
from service.foundation.ports import IdempotencyKey
from service.inventory import sales_channels
from service.shared.unit_of_work import Units

MAX_LINES: Final = 100
"""SKUs of one batch: each one writes an event for every stock level of its SKU."""


class ChannelPolicyBody(ChannelPolicy, frozen=True, forbid_unknown_fields=True):
    """A field that is left out, or null, has the value of the installation's settings."""


class ChannelView(Struct, frozen=True):
    """A channel with its effective policy; `quantities` is how shoppers see a quantity."""

    channel: ChannelId
    buffer: int
    quantities: AvailableQuantities
    most: int
    low_at: int


class SkuBuffers(Struct, forbid_unknown_fields=True):
    lines: Annotated[list[SkuBuffer], Meta(min_length=1, max_length=MAX_LINES)]


class BufferResults(Struct):
    """One for each line, in the order of the lines."""

    results: list[BufferResult]


def _batch_options() -> dict[str, Any]:
    said = callers(Role.OFFICE, scope="stock")
    said["opt"]["item_by_item"] = "lines"
    return {"status_code": 200, **said}


def _to_view(channel: ChannelId, policy: ChannelPolicy, usual: StockDisplayPolicy) -> ChannelView:
    stock_display = policy.to_display_policy(usual)
    return ChannelView(
        channel,
        policy.buffer,
        stock_display.display,
        stock_display.max_quantity,
        stock_display.low_stock_threshold,
    )


class SalesChannels(Controller):
    path = "/v1/channels"
    tags = ("channels",)

    @get(operation_id="list_channels", **callers(*STAFF_ROLES, scope="stock"))
    async def list_channels(
        self,
        units: NamedDependency[Units],
        shoppers_learn: NamedDependency[StockDisplayPolicy],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ChannelView]:
        """List every channel with its policy, by its name."""
        after = decode_cursor(cursor, str) or ""
        async with units.read() as unit:
            known = await unit.inventory.sales_channels.list_policies()
        views = [
            _to_view(name, known[name], shoppers_learn) for name in sorted(known) if name > after
        ]
        return to_page(views[: limit + 1], limit, lambda view: view.channel)

    @put("/{channel:str}", operation_id="put_channel", **callers(Role.OFFICE, scope="stock"))
    async def update_channel(
        self,
        channel: FromPath[str],
        data: JSONBody[ChannelPolicyBody],
        units: NamedDependency[Units],
        shoppers_learn: NamedDependency[StockDisplayPolicy],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> ChannelView:
        """Set the policy of a channel, from now on; a new channel is created.

        `buffer` is the number of units that it reserves at every location.
        """
        policy = ChannelPolicy(data.buffer, data.quantities, data.most, data.low_at)
        told = SalesChannel(channel, policy)
        made = await sales_channels.set_channel(units, channel=told, key=optional_key)
        return _to_view(made.channel, made.policy, shoppers_learn)

    @get(
        "/{channel:str}/buffers",
        operation_id="list_buffers",
        **callers(*STAFF_ROLES, scope="stock"),
    )
    async def list_buffers(
        self,
        channel: FromPath[ChannelId],
        units: NamedDependency[Units],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[SkuBuffer]:
        """List the SKUs that have a buffer of their own in a channel. 404 `unknown_channel`."""
        after = decode_cursor(cursor, str) or ""
        async with units.read() as unit:
            if channel not in await unit.inventory.sales_channels.list_policies():
                raise ChannelNotFound(channel)
            found = await unit.inventory.sales_channels.list_buffers(
                channel, after=after, limit=limit + 1
            )
        return to_page(found, limit, lambda own: own.sku)

    @post("/{channel:str}/buffers", operation_id="tell_buffers", **_batch_options())
    async def update_buffers(
        self,
        channel: FromPath[ChannelId],
        data: JSONBody[SkuBuffers],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> BufferResults:
        """Set buffers for single SKUs in a channel; null removes one. Each SKU is set on its own.

        It replaces the channel's buffer. 404 `unknown_channel`.
        """
        ensure_any_readable(data.lines)
        results = await sales_channels.set_buffers(
            units, channel=channel, lines=data.lines, key=optional_key
        )
        return BufferResults(results)
