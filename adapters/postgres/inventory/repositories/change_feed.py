"""The change feed: changes of stock levels in the order of their commits.

A change is added to the outbox in its own transaction. Ids of the outbox follow the order of
writing, and a transaction may commit after a later one: a reader by id would miss it. So one relay
at a time, under a lock that lasts until its commit, moves the visible rows into the feed and gives
them positions. A row that becomes visible later gets a later position, so that no reader misses it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from adapters.postgres.db.statements import Statement
from domain.inventory.change_feed import ANY, FeedPosition, StockChange
from domain.inventory.stock_levels import StockLevel
from domain.kernel.ids import ChannelId, Sku, StoreId

CHANNEL: Final = "hylla_feed"
LOCK: Final = "select pg_advisory_xact_lock(hashtext('feed'))"
CHANGE: Final = (
    "store, sku, on_hand, unavailable, allocated, held, staged, safety_stock, version, cause,"
    " recorded_at, channel"
)
WAITING: Final = "select exists (select from feed_outbox)"
RELAY: Final = Statement(f"""
    with taken as (
        delete from feed_outbox where id in (select id from feed_outbox order by id limit :limit)
        returning id, {CHANGE}
    )
    insert into feed ({CHANGE}) select {CHANGE} from taken order by id
""")
NOTIFY: Final = f"notify {CHANNEL}"
AFTER: Final = Statement(f"""
    select position, {CHANGE} from feed
    where position > :position and (:until::bigint is null or position <= :until)
        and (:skus::text[] is null or sku = any(:skus)) and (:stores::text[] is null
            or store = any(:stores))
    order by position limit :limit
""")
SKUS_AFTER: Final = Statement("""
    select position, sku from feed where position > :position order by position limit :limit
""")
RESTATED: Final = Statement(f"""
    select exists (
        select from feed where position > :after and position <= :until
            and channel is not null and channel = any(array[:channel, '{ANY}'])
            and (:stores::text[] is null or store = any(:stores || array['{ANY}']))
    )
""")
MOMENT: Final = Statement("""
    select '', '', coalesce(max(position), 0) from feed
    union all
    select store, sku, max(version) from feed_outbox
    where sku = any(:skus::text[]) group by store, sku
""")
SPAN: Final = "select coalesce(min(position), 1), coalesce(max(position), 0) from feed"
FORGET: Final = Statement("""
    delete from feed where position in (
        select position from feed, (select max(position) as newest from feed) as its, lateral (
            select least(coalesce(min(position), newest), (
                select min(webhooks.position) + 1 from webhooks where state = 'active'
            )) as fresh
            from (
                select position from feed where recorded_at >= :before order by position limit 1
            ) as first
        ) as end_of
        where position < least(greatest(fresh, newest - :keep + 1), newest)
        order by position limit :limit
    )
""")
"""Always from its beginning on, and nothing that a webhook still waits for. The last one stays, so
that it is known where the feed is."""


class PostgresChangeFeed:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def relay(self, limit: int) -> int:
        if not await self._connection.fetchval(WAITING):
            return 0
        await self._connection.execute(LOCK)
        moved = int((await self._connection.execute(*RELAY(limit=limit))).rpartition(" ")[2])
        if moved:
            await self._connection.execute(NOTIFY)
        return moved

    async def list_after(
        self,
        position: int,
        limit: int,
        *,
        until: int | None = None,
        skus: Collection[Sku] | None = None,
        stores: Collection[StoreId] | None = None,
    ) -> list[StockChange]:
        rows = await self._connection.fetch(
            *AFTER(
                position=position,
                until=until,
                skus=None if skus is None else list(skus),
                stores=None if stores is None else list(stores),
                limit=limit,
            ),
        )
        return [StockChange(row[0], StockLevel(*row[1:10]), *row[10:]) for row in rows]

    async def list_republished(
        self, after: int, until: int, channel: ChannelId, stores: Collection[StoreId] | None
    ) -> bool:
        wanted = None if stores is None else list(stores)
        found: bool = await self._connection.fetchval(
            *RESTATED(after=after, until=until, channel=channel, stores=wanted)
        )
        return found

    async def list_skus_after(self, position: int, limit: int) -> list[tuple[int, Sku]]:
        return [
            tuple(row)
            for row in await self._connection.fetch(*SKUS_AFTER(position=position, limit=limit))
        ]

    async def get_position(self, skus: Collection[Sku]) -> FeedPosition:
        (_, _, position), *waiting = await self._connection.fetch(*MOMENT(skus=list(skus)))
        return FeedPosition(position, {(store, sku): version for store, sku, version in waiting})

    async def get_span(self) -> tuple[int, int]:
        oldest, newest = await self._connection.fetchrow(SPAN)
        return oldest, newest

    async def purge(self, before: datetime, keep: int, limit: int) -> int:
        done = await self._connection.execute(*FORGET(before=before, keep=keep, limit=limit))
        return int(done.split()[-1])
