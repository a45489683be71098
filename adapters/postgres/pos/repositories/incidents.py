"""Incidents: one open one for each thing that is out of order, whatever comes again."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.columns import columns
from adapters.postgres.db.statements import Statement
from domain.inventory.stock_levels import StockKey
from domain.kernel.ids import StoreId
from domain.pos.incidents import (
    Incident,
    IncidentId,
    IncidentKind,
    IncidentNotFound,
    IncidentState,
    OpenClaim,
    ShortAllocation,
    UnknownSku,
)

COLUMNS: Final = ", ".join(Incident.__struct_fields__)
HOUSE: Final = "hylla"
"""The actor that settles incidents automatically."""
OPEN: Final = Statement("""
    insert into incidents
        (id, store, sku, kind, units, receipts, since, until, opened_at, changed_at)
    select id, store, sku, kind, units, receipts, since, until, :now, :now
    from unnest(
        :ids::text[], :stores::text[], :skus::text[], :kinds::text[], :units::int[],
            :receipts::int[],
        :since::timestamptz[], :until::timestamptz[]
    ) as found (id, store, sku, kind, units, receipts, since, until)
    where kind <> 'oversold' or not exists (
        select from products where products.sku = found.sku and not tracked
    )
    order by store, sku
    on conflict (store, sku, kind) where state = 'open' do update set
        units = incidents.units + excluded.units,
        receipts = incidents.receipts + excluded.receipts,
        since = least(incidents.since, excluded.since),
        until = greatest(incidents.until, excluded.until),
        changed_at = excluded.changed_at
""")
SETTLE: Final = Statement("""
    update incidents set state = 'settled', settled_by = :settled_by, settled_at = :now,
        changed_at = :now
    from unnest(:stores::text[], :skus::text[], :ats::timestamptz[]) as well (store, sku, at)
    where incidents.store = well.store and incidents.sku = well.sku and kind = :kind
        and state = 'open' and (well.at is null or opened_at <= well.at)
""")
GET: Final = Statement(f"select {COLUMNS} from incidents where id = :incident")
TAKE: Final = Statement(f"{GET} for no key update")
PAGE: Final = Statement(f"""
    select {COLUMNS} from incidents
    where store = :store and state = any(:names::text[]) and (:after::text is null or id > :after)
    order by id limit :limit
""")
KEEP: Final = Statement("""
    update incidents set state = :state, note = :note, settled_by = :settled_by,
        settled_at = :settled_at, changed_at = :changed_at
    where id = :id
""")


def _claims(places: str, *also: str) -> str:
    """Builds the SQL of the units that orders await at places, with the columns in `also`."""
    more = "".join(f", {column}" for column in also)
    return f"""
    select claim.store, claim.sku, order_id, claim.fulfilment_id,
        sum(claim.quantity - consumed - released)::int, promised_from, placed_at,
        sum((line.picked - line.given - line.put_back) * claim.quantity / line.quantity)::int
        {more}
    from allocations as claim join {places} using (store, sku)
    join fulfilment_lines as line
        on line.fulfilment_id = claim.fulfilment_id and line.sku = claim.line
    where claim.quantity > consumed + released
    group by claim.store, claim.sku, order_id, claim.fulfilment_id, promised_from, placed_at{more}
    """


NAMED: Final = "unnest(:stores::text[], :skus::text[]) as place (store, sku)"
SHORT: Final = f"""
    (
        select store, sku, on_hand - unavailable as there
        from {NAMED} join stock_levels using (store, sku) join products using (sku)
        where on_hand - unavailable < allocated and tracked
    ) as short
"""
CLAIMS: Final = Statement(_claims(NAMED))
CLAIMS_IF_SHORT: Final = Statement(_claims(SHORT, "there"))


class PostgresIncidents:
    def __init__(self, connection: Any, now: datetime, new_id: Callable[[str], str]) -> None:
        self._connection = connection
        self._now = now
        self._new_id = new_id

    async def add_unknown(self, strangers: Collection[UnknownSku]) -> None:
        await self._open(
            [
                (one.store, one.sku, "unknown_sku", one.units, one.receipts, one.since, one.until)
                for one in strangers
            ]
        )

    async def open(self, kind: IncidentKind, places: Collection[StockKey]) -> None:
        await self._open([(*place, kind.value, 0, 0, self._now, self._now) for place in places])

    async def settle(self, kind: IncidentKind, well: Mapping[StockKey, datetime | None]) -> None:
        rows = [(store, sku, at) for (store, sku), at in sorted(well.items())]
        if rows:
            named = {"kind": kind.value, "settled_by": HOUSE, "now": self._now}
            await self._connection.execute(*SETTLE(*columns(rows, 3), **named))

    async def _open(self, found: Collection[tuple[Any, ...]]) -> None:
        rows = [(self._new_id("inc"), *one) for one in found]
        if rows:
            await self._connection.execute(*OPEN(*zip(*rows, strict=True), now=self._now))

    async def get(self, incident: IncidentId) -> Incident:
        return _incident(await self._connection.fetchrow(*GET(incident=incident)))

    async def get_for_update(self, incident: IncidentId) -> Incident:
        return _incident(await self._connection.fetchrow(*TAKE(incident=incident)))

    async def update(self, incident: Incident) -> None:
        values = (
            incident.state.value,
            incident.note,
            incident.settled_by,
            incident.settled_at,
            incident.changed_at,
        )
        await self._connection.execute(*KEEP(*values, id=incident.id))

    async def list_page(
        self,
        store: StoreId,
        states: Collection[IncidentState],
        *,
        after: IncidentId | None,
        limit: int,
    ) -> list[Incident]:
        names = [state.value for state in states]
        rows = await self._connection.fetch(
            *PAGE(store=store, names=names, after=after, limit=limit)
        )
        return [_incident(row) for row in rows]

    async def list_claims(self, places: Collection[StockKey]) -> list[OpenClaim]:
        rows = await self._connection.fetch(*CLAIMS(*columns(places, 2)))
        return [OpenClaim(*row) for row in rows]

    async def list_short(self, places: Collection[StockKey]) -> list[ShortAllocation]:
        found: dict[StockKey, ShortAllocation] = {}
        for *facts, there in await self._connection.fetch(*CLAIMS_IF_SHORT(*columns(places, 2))):
            claim = OpenClaim(*facts)
            short = found.setdefault(claim.stock_key, ShortAllocation(claim.stock_key, there, []))
            short.allocations.append(claim)
        return list(found.values())


def _incident(row: Any) -> Incident:
    if row is None:
        raise IncidentNotFound
    return msgspec.convert(dict(row), Incident)
