"""Incidents of a store: listed with the orders at risk, and settled with a note."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Self

from msgspec import Struct

from domain.foundation.callers import AccessDenied, Caller
from domain.inventory.stock_levels import StockKey, StockLevel
from domain.kernel.ids import StoreId
from domain.pos.incidents import (
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    OpenClaim,
    OrderAtRisk,
    find_at_risk,
    is_uncertain,
)
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

STOCK_INCIDENTS: Final = {IncidentKind.OVERSOLD, IncidentKind.COUNT_DUE}
"""Incidents about a stock level, for whose goods orders wait."""


class IncidentDetails(Struct, frozen=True):
    """An incident, by how many units the shelf is short now, and whose orders may go without."""

    incident: Incident
    units: int
    orders: list[OrderAtRisk]


async def list_incidents(
    units: Units,
    *,
    caller: Caller,
    store: StoreId,
    states: Sequence[IncidentState],
    after: IncidentId | None,
    limit: int,
) -> list[IncidentDetails]:
    """The store's incidents, oldest first."""
    if not caller.works_at(store):
        raise AccessDenied(caller, store)
    async with units.read() as unit:
        await unit.stores.stores.get(store)
        found = await unit.pos.incidents.list_page(store, states, after=after, limit=limit)
        return await _seen(unit, found)


@retry_on_conflict
async def settle_incident(
    units: Units, *, caller: Caller, incident: IncidentId, note: str, key: IdempotencyKey | None
) -> IncidentDetails:
    """Settles an incident with a note; a settled one stays as it is."""
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, IncidentDetails):
            return first
        taken = await unit.pos.incidents.get_for_update(incident)
        if not caller.works_at(taken.store):
            raise AccessDenied(caller, incident)
        if taken.state is IncidentState.OPEN:
            taken = taken.settle(note=note, by=caller.id, now=unit.now)
            await unit.pos.incidents.update(taken)
        [seen] = await _seen(unit, [taken])
        await unit.foundation.idempotency.save_answer(key, seen)
        return seen


class _StockLevels(Struct):
    """How it looks now on the shelves that something is wrong with."""

    levels: Mapping[StockKey, StockLevel]
    claims: Mapping[StockKey, list[OpenClaim]]

    @classmethod
    async def look(cls, unit: Unit, places: Collection[StockKey]) -> Self:
        stores = {store for store, _ in places}
        levels = (
            await unit.inventory.stock_levels.list_by_skus({sku for _, sku in places}, stores)
            if places
            else {}
        )
        claims: dict[StockKey, list[OpenClaim]] = {}
        for claim in await unit.pos.incidents.list_claims(places) if places else ():
            claims.setdefault(claim.stock_key, []).append(claim)
        return cls(levels, claims)

    def seen(self, incident: Incident) -> IncidentDetails:
        claims = self.claims.get(incident.stock_key, [])
        if incident.kind is IncidentKind.COUNT_DUE:
            return IncidentDetails(incident, incident.units, is_uncertain(claims))
        level = self.levels[incident.stock_key]
        there = level.on_hand - level.unavailable
        return IncidentDetails(incident, max(0, -level.available), find_at_risk(there, claims))


async def _seen(unit: Unit, incidents: Sequence[Incident]) -> list[IncidentDetails]:
    """Returns an open incident with the stock level as it is now; any other as it was found."""
    live = {
        incident.id
        for incident in incidents
        if incident.kind in STOCK_INCIDENTS and incident.state is IncidentState.OPEN
    }
    places = {incident.stock_key for incident in incidents if incident.id in live}
    levels = await _StockLevels.look(unit, sorted(places))
    return [
        levels.seen(incident)
        if incident.id in live
        else IncidentDetails(incident, incident.units, [])
        for incident in incidents
    ]
