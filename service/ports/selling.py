"""Through which channels the shop sells, and what is still open at a location."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from domain.closing import Open
from domain.ids import ChannelId, Sku, StoreId
from domain.sales_channels import OwnBuffer, Policy, SalesChannel, Terms
from domain.stock import Place, Shelf


class Selling(Protocol):
    """What a channel may sell of the shelves."""

    async def sold(
        self,
        channel: ChannelId,
        skus: Collection[Sku],
        stores: Collection[StoreId] | None = None,
    ) -> tuple[Terms, dict[Place, Shelf]] | None:
        """The shelves of these SKUs, and a channel's terms; None where there is no such channel."""

    async def terms(self, places: Collection[Place]) -> dict[ChannelId, Terms]:
        """On what terms each channel there is sells at these places now."""

    async def lock(
        self, places: Collection[Place], channels: Collection[ChannelId]
    ) -> tuple[dict[Place, Shelf], dict[ChannelId, Terms]]:
        """The shelves, locked as `Stock.lock` does, and the terms of those channels there are."""


class SalesChannels(Protocol):
    async def known(self) -> dict[ChannelId, Policy]:
        """Every channel there is, by its name."""

    async def lock(self, channel: ChannelId) -> Policy | None:
        """The channel's policy, kept so until the unit ends; None of a channel there is not."""

    async def put(self, channel: SalesChannel) -> None:
        """Write the channel, new or known, as it is now."""

    async def buffers(self, channel: ChannelId, skus: Collection[Sku]) -> dict[Sku, int]:
        """The buffers that these have of their own in a channel."""

    async def page(self, channel: ChannelId, *, after: Sku, limit: int) -> Sequence[OwnBuffer]:
        """All that SKUs have of their own in a channel, in order, from the one behind `after`."""

    async def keep_back(self, channel: ChannelId, units: Mapping[Sku, int | None]) -> None:
        """Give SKUs a buffer of their own in a locked channel; None takes it away."""


class Closing(Protocol):
    async def open_at(self, store: StoreId) -> Open:
        """What was claimed of a location, or is on its way to it, and is not over."""
