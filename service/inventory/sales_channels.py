"""Sales channels: their buffers and their stock display."""

from collections.abc import Sequence

from domain.catalogue.products import ProductNotFound
from domain.inventory.sales_channels import BufferResult, ChannelNotFound, SalesChannel, SkuBuffer
from domain.kernel.errors import DomainError
from domain.kernel.ids import ChannelId, Sku
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units


@retry_on_conflict
async def set_channel(
    units: Units, *, channel: SalesChannel, key: IdempotencyKey | None
) -> SalesChannel:
    """Sets the policy of a channel, and creates the channel where it is new.

    Subscribers of the channel get its stock anew. A repeat changes nothing.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, SalesChannel):
            return first
        before = await unit.inventory.sales_channels.get_policy_for_update(channel.channel)
        if before != channel.policy:
            await unit.inventory.sales_channels.upsert(channel)
            await unit.inventory.stock_levels.republish_channel(channel=channel.channel)
        await unit.foundation.idempotency.save_answer(key, channel)
    return channel


@retry_on_conflict
async def set_buffers(
    units: Units,
    *,
    channel: ChannelId,
    lines: Sequence[SkuBuffer | DomainError],
    key: IdempotencyKey | None,
) -> list[BufferResult]:
    """Give SKUs a buffer of their own in a channel, or take it away; each line on its own.

    The last of several lines of one SKU counts. A repeat changes nothing.

    Raises ChannelNotFound.
    """
    told = [line for line in lines if not isinstance(line, DomainError)]
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, list[BufferResult]):
            return first
        if await unit.inventory.sales_channels.get_policy_for_update(channel) is None:
            raise ChannelNotFound(channel)
        known = await unit.catalogue.products.filter_known({line.sku for line in told})
        before = await unit.inventory.sales_channels.get_buffers(channel, known)
        after: dict[Sku, int | None] = dict(before)
        results = [_entered(line, known, after) for line in lines]
        skus = before.keys() | after.keys()
        changed = {sku: after[sku] for sku in skus if after.get(sku) != before.get(sku)}
        if changed:
            await unit.inventory.sales_channels.set_buffers(channel, changed)
            await unit.inventory.stock_levels.republish(changed)
        await unit.foundation.idempotency.save_answer(key, results)
    return results


def _entered(
    line: SkuBuffer | DomainError, known: set[Sku], buffers: dict[Sku, int | None]
) -> BufferResult:
    if not isinstance(line, DomainError) and line.sku not in known:
        line = ProductNotFound(line.sku)
    if isinstance(line, DomainError):
        code = line.errors[0]["code"] if line.error_code == "invalid" else line.error_code
        return BufferResult("rejected", code=code, detail=line.detail)
    changes = buffers.get(line.sku) != line.buffer
    buffers[line.sku] = line.buffer
    return BufferResult("applied" if changes else "unchanged")
