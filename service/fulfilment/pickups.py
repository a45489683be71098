"""The steps of a pickup at its store: accept, pick, mark ready, put back, decline, cancel."""

import itertools
from collections.abc import Awaitable, Callable, Sequence

from domain.foundation.callers import Caller
from domain.fulfilment.pickups import Pickup, PickupState
from domain.kernel.ids import PickupId, Sku
from domain.stores.promises import compute_collect_by
from service.foundation.ports import Codes, IdempotencyKey
from service.fulfilment.pickup_access import get_pickup_for_update, save_details
from service.fulfilment.queries import PickupDetails
from service.orders.apply_transition import ScannedItem, apply_transition, picked_quantities
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

Step = Callable[[Unit, Pickup], Awaitable[Pickup]]


async def accept_pickup(
    units: Units, *, caller: Caller, pickup: PickupId, key: IdempotencyKey | None
) -> PickupDetails:
    async def step(unit: Unit, before: Pickup) -> Pickup:
        return before.accept(unit.now)

    return await _moved(units, caller, pickup, key, step)


async def decline_pickup(
    units: Units,
    *,
    caller: Caller,
    pickup: PickupId,
    reason: str,
    lines: Sequence[Sku] | None,
    key: IdempotencyKey | None,
) -> PickupDetails:
    """The store cannot prepare it, or not these lines; their stock is free again."""

    async def step(unit: Unit, before: Pickup) -> Pickup:
        return before.decline(reason, lines, unit.now)

    return await _moved(units, caller, pickup, key, step)


async def pick_pickup(
    units: Units,
    *,
    caller: Caller,
    pickup: PickupId,
    scanned: Sequence[ScannedItem],
    key: IdempotencyKey | None,
) -> PickupDetails:
    """Records the picked units; a repeat changes nothing, a wrong barcode is refused."""

    async def step(unit: Unit, before: Pickup) -> Pickup:
        return before.pick(picked_quantities(scanned, before), unit.now)

    return await _moved(units, caller, pickup, key, step)


async def mark_pickup_ready(
    units: Units,
    codes: Codes,
    *,
    caller: Caller,
    pickup: PickupId,
    bin: str,  # noqa: A002 - the field's own word
    key: IdempotencyKey | None,
) -> PickupDetails:
    """Marks a pickup as ready for collection; its customer is notified once."""

    async def step(unit: Unit, before: Pickup) -> Pickup:
        store = await unit.stores.stores.get(before.store)
        revision, code_hash = await _free_code(unit, codes, before)
        return before.mark_ready(
            bin=bin,
            revision=revision,
            code_hash=code_hash,
            collect_by=compute_collect_by(store, unit.now),
            now=unit.now,
        )

    return await _moved(units, caller, pickup, key, step)


async def _free_code(unit: Unit, codes: Codes, pickup: Pickup) -> tuple[int, bytes]:
    """The first revision whose code opens no other pickup that waits."""
    for revision in itertools.count(pickup.revision):
        code_hash = codes.hash(codes.handover_code(pickup.id, revision))
        other = await unit.fulfilment.pickups.find_by_code(code_hash)
        if other is None or other.id == pickup.id or other.state is not PickupState.READY:
            return revision, code_hash
    raise AssertionError("revisions never end")


async def cancel_pickup(
    units: Units, *, caller: Caller, pickup: PickupId, reason: str, key: IdempotencyKey | None
) -> PickupDetails:
    """The buyer, or the store for the buyer, gives it up before it is collected."""

    async def step(unit: Unit, before: Pickup) -> Pickup:
        return before.cancel(reason, unit.now)

    return await _moved(units, caller, pickup, key, step, buyers=True)


async def put_back_pickup(
    units: Units, *, caller: Caller, pickup: PickupId, key: IdempotencyKey | None
) -> PickupDetails:
    """Puts picked units of cancelled lines back into sellable stock."""

    async def step(unit: Unit, before: Pickup) -> Pickup:
        return before.put_back(unit.now)

    return await _moved(units, caller, pickup, key, step)


@retry_on_conflict
async def _moved(
    units: Units,
    caller: Caller,
    pickup: PickupId,
    key: IdempotencyKey | None,
    step: Step,
    *,
    buyers: bool = False,
) -> PickupDetails:
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, PickupDetails):
            return first
        before = await get_pickup_for_update(unit, caller, pickup, buyers=buyers)
        after = await step(unit, before)
        await apply_transition(unit, caller, before, after)
        return await save_details(unit, caller, key, after)
