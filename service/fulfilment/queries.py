"""A pickup as its store and its buyer see it."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from domain.foundation.callers import AccessDenied, Caller, Role
from domain.fulfilment.pickups import AlreadyCollected, Pickup, PickupAtOtherStore, PickupState
from domain.kernel.errors import NotFound
from domain.kernel.ids import PickupId, StoreId
from domain.pos.incidents import UnitsAtRisk
from domain.stores.stores import Store
from service.foundation.ports import Codes
from service.orders.apply_transition import get_risks
from service.shared.unit_of_work import Unit, Units


class PickupDetails(Struct, frozen=True):
    """A pickup and its store; `code` only for its customer, from ready until it is collected.

    `at_risk` are the units that may be missing; only staff see them.
    """

    pickup: Pickup
    store: Store
    code: str | None = None
    at_risk: list[UnitsAtRisk] | None = None


async def get_pickup(
    units: Units, codes: Codes, *, caller: Caller, pickup: PickupId
) -> PickupDetails:
    """Returns a pickup. Raises NotFound: there is none, or it belongs to another customer."""
    async with units.read() as unit:
        found = await unit.fulfilment.pickups.get(pickup)
        if not caller.works_at(found.store):
            await ensure_buyer(unit, caller, found)
        return await _seen(unit, codes, caller, found)


async def list_pickups(
    units: Units,
    *,
    caller: Caller,
    store: StoreId,
    states: Sequence[PickupState],
    after: PickupId | None,
    limit: int,
) -> list[PickupDetails]:
    """The store's work, oldest first."""
    if not caller.works_at(store):
        raise AccessDenied(caller, store)
    async with units.read() as unit:
        pickups = await unit.fulfilment.pickups.list_by_store(
            store, states, after=after, limit=limit
        )
        place = await unit.stores.stores.get(store)
        risks = await get_risks(unit, pickups)
    return [PickupDetails(pickup, place, at_risk=risks.get(pickup.id, [])) for pickup in pickups]


async def identify_pickup(
    units: Units, codes: Codes, *, caller: Caller, store: StoreId, code: str
) -> PickupDetails:
    """Returns the pickup of a customer's code.

    Raises:
        NotFound: no pickup waits for this code.
        AlreadyCollected: it was collected here before.
        OtherStore: it waits at another store; nothing else is revealed.
    """
    if not caller.works_at(store):
        raise AccessDenied(caller, store)
    async with units.read() as unit:
        pickup = await unit.fulfilment.pickups.find_by_code(codes.hash(code))
        if pickup is None:
            raise NotFound("Nothing waits for this code.", code="unknown_code")
        if pickup.store != store:
            raise PickupAtOtherStore(pickup.store)
        if pickup.state is PickupState.COLLECTED:
            raise AlreadyCollected(await in_store_time(unit, pickup))
        return await _seen(unit, codes, caller, pickup)


async def in_store_time(unit: Unit, pickup: Pickup) -> Pickup:
    """Returns the pickup with the time of its collection in the time zone of its store."""
    if pickup.collected_at is None:
        return pickup
    zone = ZoneInfo((await unit.stores.stores.get(pickup.store)).time_zone)
    return structs.replace(pickup, collected_at=pickup.collected_at.astimezone(zone))


async def ensure_buyer(unit: Unit, caller: Caller, pickup: Pickup) -> None:
    """Its customer, or the guest with the token of its cart or its order. Raises AccessDenied."""
    if pickup.customer is not None:
        if caller.role is Role.CUSTOMER and caller.customer == pickup.customer:
            return
        raise AccessDenied(caller, pickup.id)
    if caller.order == pickup.order:
        return
    order = await unit.orders.orders.get(pickup.order)
    if caller.cart != order.cart:
        raise AccessDenied(caller, pickup.id)


async def get_details(unit: Unit, caller: Caller, pickup: Pickup) -> PickupDetails:
    """The pickup without its code."""
    store = await unit.stores.stores.get(pickup.store)
    if not caller.works_at(pickup.store):
        return PickupDetails(pickup, store)
    risks = await get_risks(unit, [pickup])
    return PickupDetails(pickup, store, at_risk=risks.get(pickup.id, []))


async def _seen(unit: Unit, codes: Codes, caller: Caller, pickup: Pickup) -> PickupDetails:
    seen = await get_details(unit, caller, pickup)
    if pickup.state is not PickupState.READY or caller.works_at(pickup.store):
        return seen
    return structs.replace(seen, code=codes.handover_code(pickup.id, pickup.revision))
