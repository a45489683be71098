"""Goods are given to whoever has the code."""

from collections.abc import Mapping
from hmac import compare_digest

from msgspec import Struct

from domain.foundation.callers import Caller, Role
from domain.fulfilment.pickups import MOST_TRIES, CodeLocked, Pickup, PickupState, WrongCode
from domain.kernel.ids import PickupId, Sku
from service.foundation.ports import Codes, RequestKey
from service.fulfilment.pickup_access import answered, taken_by
from service.fulfilment.queries import Seen
from service.orders.apply_transition import follow
from service.shared.retry import tried_again
from service.shared.unit_of_work import Units


class Handover(Struct, frozen=True):
    """The customer's code, or the proof that a manager accepted in its place.

    `units` of each line; everything that lies ready where it is left out.
    """

    code: str = ""
    units: Mapping[Sku, int] | None = None
    proof: str = ""


@tried_again
async def hand_over(
    units: Units,
    codes: Codes,
    *,
    caller: Caller,
    pickup: PickupId,
    handover: Handover,
    key: RequestKey | None,
) -> Seen:
    """Give the goods to whoever has the code: they leave the shelf, their points are earned.

    Raises:
        AlreadyCollected: with when and where.
        WrongCode: counted; after too many, CodeLocked until a manager accepts another proof.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Seen):
            return first
        before = await taken_by(unit, caller, pickup)
        if _is_proved(before, handover, codes, caller):
            wanted = handover.units or {
                line.sku: line.remaining for line in before.lines if line.remaining
            }
            after = before.hand_over(wanted, by=caller.id, proof=handover.proof, now=unit.now)
            await follow(unit, caller, before, after)
            return await answered(unit, caller, key, after)
        failed = before.try_failed()
        await unit.pickups.keep(failed)
        await unit.requests.withdraw(key)
    raise WrongCode(max(MOST_TRIES - failed.tries, 0))


def _is_proved(pickup: Pickup, handover: Handover, codes: Codes, caller: Caller) -> bool:
    """Whether the code is right, or a manager accepted another proof. Raises CodeLocked."""
    if handover.proof and caller.role in {Role.ASSOCIATE, Role.OFFICE}:
        return True
    if pickup.state is not PickupState.READY or pickup.code_hash is None:
        return True  # the state refuses it with the better word
    if pickup.tries >= MOST_TRIES:
        raise CodeLocked
    return compare_digest(pickup.code_hash, codes.hash(handover.code))
