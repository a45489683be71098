"""The channels with their policies, and the buffers of single SKUs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from adapters.postgres.db.columns import columns
from adapters.postgres.db.statements import Statement
from domain.inventory.availability import AvailableQuantities
from domain.inventory.sales_channels import ChannelPolicy, SalesChannel, SkuBuffer
from domain.kernel.ids import ChannelId, Sku

POLICY: Final = "buffer, quantities, most, low_at"
KNOWN: Final = f"select channel, {POLICY} from sales_channels order by channel"
LOCK: Final = Statement(f"select {POLICY} from sales_channels where channel = :channel for update")
PUT: Final = Statement(f"""
    insert into sales_channels (channel, {POLICY})
    values (:channel, :buffer, :quantities, :most, :low_at)
    on conflict (channel) do update set ({POLICY}) = row (:buffer, :quantities, :most, :low_at)
""")
BUFFERS: Final = Statement(
    "select sku, buffer from channel_buffers where channel = :channel and sku = any(:skus::text[])"
)
PAGE: Final = Statement("""
    select sku, buffer from channel_buffers where channel = :channel and sku > :after
    order by sku limit :limit
""")
KEEP_BACK: Final = Statement("""
    with told as (
        select * from unnest(:skus::text[], :buffers::int[]) as told (sku, buffer) order by sku
    ), dropped as (
        delete from channel_buffers where channel = :channel
            and sku in (select sku from told where told.buffer is null)
    )
    insert into channel_buffers (channel, sku, buffer)
    select :channel, sku, buffer from told where buffer is not null
    on conflict (channel, sku) do update set buffer = excluded.buffer
""")


class PostgresSalesChannels:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def list_policies(self) -> dict[ChannelId, ChannelPolicy]:
        return {row[0]: policy_of(*row[1:]) for row in await self._connection.fetch(KNOWN)}

    async def get_policy_for_update(self, channel: ChannelId) -> ChannelPolicy | None:
        row = await self._connection.fetchrow(*LOCK(channel=channel))
        return None if row is None else policy_of(*row)

    async def upsert(self, channel: SalesChannel) -> None:
        policy = channel.policy
        quantities = policy.quantities and policy.quantities.value
        await self._connection.execute(
            *PUT(
                channel=channel.channel,
                buffer=policy.buffer,
                quantities=quantities,
                most=policy.most,
                low_at=policy.low_at,
            )
        )

    async def get_buffers(self, channel: ChannelId, skus: Collection[Sku]) -> dict[Sku, int]:
        return dict(await self._connection.fetch(*BUFFERS(channel=channel, skus=list(skus))))

    async def list_buffers(
        self, channel: ChannelId, *, after: Sku, limit: int
    ) -> Sequence[SkuBuffer]:
        rows = await self._connection.fetch(*PAGE(channel=channel, after=after, limit=limit))
        return [SkuBuffer(*row) for row in rows]

    async def set_buffers(self, channel: ChannelId, units: Mapping[Sku, int | None]) -> None:
        await self._connection.execute(*KEEP_BACK(*columns(units.items(), 2), channel=channel))


def policy_of(
    buffer: int, quantities: str | None, most: int | None, low_at: int | None
) -> ChannelPolicy:
    return ChannelPolicy(
        buffer, AvailableQuantities(quantities) if quantities else None, most, low_at
    )
