"""The shelves and their ledger: the only statements that change stock."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from domain.ids import Sku, StoreId
from domain.stock import Change, Move, Place, Shelf, Told, summed

SHELF: Final = "store, sku, on_hand, unavailable, allocated, held, staged, safety_stock, version"
SHELVE: Final = """
    insert into stock (store, sku)
    select store, sku from unnest($1::text[], $2::text[]) as place (store, sku)
    order by store, sku
    on conflict do nothing
"""
LOCK: Final = f"""
    select {SHELF} from stock
    join unnest($1::text[], $2::text[]) as place (store, sku) using (store, sku)
    order by store, sku
    for update of stock
"""
APPLY: Final = f"""
    with moved as (
        insert into movements
            (store, sku, kind, on_hand, unavailable, cause, actor, occurred_at, recorded_at)
        select *, $17 from unnest(
            $9::text[], $10::text[], $11::text[], $12::int[], $13::int[], $14::text[],
            $15::text[], $16::timestamptz[]
        )
    )
    update stock as shelf set
        on_hand = shelf.on_hand + change.on_hand,
        unavailable = shelf.unavailable + change.unavailable,
        allocated = shelf.allocated + change.allocated,
        held = shelf.held + change.held,
        staged = shelf.staged + change.staged,
        safety_stock = shelf.safety_stock + change.safety_stock,
        version = shelf.version + 1
    from unnest(
        $1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[]
    ) as change (store, sku, on_hand, unavailable, allocated, held, staged, safety_stock)
    where shelf.store = change.store and shelf.sku = change.sku
    returning {", ".join(f"shelf.{column}" for column in SHELF.split(", "))}
"""
MOVED_SINCE: Final = """
    select store, sku, sum(movements.on_hand)::int as moved
    from unnest($1::text[], $2::text[], $3::timestamptz[]) as moment (store, sku, since)
    join movements using (store, sku)
    where movements.occurred_at > moment.since
    group by store, sku
"""
OF: Final = f"""
    select {SHELF} from stock
    where sku = any($1::text[]) and ($2::text[] is null or store = any($2))
"""
TOLD: Final = """
    select store, sku, counted as on_hand, safety_stock, counted_at, as_of
    from counts join unnest($1::text[], $2::text[]) as place (store, sku) using (store, sku)
"""
REMEMBER: Final = """
    insert into counts (store, sku, counted, safety_stock, counted_at, as_of)
    select * from unnest(
        $1::text[], $2::text[], $3::int[], $4::int[], $5::timestamptz[], $6::timestamptz[]
    )
    on conflict (sku, store) do update set
        counted = excluded.counted, safety_stock = excluded.safety_stock,
        counted_at = excluded.counted_at, as_of = excluded.as_of
"""


class PostgresStock:
    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def lock(self, places: Collection[Place], *, shelve: bool = False) -> dict[Place, Shelf]:
        stores, skus = _columns(places)
        if shelve:
            await self._connection.execute(SHELVE, stores, skus)
        shelves = [Shelf(*row) for row in await self._connection.fetch(LOCK, stores, skus)]
        return {(shelf.store, shelf.sku): shelf for shelf in shelves}

    async def apply(self, moves: Collection[Move]) -> dict[Place, Shelf]:
        changes = summed(move.change for move in moves)
        goods = [move for move in moves if move.change.moves_goods]
        if not changes and not goods:
            return {}
        written = await self._connection.fetch(
            APPLY, *columns(map(_change, changes), 8), *columns(map(_movement, goods), 8), self._now
        )
        assert len(written) == len(changes), "only a locked shelf can be changed"
        shelves = [Shelf(*row) for row in written]
        return {(shelf.store, shelf.sku): shelf for shelf in shelves}

    async def of(
        self, skus: Collection[Sku], stores: Collection[StoreId] | None = None
    ) -> dict[Place, Shelf]:
        wanted = None if stores is None else list(stores)
        shelves = [Shelf(*row) for row in await self._connection.fetch(OF, list(skus), wanted)]
        return {(shelf.store, shelf.sku): shelf for shelf in shelves}

    async def moved_since(self, moments: Mapping[Place, datetime]) -> dict[Place, int]:
        stores, skus = _columns(moments)
        since = [moments[place] for place in sorted(moments)]
        rows = await self._connection.fetch(MOVED_SINCE, stores, skus, since)
        return {(row["store"], row["sku"]): row["moved"] for row in rows}

    async def told(self, places: Collection[Place]) -> dict[Place, Told]:
        rows = await self._connection.fetch(TOLD, *_columns(places))
        return {(row["store"], row["sku"]): msgspec.convert(dict(row), Told) for row in rows}

    async def remember(self, counts: Collection[Told]) -> None:
        rows = [
            (told.store, told.sku, told.on_hand, told.safety_stock, told.counted_at, told.as_of)
            for told in counts
        ]
        await self._connection.execute(REMEMBER, *zip(*rows, strict=True))


def columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """The columns of `rows`; `width` empty ones where there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def _change(change: Change) -> tuple[Any, ...]:
    return (
        change.store,
        change.sku,
        change.on_hand,
        change.unavailable,
        change.allocated,
        change.held,
        change.staged,
        change.safety_stock,
    )


def _movement(move: Move) -> tuple[Any, ...]:
    change, source = move.change, move.source
    return (
        change.store,
        change.sku,
        source.cause.value,
        change.on_hand,
        change.unavailable,
        source.id,
        source.actor,
        source.occurred_at,
    )


def _columns(places: Collection[Place]) -> tuple[list[StoreId], list[Sku]]:
    ordered = sorted(places)
    return [store for store, _ in ordered], [sku for _, sku in ordered]
