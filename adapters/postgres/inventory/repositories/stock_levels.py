"""Stock levels and their ledger: the only SQL statements that change stock."""

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from adapters.postgres.db.columns import columns
from adapters.postgres.db.statements import Statement
from domain.inventory.change_feed import ANY
from domain.inventory.conditions import Condition, Conditions
from domain.inventory.confidence import Sighting, to_sightings
from domain.inventory.stock_levels import (
    RepairedFigure,
    StockDelta,
    StockKey,
    StockLevel,
    StockLevelAsOf,
    StockMovement,
    StockPosting,
    sum_by_key,
)
from domain.inventory.stocktaking import Report, StockCount
from domain.kernel.ids import ChannelId, Sku, StoreId
from domain.pos.incidents import IncidentKind, to_missed, to_oversold
from service.pos.ports import Incidents

HERE: Final = Path(__file__).parent
FIGURES: Final = ("on_hand", "unavailable", "allocated", "held", "staged", "safety_stock")
SHELF: Final = f"store, sku, {', '.join(FIGURES)}, version"
SHELVE: Final = Statement("""
    insert into stock_levels (store, sku)
    select store, sku from unnest(:stores::text[], :skus::text[]) as place (store, sku)
    order by store, sku
    on conflict (sku, store) do update set version = stock_levels.version where false
""")
"""Locks the shelves that are there already: PostgreSQL does so before it asks for the condition."""
LOCK: Final = Statement(f"""
    select {SHELF} from stock_levels
    join unnest(:stores::text[], :skus::text[]) as place (store, sku) using (store, sku)
    order by store, sku
    for update of stock_levels
""")
APPLY: Final = Statement.read(HERE / "apply_stock.sql")
CONFIRM: Final = Statement.read(HERE / "confirm_stock.sql")
REPUBLISH: Final = Statement.read(HERE / "republish_stock.sql")
ADD_CONDITIONS: Final = Statement.read(HERE / "add_conditions.sql")
SAVE_COUNTS: Final = Statement.read(HERE / "save_counts.sql")
LINE: Final = (
    "store",
    "sku",
    "kind",
    "on_hand",
    "unavailable",
    "cause",
    "actor",
    "occurred_at",
    "conditions",
    "recorded_at",
)
MANY: Final = 100
"""Lines of the ledger from which on a way of their own is worth it."""

RESTATE: Final = Statement("""
    insert into feed_outbox (store, sku, version, cause, recorded_at, channel)
    select store, '', 0, 'channel', :now, :channel from unnest(:stores::text[]) as told (store)
""")

MOVED_SINCE: Final = Statement("""
    select store, sku, moment.since, sum(stock_movements.on_hand)::int as moved
    from unnest(:stores::text[], :skus::text[], :sinces::timestamptz[])
        as moment (store, sku, since)
    join stock_movements using (store, sku)
    where stock_movements.occurred_at > moment.since
    group by store, sku, moment.since
""")
MOVED_BY: Final = Statement("""
    select cause, store, sku, kind,
        case when on_hand = 0 then abs(unavailable) else on_hand end as units,
        coalesce(conditions, '{}') as conditions
    from stock_movements
    join unnest(:causes::text[], :stores::text[], :skus::text[]) as source (cause, store, sku)
        using (cause, store, sku)
""")
MOVEMENTS: Final = Statement("""
    select id, store, sku, kind, on_hand, unavailable, coalesce(conditions, '{}') as conditions,
        cause, actor, occurred_at, recorded_at, coalesce(repaired, '{}') as repaired
    from stock_movements
    where sku = :sku and (:stores::text[] is null or store = any(:stores))
        and (:before::bigint is null or id < :before)
    order by id desc limit :limit
""")
BLOCKED: Final = Statement("""
    select store, sku, condition, units from stock_conditions
    where sku = any(:skus::text[]) and (:stores::text[] is null or store = any(:stores))
        and units <> 0
    order by store, sku, condition
""")
BLOCKED_BY: Final = Statement("""
    select store, sku, condition, sum(units)::int from stock_condition_changes
    where sku = any(:skus::text[]) and (:stores::text[] is null or store = any(:stores))
        and recorded_at <= :at
    group by store, sku, condition having sum(units) <> 0
    order by store, sku, condition
""")
AS_OF: Final = Statement("""
    select store, sum(on_hand)::int, sum(unavailable)::int from stock_movements
    where sku = :sku and (:stores::text[] is null or store = any(:stores)) and recorded_at <= :at
    group by store order by store
""")
LAPSED: Final = Statement("""
    select store, sku, sum(quantity)::int as units from hold_units
    join unnest(:stores::text[], :skus::text[]) as place (store, sku) using (store, sku)
    where held_until <= :now
    group by store, sku
""")
"""Units of holds that have ended and are not expired yet: they are free."""

OF: Final = Statement(f"""
    select {SHELF.replace("held", "held - coalesce(lapsed.units, 0) as held")},
        seen_at, misses, shrink from stock_levels
    left join (
        select store, sku, sum(quantity)::int as units from hold_units
        where held_until <= :now and sku = any(:skus::text[])
        group by store, sku
    ) as lapsed using (store, sku)
    where sku = any(:skus::text[]) and (:stores::text[] is null or store = any(:stores))
""")
TOLD: Final = Statement("""
    select store, sku, as_of, stated_at, counted, safety_stock, counted_at
    from stock_counts join unnest(:stores::text[], :skus::text[])
        as place (store, sku) using (store, sku)
""")


class PostgresStockLevels:
    def __init__(
        self, connection: Any, now: datetime, incidents: Incidents, changed_skus: set[Sku]
    ) -> None:
        self._connection = connection
        self._now = now
        self._incidents = incidents
        self._changed_skus = changed_skus

    async def create_missing(self, places: Collection[StockKey]) -> None:
        await self._connection.execute(*SHELVE(*columns_of(places)))

    async def get_for_update(
        self, places: Collection[StockKey], *, shelve: bool | Collection[StockKey] = False
    ) -> dict[StockKey, StockLevel]:
        stores, skus = columns_of(places)
        if absent := places if shelve is True else shelve:
            if len(absent) < len(places):  # those that are there first, in the order of all
                await self._connection.execute(*LOCK(stores=stores, skus=skus))
            await self.create_missing(absent)
        locked = await self._connection.fetch(*LOCK(stores=stores, skus=skus))
        # A statement of its own, after the locks: a sweep that we waited for must not count twice.
        lapsed = {
            (store, sku): units
            for store, sku, units in await self._connection.fetch(
                *LAPSED(stores=stores, skus=skus, now=self._now)
            )
        }
        levels = [StockLevel(*row) for row in locked]
        return {
            (level.store, level.sku): without_lapsed(level, lapsed.get((level.store, level.sku)))
            for level in levels
        }

    async def apply(self, moves: Collection[StockPosting]) -> dict[StockKey, StockLevel]:
        changes = sum_by_key(move.delta for move in moves)
        goods = [move for move in moves if move.delta.changes_quantity]
        seen = to_sightings(moves)
        looked = await self._confirm(seen, seen.keys() - {change.key for change in changes})
        if not changes and not goods:
            return looked
        if len(goods) >= MANY:
            await self._copy(goods)
            goods = []
        causes = {move.delta.key: move.source.reason.value for move in moves}
        written = await self._connection.fetch(
            *APPLY(
                *columns(map(_movement, goods), 9),
                *_sights(changes, seen),
                stores=[change.store for change in changes],
                skus=[change.sku for change in changes],
                causes=[causes[change.key] for change in changes],
                now=self._now,
                **{name: _figures(changes, name) for name in FIGURES},
            ),
        )
        assert len(written) == len(changes), "only a locked stock level can be changed"
        self._changed_skus.update(change.sku for change in changes)
        after = looked | {(row[0], row[1]): StockLevel(*row) for row in written}
        await self._block(moves)
        worse, well = to_oversold(changes, after)
        if worse:
            await self._incidents.open(IncidentKind.OVERSOLD, worse)
        if well:
            await self._incidents.settle(IncidentKind.OVERSOLD, dict.fromkeys(well))
        if unfound := to_missed(moves):
            await self._incidents.open(IncidentKind.COUNT_DUE, unfound)
        return after

    async def _confirm(
        self, seen: Mapping[StockKey, Sighting], places: Collection[StockKey]
    ) -> dict[StockKey, StockLevel]:
        """Confirms counted stock levels and returns those whose confirmation is new."""
        if not places:
            return {}
        looks = [(*place, *_sight(seen[place])) for place in sorted(places)]
        news = await self._connection.fetch(*CONFIRM(*columns(looks, 7), now=self._now))
        self._changed_skus.update(row["sku"] for row in news)
        return {(row["store"], row["sku"]): StockLevel(*row) for row in news}

    async def _copy(self, goods: Collection[StockPosting]) -> None:
        """Many lines of the ledger, by the shortest way."""
        rows = [(*_movement(move), self._now) for move in goods]
        await self._connection.copy_records_to_table("stock_movements", records=rows, columns=LINE)

    async def _block(self, moves: Collection[StockPosting]) -> None:
        rows = [
            (*move.delta.key, condition.value, units)
            for move in moves
            for condition, units in move.conditions.items()
        ]
        if rows:
            await self._connection.execute(*ADD_CONDITIONS(*columns(rows, 4)))

    async def republish(self, skus: Collection[Sku]) -> None:
        short = await self._connection.fetch(*REPUBLISH(skus=list(skus), now=self._now))
        self._changed_skus.update(skus)
        if short:
            await self._incidents.open(IncidentKind.OVERSOLD, [tuple(row) for row in short])

    async def republish_channel(
        self, *, channel: ChannelId = ANY, stores: Collection[StoreId] = (ANY,)
    ) -> None:
        await self._connection.execute(
            *RESTATE(stores=list(stores), channel=channel, now=self._now)
        )
        self._changed_skus.add(ANY)

    async def list_by_skus(
        self, skus: Collection[Sku], stores: Collection[StoreId] | None = None
    ) -> dict[StockKey, StockLevel]:
        wanted = None if stores is None else list(stores)
        rows = await self._connection.fetch(*OF(skus=list(skus), stores=wanted, now=self._now))
        levels = [StockLevel(*row) for row in rows]
        return {(level.store, level.sku): level for level in levels}

    async def sum_since(
        self, moments: Collection[tuple[StockKey, datetime]]
    ) -> dict[tuple[StockKey, datetime], int]:
        rows = [(*place, since) for place, since in moments]
        found = await self._connection.fetch(*MOVED_SINCE(*columns(rows, 3)))
        return {((row["store"], row["sku"]), row["since"]): row["moved"] for row in found}

    async def get_posted(
        self, sources: Collection[tuple[str, StockKey]]
    ) -> dict[tuple[str, StockKey], tuple[str, int, Conditions]]:
        rows = [(name, *place) for name, place in sources]
        found = await self._connection.fetch(*MOVED_BY(*columns(rows, 3)))
        return {
            (name, (store, sku)): (kind, units, _conditions(conditions))
            for name, store, sku, kind, units, conditions in found
        }

    async def get_conditions(
        self,
        skus: Collection[Sku],
        stores: Collection[StoreId] | None = None,
        *,
        at: datetime | None = None,
    ) -> dict[StockKey, dict[Condition, int]]:
        wanted = None if stores is None else list(stores)
        blocked: dict[StockKey, dict[Condition, int]] = {}
        query = (
            BLOCKED(skus=list(skus), stores=wanted)
            if at is None
            else BLOCKED_BY(skus=list(skus), stores=wanted, at=at)
        )
        for row in await self._connection.fetch(*query):
            store, sku, condition, units = row
            blocked.setdefault((store, sku), {})[Condition(condition)] = units
        return blocked

    async def list_movements(
        self, sku: Sku, stores: Collection[StoreId] | None, *, before: int | None, limit: int
    ) -> list[StockMovement]:
        wanted = None if stores is None else list(stores)
        rows = await self._connection.fetch(
            *MOVEMENTS(sku=sku, stores=wanted, before=before, limit=limit)
        )
        return [_movement_of(dict(row)) for row in rows]

    async def get_as_of(
        self, sku: Sku, stores: Collection[StoreId] | None, at: datetime
    ) -> list[StockLevelAsOf]:
        wanted = None if stores is None else list(stores)
        return [
            StockLevelAsOf(*row)
            for row in await self._connection.fetch(*AS_OF(sku=sku, stores=wanted, at=at))
        ]

    async def get_reported(self, places: Collection[StockKey]) -> dict[StockKey, Report]:
        rows = await self._connection.fetch(*TOLD(*columns_of(places)))
        return {(row["store"], row["sku"]): _to_report(row) for row in rows}

    async def save_reported(self, told: Mapping[StockKey, Report]) -> None:
        rows = [
            (*place, *_line(each.line), each.as_of, each.stated_at)
            for place, each in sorted(told.items())
        ]
        await self._connection.execute(*SAVE_COUNTS(*columns(rows, 7)))
        seen: dict[StockKey, datetime | None] = {place: one.as_of for place, one in told.items()}
        await self._incidents.settle(IncidentKind.COUNT_DUE, seen)


def _line(line: StockCount | None) -> tuple[int | None, int | None, datetime | None]:
    return (line.on_hand, line.safety_stock, line.counted_at) if line else (None, None, None)


def _to_report(row: Any) -> Report:
    store, sku, as_of, stated_at, counted, safety_stock, counted_at = row
    if counted is None:
        return Report(as_of, stated_at=stated_at)
    line = StockCount(
        store=store,
        sku=sku,
        on_hand=counted,
        safety_stock=safety_stock,
        counted_at=counted_at,
    )
    return Report(as_of, line, stated_at)


def without_lapsed(level: StockLevel, units: int | None) -> StockLevel:
    return replace(level, held=level.held - units) if units else level


def _figures(changes: Collection[StockDelta], name: str) -> list[int]:
    """One for each change; none where all are 0, as most are: `unnest` makes up for them."""
    found = [getattr(change, name) for change in changes]
    return found if any(found) else []


def _movement(move: StockPosting) -> tuple[Any, ...]:
    change, source = move.delta, move.source
    return (
        change.store,
        change.sku,
        source.reason.value,
        change.on_hand,
        change.unavailable,
        source.id,
        source.actor,
        source.occurred_at,
        msgspec.json.encode(move.conditions).decode() if move.conditions else None,
    )


def _movement_of(line: dict[str, Any]) -> StockMovement:
    """A line of the ledger as it was written, its documents decoded."""
    conditions = _conditions(line.pop("conditions"))
    repaired = msgspec.json.decode(line.pop("repaired"), type=dict[str, RepairedFigure])
    return StockMovement(**line, conditions=conditions, repaired=repaired)


def _conditions(told: str) -> dict[Condition, int]:
    return msgspec.json.decode(told, type=dict[Condition, int])


def _sights(changes: Collection[StockDelta], seen: Mapping[StockKey, Sighting]) -> list[list[Any]]:
    """Returns the sighting data of each change; empty where no change has any."""
    if not seen:
        return columns([], 5)
    return columns([_sight(seen.get(change.key, Sighting())) for change in changes], 5)


def _sight(sight: Sighting) -> tuple[Any, ...]:
    return (sight.seen_at, sight.cleared_at, sight.missed_at, sight.misses, sight.counted)


def columns_of(places: Collection[StockKey]) -> tuple[list[StoreId], list[Sku]]:
    return [store for store, _ in places], [sku for _, sku in places]
