"""Each hour, stores keep back what people who walk in are likely to take."""

from domain.foundation.callers import Caller, NotYours
from domain.inventory.stock_levels import Cause, Source, moves_of
from domain.inventory.walk_ins import WalkInPolicy, changes_for, raised
from domain.kernel.ids import StoreId
from service.foundation.ports import RequestKey
from service.shared.retry import tried_again
from service.shared.unit_of_work import Units


@tried_again
async def decide(
    units: Units, store: StoreId, policy: WalkInPolicy, *, key: RequestKey | None
) -> WalkInPolicy:
    """The office decides; the next round of the job follows. Raises StoreMissing."""
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, WalkInPolicy):
            return first
        await unit.stores.get(store)
        await unit.walk_ins.decide(store, policy)
        await unit.requests.answer(key, policy)
    return policy


async def look(units: Units, *, caller: Caller, store: StoreId) -> WalkInPolicy:
    """Raises StoreMissing, NotYours."""
    if not caller.works_at(store):
        raise NotYours(caller, store)
    async with units.read() as unit:
        await unit.stores.get(store)
        return await unit.walk_ins.policy(store)


@tried_again
async def keep_back(units: Units) -> int:
    """Set the shelves of one store whose hour has begun; 0 when every store has its due.

    A store whose policy was switched off keeps back by hand again.
    """
    async with units.begin() as unit:
        turn = await unit.walk_ins.take_turn()
        if turn is None:
            return 0
        by_hand = await unit.walk_ins.by_hand(turn.store)
        walk_ins = await unit.walk_ins.expected(turn) if turn.policy.active else {}
        places = [(turn.store, sku) for sku in by_hand.keys() | walk_ins.keys()]
        shelves = await unit.stock.lock(places)
        changes = changes_for(turn, walk_ins, by_hand, shelves)
        source = Source(Cause.WALK_INS, f"{turn.store}/{turn.hour}", "hylla", unit.now)
        await unit.stock.apply(moves_of(changes, source))
        await unit.walk_ins.keep(turn, raised(turn, walk_ins, by_hand, shelves))
    return 1
