"""A pickup as its store and its buyer see it."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from domain.foundation.callers import Caller, NotYours, Role
from domain.fulfilment.pickups import AlreadyCollected, OtherStore, Pickup, PickupState
from domain.kernel.errors import Missing
from domain.kernel.ids import PickupId, StoreId
from domain.pos.incidents import AtRisk
from domain.stores.stores import Store
from service.foundation.ports import Codes
from service.orders.apply_transition import at_risk_of
from service.shared.unit_of_work import Unit, Units


class Seen(Struct, frozen=True):
    """A pickup and its store; `code` only for its customer, from ready until it is collected.

    `at_risk` is what it may go without as things stand; only staff learn that.
    """

    pickup: Pickup
    store: Store
    code: str | None = None
    at_risk: list[AtRisk] | None = None


async def look(units: Units, codes: Codes, *, caller: Caller, pickup: PickupId) -> Seen:
    """Raises Missing: there is no such pickup, or it is somebody else's."""
    async with units.read() as unit:
        found = await unit.pickups.get(pickup)
        if not caller.works_at(found.store):
            await must_be_buyer(unit, caller, found)
        return await _seen(unit, codes, caller, found)


async def list_at(
    units: Units,
    *,
    caller: Caller,
    store: StoreId,
    states: Sequence[PickupState],
    after: PickupId | None,
    limit: int,
) -> list[Seen]:
    """The store's work, oldest first."""
    if not caller.works_at(store):
        raise NotYours(caller, store)
    async with units.read() as unit:
        pickups = await unit.pickups.of_store(store, states, after=after, limit=limit)
        place = await unit.stores.get(store)
        risks = await at_risk_of(unit, pickups)
    return [Seen(pickup, place, at_risk=risks.get(pickup.id, [])) for pickup in pickups]


async def identify(
    units: Units, codes: Codes, *, caller: Caller, store: StoreId, code: str
) -> Seen:
    """The pickup that a customer's code stands for.

    Raises:
        Missing: nothing waits for this code.
        AlreadyCollected: it was collected here before.
        OtherStore: it waits elsewhere; that is all that is told.
    """
    if not caller.works_at(store):
        raise NotYours(caller, store)
    async with units.read() as unit:
        pickup = await unit.pickups.by_code(codes.hash(code))
        if pickup is None:
            raise Missing("Nothing waits for this code.", code="unknown_code")
        if pickup.store != store:
            raise OtherStore(pickup.store)
        if pickup.state is PickupState.COLLECTED:
            raise AlreadyCollected(await in_store_time(unit, pickup))
        return await _seen(unit, codes, caller, pickup)


async def in_store_time(unit: Unit, pickup: Pickup) -> Pickup:
    """The pickup; when it was collected is told by the clock on its store's wall."""
    if pickup.collected_at is None:
        return pickup
    zone = ZoneInfo((await unit.stores.get(pickup.store)).time_zone)
    return structs.replace(pickup, collected_at=pickup.collected_at.astimezone(zone))


async def must_be_buyer(unit: Unit, caller: Caller, pickup: Pickup) -> None:
    """Its customer, or the guest with the token of its cart or its order. Raises NotYours."""
    if pickup.customer is not None:
        if caller.role is Role.CUSTOMER and caller.customer == pickup.customer:
            return
        raise NotYours(caller, pickup.id)
    if caller.order == pickup.order:
        return
    order = await unit.orders.get(pickup.order)
    if caller.cart != order.cart:
        raise NotYours(caller, pickup.id)


async def seen_by(unit: Unit, caller: Caller, pickup: Pickup) -> Seen:
    """The pickup without its code."""
    store = await unit.stores.get(pickup.store)
    if not caller.works_at(pickup.store):
        return Seen(pickup, store)
    risks = await at_risk_of(unit, [pickup])
    return Seen(pickup, store, at_risk=risks.get(pickup.id, []))


async def _seen(unit: Unit, codes: Codes, caller: Caller, pickup: Pickup) -> Seen:
    seen = await seen_by(unit, caller, pickup)
    if pickup.state is not PickupState.READY or caller.works_at(pickup.store):
        return seen
    return structs.replace(seen, code=codes.handover(pickup.id, pickup.revision))
