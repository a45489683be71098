"""The shelves and their ledger: the only statements that change stock."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from adapters.postgres.columns import columns
from domain.feed import ANY
from domain.ids import ChannelId, Sku, StoreId
from domain.incidents import IncidentKind, missed, oversold
from domain.stock import Change, Move, Movement, PastShelf, Place, Shelf, summed
from domain.stocktaking import Count, Told
from service.ports.stock import Incidents

FIGURES: Final = ("on_hand", "unavailable", "allocated", "held", "staged", "safety_stock")
SHELF: Final = f"store, sku, {', '.join(FIGURES)}, version"
SHELVE: Final = """
    insert into stock (store, sku)
    select store, sku from unnest($1::text[], $2::text[]) as place (store, sku)
    order by store, sku
    on conflict (sku, store) do update set version = stock.version where false
"""
"""Locks the shelves that are there already: PostgreSQL does so before it asks for the condition."""
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
    ), changed as (
        update stock as shelf set
            {", ".join(f"{name} = shelf.{name} + coalesce(change.{name}, 0)" for name in FIGURES)},
            version = shelf.version + 1
        from unnest(
            $1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[],
            $8::int[], $18::text[]
        ) as change (store, sku, {", ".join(FIGURES)}, cause)
        where shelf.store = change.store and shelf.sku = change.sku
        returning {", ".join(f"shelf.{column}" for column in SHELF.split(", "))}, cause
    ), told as (
        insert into feed_inbox ({SHELF}, cause, recorded_at) select *, $17 from changed
    )
    select {SHELF} from changed
"""
"""The ledger, the shelves and what is told of them, in one statement."""

LINE: Final = (
    "store",
    "sku",
    "kind",
    "on_hand",
    "unavailable",
    "cause",
    "actor",
    "occurred_at",
    "recorded_at",
)
MANY: Final = 100
"""Lines of the ledger from which on a way of their own is worth it."""

RETELL: Final = f"""
    with locked as (
        select store, sku from stock where sku = any($1::text[]) order by store, sku for update
    ), changed as (
        update stock as shelf set version = shelf.version + 1 from locked
        where shelf.store = locked.store and shelf.sku = locked.sku
        returning {", ".join(f"shelf.{column}" for column in SHELF.split(", "))}
    )
    insert into feed_inbox ({SHELF}, cause, recorded_at) select *, 'catalogue', $2 from changed
"""

RESTATE: Final = """
    insert into feed_inbox (store, sku, version, cause, recorded_at, channel)
    select store, '', 0, 'channel', $3, $2 from unnest($1::text[]) as told (store)
"""

MOVED_SINCE: Final = """
    select store, sku, moment.since, sum(movements.on_hand)::int as moved
    from unnest($1::text[], $2::text[], $3::timestamptz[]) as moment (store, sku, since)
    join movements using (store, sku)
    where movements.occurred_at > moment.since
    group by store, sku, moment.since
"""
MOVED_BY: Final = """
    select cause, store, sku, kind, case when on_hand = 0 then abs(unavailable) else on_hand end
    from movements
    join unnest($1::text[], $2::text[], $3::text[]) as source (cause, store, sku)
        using (cause, store, sku)
"""
MOVEMENTS: Final = """
    select id, store, sku, kind, on_hand, unavailable, cause, actor, occurred_at, recorded_at
    from movements
    where sku = $1 and ($2::text[] is null or store = any($2)) and ($3::bigint is null or id < $3)
    order by id desc limit $4
"""
AS_OF: Final = """
    select store, sum(on_hand)::int, sum(unavailable)::int from movements
    where sku = $1 and ($2::text[] is null or store = any($2)) and recorded_at <= $3
    group by store order by store
"""
LAPSED: Final = """
    select store, sku, sum(quantity)::int as units from hold_units
    join unnest($1::text[], $2::text[]) as place (store, sku) using (store, sku)
    where held_until <= $3
    group by store, sku
"""
"""Held by holds whose time is over, though nobody has swept them yet: free for whoever asks."""

OF: Final = f"""
    select {SHELF.replace("held", "held - coalesce(lapsed.units, 0) as held")} from stock
    left join (
        select store, sku, sum(quantity)::int as units from hold_units
        where held_until <= $3 and sku = any($1::text[])
        group by store, sku
    ) as lapsed using (store, sku)
    where sku = any($1::text[]) and ($2::text[] is null or store = any($2))
"""
TOLD: Final = """
    select store, sku, as_of, counted, safety_stock, counted_at
    from counts join unnest($1::text[], $2::text[]) as place (store, sku) using (store, sku)
"""
REMEMBER: Final = """
    insert into counts (store, sku, counted, safety_stock, counted_at, as_of)
    select * from unnest(
        $1::text[], $2::text[], $3::int[], $4::int[], $5::timestamptz[], $6::timestamptz[]
    )
    on conflict (sku, store) do update set
        as_of = greatest(counts.as_of, excluded.as_of),
        counted = coalesce(excluded.counted, counts.counted),
        safety_stock = case when excluded.counted is null
            then counts.safety_stock else excluded.safety_stock end,
        counted_at = case when excluded.counted is null
            then counts.counted_at else excluded.counted_at end
"""


class PostgresStock:
    def __init__(self, connection: Any, now: datetime, incidents: Incidents) -> None:
        self._connection = connection
        self._now = now
        self._incidents = incidents
        self.changed: set[Sku] = set()

    async def shelve(self, places: Collection[Place]) -> None:
        await self._connection.execute(SHELVE, *columns_of(places))

    async def lock(self, places: Collection[Place], *, shelve: bool = False) -> dict[Place, Shelf]:
        if shelve:
            await self.shelve(places)
        stores, skus = columns_of(places)
        locked = await self._connection.fetch(LOCK, stores, skus)
        # A statement of its own, after the locks: a sweep that we waited for must not count twice.
        lapsed = {
            (store, sku): units
            for store, sku, units in await self._connection.fetch(LAPSED, stores, skus, self._now)
        }
        shelves = [Shelf(*row) for row in locked]
        return {
            (shelf.store, shelf.sku): without_lapsed(shelf, lapsed.get((shelf.store, shelf.sku)))
            for shelf in shelves
        }

    async def apply(self, moves: Collection[Move]) -> dict[Place, Shelf]:
        changes = summed(move.change for move in moves)
        goods = [move for move in moves if move.change.moves_goods]
        if not changes and not goods:
            return {}
        if len(goods) >= MANY:
            await self._copy(goods)
            goods = []
        causes = {move.change.place: move.source.cause.value for move in moves}
        written = await self._connection.fetch(
            APPLY,
            [change.store for change in changes],
            [change.sku for change in changes],
            *(_figures(changes, name) for name in FIGURES),
            *columns(map(_movement, goods), 8),
            self._now,
            [causes[change.place] for change in changes],
        )
        assert len(written) == len(changes), "only a locked shelf can be changed"
        self.changed.update(change.sku for change in changes)
        after = {(row[0], row[1]): Shelf(*row) for row in written}
        worse, well = oversold(changes, after)
        if worse:
            await self._incidents.open(IncidentKind.OVERSOLD, worse)
        if well:
            await self._incidents.settle(IncidentKind.OVERSOLD, dict.fromkeys(well))
        if unfound := missed(moves):
            await self._incidents.open(IncidentKind.COUNT_DUE, unfound)
        return after

    async def _copy(self, goods: Collection[Move]) -> None:
        """Many lines of the ledger, by the shortest way."""
        rows = [(*_movement(move), self._now) for move in goods]
        await self._connection.copy_records_to_table("movements", records=rows, columns=LINE)

    async def retell(self, skus: Collection[Sku]) -> None:
        await self._connection.execute(RETELL, list(skus), self._now)
        self.changed.update(skus)

    async def restate(
        self, *, channel: ChannelId = ANY, stores: Collection[StoreId] = (ANY,)
    ) -> None:
        await self._connection.execute(RESTATE, list(stores), channel, self._now)
        self.changed.add(ANY)

    async def of(
        self, skus: Collection[Sku], stores: Collection[StoreId] | None = None
    ) -> dict[Place, Shelf]:
        wanted = None if stores is None else list(stores)
        rows = await self._connection.fetch(OF, list(skus), wanted, self._now)
        shelves = [Shelf(*row) for row in rows]
        return {(shelf.store, shelf.sku): shelf for shelf in shelves}

    async def moved_since(
        self, moments: Collection[tuple[Place, datetime]]
    ) -> dict[tuple[Place, datetime], int]:
        rows = [(*place, since) for place, since in moments]
        found = await self._connection.fetch(MOVED_SINCE, *columns(rows, 3))
        return {((row["store"], row["sku"]), row["since"]): row["moved"] for row in found}

    async def moved_by(
        self, sources: Collection[tuple[str, Place]]
    ) -> dict[tuple[str, Place], tuple[str, int]]:
        rows = [(name, *place) for name, place in sources]
        found = await self._connection.fetch(MOVED_BY, *columns(rows, 3))
        return {(name, (store, sku)): (kind, units) for name, store, sku, kind, units in found}

    async def movements(
        self, sku: Sku, stores: Collection[StoreId] | None, *, before: int | None, limit: int
    ) -> list[Movement]:
        wanted = None if stores is None else list(stores)
        rows = await self._connection.fetch(MOVEMENTS, sku, wanted, before, limit)
        return [Movement(*row) for row in rows]

    async def as_of(
        self, sku: Sku, stores: Collection[StoreId] | None, at: datetime
    ) -> list[PastShelf]:
        wanted = None if stores is None else list(stores)
        return [PastShelf(*row) for row in await self._connection.fetch(AS_OF, sku, wanted, at)]

    async def told(self, places: Collection[Place]) -> dict[Place, Told]:
        rows = await self._connection.fetch(TOLD, *columns_of(places))
        return {(row["store"], row["sku"]): _told(row) for row in rows}

    async def remember(self, told: Mapping[Place, Told]) -> None:
        rows = [(*place, *_line(each.line), each.as_of) for place, each in sorted(told.items())]
        await self._connection.execute(REMEMBER, *columns(rows, 6))
        seen: dict[Place, datetime | None] = {place: one.as_of for place, one in told.items()}
        await self._incidents.settle(IncidentKind.COUNT_DUE, seen)


def _line(line: Count | None) -> tuple[int | None, int | None, datetime | None]:
    return (line.on_hand, line.safety_stock, line.counted_at) if line else (None, None, None)


def _told(row: Any) -> Told:
    store, sku, as_of, counted, safety_stock, counted_at = row
    if counted is None:
        return Told(as_of)
    line = Count(
        store=store,
        sku=sku,
        on_hand=counted,
        safety_stock=safety_stock,
        counted_at=counted_at,
    )
    return Told(as_of, line)


def without_lapsed(shelf: Shelf, units: int | None) -> Shelf:
    return replace(shelf, held=shelf.held - units) if units else shelf


def _figures(changes: Collection[Change], name: str) -> list[int]:
    """One for each change; none where all are 0, as most are: `unnest` makes up for them."""
    found = [getattr(change, name) for change in changes]
    return found if any(found) else []


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


def columns_of(places: Collection[Place]) -> tuple[list[StoreId], list[Sku]]:
    return [store for store, _ in places], [sku for _, sku in places]
