"""Channels are opened, and told what they keep back and what they show."""

from collections.abc import Sequence

from domain.catalogue.products import ProductMissing
from domain.inventory.sales_channels import BufferResult, ChannelMissing, OwnBuffer, SalesChannel
from domain.kernel.errors import Refusal
from domain.kernel.ids import ChannelId, Sku
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Units


@tried_again
async def decide(units: Units, *, channel: SalesChannel, key: RequestKey | None) -> SalesChannel:
    """Give a channel its policy; one that was not there is there from now on.

    Whoever follows the channel is told anew how everything stands. A repeat changes nothing.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, SalesChannel):
            return first
        before = await unit.sales_channels.lock(channel.channel)
        if before != channel.policy:
            await unit.sales_channels.put(channel)
            await unit.stock.restate(channel=channel.channel)
        await unit.requests.answer(key, channel)
    return channel


@tried_again
async def keep_back(
    units: Units,
    *,
    channel: ChannelId,
    lines: Sequence[OwnBuffer | Refusal],
    key: RequestKey | None,
) -> list[BufferResult]:
    """Give SKUs a buffer of their own in a channel, or take it away; each line on its own.

    The last of several lines of one SKU counts. A repeat changes nothing.

    Raises ChannelMissing.
    """
    told = [line for line in lines if not isinstance(line, Refusal)]
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, list[BufferResult]):
            return first
        if await unit.sales_channels.lock(channel) is None:
            raise ChannelMissing(channel)
        known = await unit.products.known({line.sku for line in told})
        before = await unit.sales_channels.buffers(channel, known)
        after: dict[Sku, int | None] = dict(before)
        results = [_entered(line, known, after) for line in lines]
        skus = before.keys() | after.keys()
        changed = {sku: after[sku] for sku in skus if after.get(sku) != before.get(sku)}
        if changed:
            await unit.sales_channels.keep_back(channel, changed)
            await unit.stock.retell(changed)
        await unit.requests.answer(key, results)
    return results


def _entered(
    line: OwnBuffer | Refusal, known: set[Sku], buffers: dict[Sku, int | None]
) -> BufferResult:
    if not isinstance(line, Refusal) and line.sku not in known:
        line = ProductMissing(line.sku)
    if isinstance(line, Refusal):
        code = line.errors[0]["code"] if line.name == "invalid" else line.name
        return BufferResult("rejected", code=code, detail=line.detail)
    changes = buffers.get(line.sku) != line.buffer
    buffers[line.sku] = line.buffer
    return BufferResult("applied" if changes else "unchanged")
