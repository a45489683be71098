"""Closing of a location: it is disabled, closes when nothing is open there, and can be enabled.

A claim on a location locks its row shared; a change of its state locks it exclusively. So an
earlier claim is seen here, and a later one is refused there.
"""

from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from domain.kernel.ids import StoreId
from domain.orders.store_closing import OpenWork, to_disabled, to_enabled
from domain.stores.stores import Store, StoreNotFound, StoreState
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

T = TypeVar("T")


class DisabledStore(Struct, frozen=True):
    """The state of a location, and the work that must end before it is closed."""

    store: StoreId
    state: StoreState
    open: OpenWork


@retry_on_conflict
async def disable_store(
    units: Units, *, store: StoreId, drain: bool, key: IdempotencyKey | None
) -> DisabledStore:
    """Disables a location: nothing new is claimed there. A repeat returns the open work.

    Raises:
        StoreInUse: work is open, and it may not `drain`.
        StoreNotFound.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, DisabledStore):
            return first
        before = await _taken(unit, store)
        left = await unit.orders.store_closing.get_open_work(store)
        after = to_disabled(before, left, drain=drain)
        await _keep(unit, before, after)
        answer = DisabledStore(store, after.state, left)
        await unit.foundation.idempotency.save_answer(key, answer)
    return answer


@retry_on_conflict
async def enable_store(units: Units, *, store: StoreId, key: IdempotencyKey | None) -> Store:
    """Sell from a location again. A repeat changes nothing. Raises StoreNotFound."""
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Store):
            return first
        before = await _taken(unit, store)
        after = to_enabled(before)
        await _keep(unit, before, after)
        await unit.foundation.idempotency.save_answer(key, after)
    return after


async def close_drained_stores(units: Units) -> int:
    """Close every location that was left to drain and has nothing open; how many those were."""
    async with units.read() as unit:
        draining = await unit.stores.stores.list_draining()
    return sum([await _close_if_drained(units, store) for store in draining])


@retry_on_conflict
async def _close_if_drained(units: Units, store: StoreId) -> bool:
    async with units.begin() as unit:
        before = await _taken(unit, store)
        left = await unit.orders.store_closing.get_open_work(store)
        drained = before.state is StoreState.DRAINING and left.is_empty
        if drained:
            await _keep(unit, before, replace(before, state=StoreState.CLOSED))
    return drained


async def _taken(unit: Unit, store: StoreId) -> Store:
    found = await unit.stores.stores.lock([store])
    if store not in found:
        raise StoreNotFound(store)
    return found[store]


async def _keep(unit: Unit, before: Store, after: Store) -> None:
    """Stores the location and republishes the stock that is sold from there."""
    if after == before:
        return
    await unit.stores.stores.upsert([after])
    if StoreState.ACTIVE in {before.state, after.state}:
        await unit.inventory.stock_levels.republish_channel(stores=[after.store])
