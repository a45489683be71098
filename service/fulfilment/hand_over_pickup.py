"""Handover of a pickup to the person with its code."""

from collections.abc import Mapping
from hmac import compare_digest

from msgspec import Struct

from domain.foundation.callers import Caller, Role
from domain.fulfilment.pickups import MAX_CODE_ATTEMPTS, CodeLocked, Pickup, PickupState, WrongCode
from domain.kernel.ids import PickupId, Sku
from service.foundation.ports import Codes, IdempotencyKey
from service.fulfilment.pickup_access import get_pickup_for_update, save_details
from service.fulfilment.queries import PickupDetails
from service.orders.apply_transition import apply_transition
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Units


class Handover(Struct, frozen=True):
    """The customer's code, or the proof that a manager accepted instead.

    `units` of each line; without it, everything that is ready.
    """

    code: str = ""
    units: Mapping[Sku, int] | None = None
    proof: str = ""


@retry_on_conflict
async def hand_over_pickup(
    units: Units,
    codes: Codes,
    *,
    caller: Caller,
    pickup: PickupId,
    handover: Handover,
    key: IdempotencyKey | None,
) -> PickupDetails:
    """Hands a pickup over: its units leave the stock level, its points are confirmed.

    Raises:
        AlreadyCollected: with time and place.
        WrongCode: counted; after too many, CodeLocked until a manager accepts another proof.
    """
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, PickupDetails):
            return first
        before = await get_pickup_for_update(unit, caller, pickup)
        if _is_proved(before, handover, codes, caller):
            wanted = handover.units or {
                line.sku: line.remaining for line in before.lines if line.remaining
            }
            after = before.hand_over(wanted, by=caller.id, proof=handover.proof, now=unit.now)
            await apply_transition(unit, caller, before, after)
            return await save_details(unit, caller, key, after)
        failed = before.record_wrong_code()
        await unit.fulfilment.pickups.update(failed)
        await unit.foundation.idempotency.release(key)
    raise WrongCode(max(MAX_CODE_ATTEMPTS - failed.tries, 0))


def _is_proved(pickup: Pickup, handover: Handover, codes: Codes, caller: Caller) -> bool:
    """Whether the code is right, or a manager accepted another proof. Raises CodeLocked."""
    if handover.proof and caller.role in {Role.ASSOCIATE, Role.OFFICE}:
        return True
    if pickup.state is not PickupState.READY or pickup.code_hash is None:
        return True  # the state refuses it with the better word
    if pickup.tries >= MAX_CODE_ATTEMPTS:
        raise CodeLocked
    return compare_digest(pickup.code_hash, codes.hash(handover.code))
