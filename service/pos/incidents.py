"""What a store finds out of order: shown with the orders at risk, and settled with a note."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Self

from msgspec import Struct

from domain.foundation.callers import Caller, NotYours
from domain.inventory.stock_levels import Place, Shelf
from domain.kernel.ids import StoreId
from domain.pos.incidents import (
    Claim,
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    Risk,
    at_risk,
    in_doubt,
)
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units

OF_SHELVES: Final = {IncidentKind.OVERSOLD, IncidentKind.COUNT_DUE}
"""What is wrong with a shelf, so that orders wait for its goods."""


class Seen(Struct, frozen=True):
    """An incident, by how many units the shelf is short now, and whose orders may go without."""

    incident: Incident
    units: int
    orders: list[Risk]


async def list_at(
    units: Units,
    *,
    caller: Caller,
    store: StoreId,
    states: Sequence[IncidentState],
    after: IncidentId | None,
    limit: int,
) -> list[Seen]:
    """The store's incidents, oldest first."""
    if not caller.works_at(store):
        raise NotYours(caller, store)
    async with units.read() as unit:
        await unit.stores.get(store)
        found = await unit.incidents.page(store, states, after=after, limit=limit)
        return await _seen(unit, found)


@tried_again
async def settle(
    units: Units, *, caller: Caller, incident: IncidentId, note: str, key: RequestKey | None
) -> Seen:
    """Somebody has looked at it; one that is settled stays as it is."""
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Seen):
            return first
        taken = await unit.incidents.take(incident)
        if not caller.works_at(taken.store):
            raise NotYours(caller, incident)
        if taken.state is IncidentState.OPEN:
            taken = taken.settled(note=note, by=caller.id, now=unit.now)
            await unit.incidents.keep(taken)
        [seen] = await _seen(unit, [taken])
        await unit.requests.answer(key, seen)
        return seen


class _Shelves(Struct):
    """How it looks now on the shelves that something is wrong with."""

    shelves: Mapping[Place, Shelf]
    claims: Mapping[Place, list[Claim]]

    @classmethod
    async def look(cls, unit: Unit, places: Collection[Place]) -> Self:
        stores = {store for store, _ in places}
        shelves = await unit.stock.of({sku for _, sku in places}, stores) if places else {}
        claims: dict[Place, list[Claim]] = {}
        for claim in await unit.incidents.claims(places) if places else ():
            claims.setdefault(claim.place, []).append(claim)
        return cls(shelves, claims)

    def seen(self, incident: Incident) -> Seen:
        claims = self.claims.get(incident.place, [])
        if incident.kind is IncidentKind.COUNT_DUE:
            return Seen(incident, incident.units, in_doubt(claims))
        shelf = self.shelves[incident.place]
        there = shelf.on_hand - shelf.unavailable
        return Seen(incident, max(0, -shelf.available), at_risk(there, claims))


async def _seen(unit: Unit, incidents: Sequence[Incident]) -> list[Seen]:
    """What is open of a shelf as it is now; everything else as it was found."""
    live = {
        incident.id
        for incident in incidents
        if incident.kind in OF_SHELVES and incident.state is IncidentState.OPEN
    }
    places = {incident.place for incident in incidents if incident.id in live}
    shelves = await _Shelves.look(unit, sorted(places))
    return [
        shelves.seen(incident) if incident.id in live else Seen(incident, incident.units, [])
        for incident in incidents
    ]
