"""Safety stock for walk-ins: raised each hour to the units that they are expected to take."""

from domain.foundation.callers import AccessDenied, Caller
from domain.inventory.stock_levels import MovementReason, PostingSource, to_postings
from domain.inventory.walk_ins import WalkInPolicy, deltas_for, raise_buffer
from domain.kernel.ids import StoreId
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units


@retry_on_conflict
async def set_walk_in_policy(
    units: Units, store: StoreId, policy: WalkInPolicy, *, key: IdempotencyKey | None
) -> WalkInPolicy:
    """The office decides; the next round of the job follows. Raises StoreNotFound."""
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, WalkInPolicy):
            return first
        await unit.stores.stores.get(store)
        await unit.inventory.walk_ins.set_policy(store, policy)
        await unit.foundation.idempotency.save_answer(key, policy)
    return policy


async def get_walk_in_policy(units: Units, *, caller: Caller, store: StoreId) -> WalkInPolicy:
    """Raises StoreNotFound, AccessDenied."""
    if not caller.works_at(store):
        raise AccessDenied(caller, store)
    async with units.read() as unit:
        await unit.stores.stores.get(store)
        return await unit.inventory.walk_ins.get_policy(store)


@retry_on_conflict
async def raise_safety_stock(units: Units) -> int:
    """Sets the safety stock of one store whose hour has begun; returns 0 when no store is due.

    A store whose policy was switched off gets the values set by hand again.
    """
    async with units.begin() as unit:
        turn = await unit.inventory.walk_ins.lock_next_turn()
        if turn is None:
            return 0
        by_hand = await unit.inventory.walk_ins.get_manual(turn.store)
        walk_ins = await unit.inventory.walk_ins.get_expected(turn) if turn.policy.active else {}
        places = [(turn.store, sku) for sku in by_hand.keys() | walk_ins.keys()]
        levels = await unit.inventory.stock_levels.get_for_update(places)
        changes = deltas_for(turn, walk_ins, by_hand, levels)
        source = PostingSource(
            MovementReason.WALK_INS, f"{turn.store}/{turn.hour}", "hylla", unit.now
        )
        await unit.inventory.stock_levels.apply(to_postings(changes, source))
        await unit.inventory.walk_ins.save(turn, raise_buffer(turn, walk_ins, by_hand, levels))
    return 1
