"""The sellable stock of a channel: stock levels read as they are, or locked for a sale.

The terms of a channel are one more row of the statement that reads stock levels, as JSON in the
column of the store.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from adapters.postgres.inventory.repositories.stock_levels import (
    LAPSED,
    LOCK,
    OF,
    SHELF,
    columns_of,
    without_lapsed,
)
from domain.inventory.sales_channels import ChannelTerms
from domain.inventory.stock_levels import StockKey, StockLevel
from domain.kernel.ids import ChannelId, Sku, StoreId

THOSE: Final = """
    (select distinct unnest(:stores::text[]) as store) as named join stores using (store)
"""


def _terms_of(stores: str) -> str:
    """The channels with their terms that concern the SKUs and the rows of `stores`.

    A location that is limited is one that does not serve the channel, as `Store.serves` has it.
    """
    return f"""
        select channel.channel, json_build_object(
            'policy', json_build_object(
                'buffer', channel.buffer, 'quantities', quantities, 'most', most, 'low_at', low_at
            ),
            'buffers', coalesce((
                select json_object_agg(own.sku, own.buffer) from channel_buffers as own
                where own.channel = channel.channel and own.sku = any(:skus::text[])
            ), '{{}}'),
            'limited', array(
                select store from {stores}
                where (state <> 'active' or channels is not null)
                    and not (state = 'active' and channel.channel = any(channels))
            )
        )::text as terms
        from sales_channels as channel
    """


VERSION: Final = SHELF.split(", ").index("version")
MARKS: Final = ", ".join("-1" for _ in SHELF.split(", ")[2:]) + ", null, 0, 0"
"""The columns of a row of terms: -1 as the version, which no stock level has."""


def _sold(stores: str) -> str:
    return f"""
        {OF}
        union all
        select terms, channel, {MARKS}
        from ({_terms_of(stores)}) as its where channel = :channel
    """


SOLD: Final = Statement(_sold("stores"))
SOLD_IN: Final = Statement(_sold(THOSE))
LAPSED_AND_TERMS: Final = Statement(f"""
    {LAPSED}
    union all
    select terms, channel, -1
    from ({_terms_of(THOSE)}) as its where channel = any(:channels::text[])
""")
TERMS: Final = Statement(_terms_of(THOSE))


class PostgresSellableStock:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def get_for_channel(
        self,
        channel: ChannelId,
        skus: Collection[Sku],
        stores: Collection[StoreId] | None = None,
    ) -> tuple[ChannelTerms, dict[StockKey, StockLevel]] | None:
        wanted = None if stores is None else list(stores)
        statement = SOLD if stores is None else SOLD_IN
        rows = await self._connection.fetch(
            *statement(skus=list(skus), stores=wanted, now=self._now, channel=channel)
        )
        its = next((row for row in reversed(rows) if row[VERSION] < 0), None)
        if its is None:
            return None
        return _terms(its[0]), {
            (row[0], row[1]): StockLevel(*row) for row in rows if row is not its
        }

    async def get_for_update(
        self, places: Collection[StockKey], channels: Collection[ChannelId]
    ) -> tuple[dict[StockKey, StockLevel], dict[ChannelId, ChannelTerms]]:
        stores, skus = columns_of(places)
        locked = await self._connection.fetch(*LOCK(stores=stores, skus=skus))
        # After the locks: a sweep that we waited for must not count twice, a new buffer must count.
        rows = await self._connection.fetch(
            *LAPSED_AND_TERMS(stores=stores, skus=skus, now=self._now, channels=list(channels))
        )
        lapsed = {(store, sku): units for store, sku, units in rows if units >= 0}
        levels = [StockLevel(*row) for row in locked]
        terms = {channel: _terms(told) for told, channel, units in rows if units < 0}
        return {
            (level.store, level.sku): without_lapsed(level, lapsed.get((level.store, level.sku)))
            for level in levels
        }, terms

    async def get_terms(self, places: Collection[StockKey]) -> dict[ChannelId, ChannelTerms]:
        skus, stores = {sku for _, sku in places}, {store for store, _ in places}
        rows = await self._connection.fetch(*TERMS(skus=list(skus), stores=list(stores)))
        return {channel: _terms(told) for channel, told in rows}


def _terms(told: str) -> ChannelTerms:
    return msgspec.json.decode(told, type=ChannelTerms)
