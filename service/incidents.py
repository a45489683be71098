"""What a store finds out of order: shown with the orders at risk, and settled with a note."""

from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from domain.callers import Caller, NotYours
from domain.ids import StoreId
from domain.incidents import (
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    Risk,
    at_risk,
)
from domain.stock import Place
from service.ports.requests import RequestKey
from service.ports.unit import Unit, Units
from service.retries import tried_again


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
    """How it looks now on the shelves that are oversold."""

    there: dict[Place, int]
    short: dict[Place, int]
    risks: dict[Place, list[Risk]]

    @classmethod
    async def look(cls, unit: Unit, places: list[Place]) -> Self:
        stores = {store for store, _ in places}
        shelves = await unit.stock.of({sku for _, sku in places}, stores) if places else {}
        claims = await unit.incidents.claims(places) if places else []
        there = {place: shelf.on_hand - shelf.unavailable for place, shelf in shelves.items()}
        return cls(
            there,
            {place: max(0, -shelf.available) for place, shelf in shelves.items()},
            {
                place: at_risk(there[place], [one for one in claims if one.place == place])
                for place in places
            },
        )


async def _seen(unit: Unit, incidents: Sequence[Incident]) -> list[Seen]:
    open_ones = [
        incident.place
        for incident in incidents
        if incident.kind is IncidentKind.OVERSOLD and incident.state is IncidentState.OPEN
    ]
    shelves = await _Shelves.look(unit, open_ones)
    return [
        Seen(
            incident,
            shelves.short.get(incident.place, incident.units),
            shelves.risks.get(incident.place, []),
        )
        if incident.place in open_ones and incident.kind is IncidentKind.OVERSOLD
        else Seen(incident, incident.units, [])
        for incident in incidents
    ]
