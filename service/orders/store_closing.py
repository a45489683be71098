"""A location is disabled, closes when nothing is open there any more, and is enabled again.

Whoever claims something new of a location shares its row; whoever changes its state has it alone.
So what was claimed a moment before is seen here, and what comes a moment later is refused there.
"""

from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from domain.kernel.ids import StoreId
from domain.orders.store_closing import Open, disabled, enabled
from domain.stores.stores import Store, StoreMissing, StoreState
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units

T = TypeVar("T")


class Disabled(Struct, frozen=True):
    """What a location is now, and what has to be over before it is closed."""

    store: StoreId
    state: StoreState
    open: Open


@tried_again
async def disable(units: Units, *, store: StoreId, drain: bool, key: RequestKey | None) -> Disabled:
    """Claim nothing new of a location. A repeat changes nothing, and says what is still open.

    Raises:
        StoreInUse: something is open, and it may not `drain`.
        StoreMissing.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Disabled):
            return first
        before = await _taken(unit, store)
        left = await unit.closing.open_at(store)
        after = disabled(before, left, drain=drain)
        await _keep(unit, before, after)
        answer = Disabled(store, after.state, left)
        await unit.requests.answer(key, answer)
    return answer


@tried_again
async def enable(units: Units, *, store: StoreId, key: RequestKey | None) -> Store:
    """Sell from a location again. A repeat changes nothing. Raises StoreMissing."""
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Store):
            return first
        before = await _taken(unit, store)
        after = enabled(before)
        await _keep(unit, before, after)
        await unit.requests.answer(key, after)
    return after


async def close_drained(units: Units) -> int:
    """Close every location that was left to drain and has nothing open; how many those were."""
    async with units.read() as unit:
        draining = await unit.stores.draining()
    return sum([await _close_if_drained(units, store) for store in draining])


@tried_again
async def _close_if_drained(units: Units, store: StoreId) -> bool:
    async with units.begin() as unit:
        before = await _taken(unit, store)
        left = await unit.closing.open_at(store)
        drained = before.state is StoreState.DRAINING and left.is_nothing
        if drained:
            await _keep(unit, before, replace(before, state=StoreState.CLOSED))
    return drained


async def _taken(unit: Unit, store: StoreId) -> Store:
    found = await unit.stores.lock([store])
    if store not in found:
        raise StoreMissing(store)
    return found[store]


async def _keep(unit: Unit, before: Store, after: Store) -> None:
    """Write it, and have what is sold from there told anew."""
    if after == before:
        return
    await unit.stores.put([after])
    if StoreState.ACTIVE in {before.state, after.state}:
        await unit.stock.restate(stores=[after.store])
