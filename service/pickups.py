"""What a store does for an order: accept, pick, ready, hand over; or the ways it ends otherwise.

Each verb takes the pickup under its lock, lets the domain decide, and writes what follows for
stock, order, points and events in the same transaction.
"""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hmac import compare_digest
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct, structs

from domain.callers import Caller, NotYours, Role
from domain.events import Event, PickupCollected, PickupEnded, PickupReady
from domain.ids import PickupId, Sku, StoreId
from domain.orders import points_ended
from domain.pickups import (
    MOST_TRIES,
    AlreadyCollected,
    CodeLocked,
    Found,
    OtherStore,
    Pickup,
    PickupState,
    Repeated,
    Unexpected,
    WrongCode,
    changes_between,
    units_ended,
)
from domain.promises import collect_by
from domain.refusals import Missing
from domain.stock import Cause, Source, moves_of
from domain.stores import Store
from service.ports import Codes, RequestKey, Unit, Units

ENDS = {PickupState.DECLINED, PickupState.SHORT, PickupState.EXPIRED, PickupState.CANCELLED}

log = structlog.get_logger("hylla.pickups")

Step = Callable[[Unit, Pickup], Awaitable[Pickup]]


class Seen(Struct, frozen=True):
    """A pickup and its store; `code` only for its customer, from ready until it is collected."""

    pickup: Pickup
    store: Store
    code: str | None = None


class Scanned(Struct, frozen=True):
    """What a picker counted: a line by its sku or by the barcode on the goods."""

    found: Found
    sku: Sku | None = None
    gtin: str | None = None


async def look(units: Units, codes: Codes, *, caller: Caller, pickup: PickupId) -> Seen:
    """Raises Missing: there is no such pickup, or it is somebody else's."""
    async with units.read() as unit:
        found = await unit.pickups.get(pickup)
        if not caller.works_at(found.store):
            await _must_be_buyer(unit, caller, found)
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
    return [Seen(pickup, place) for pickup in pickups]


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
            raise AlreadyCollected(await _in_store_time(unit, pickup))
        return await _seen(unit, codes, caller, pickup)


async def accept(units: Units, *, caller: Caller, pickup: PickupId, key: RequestKey | None) -> Seen:
    async def step(unit: Unit, before: Pickup) -> Pickup:
        return before.accept(unit.now)

    return await _moved(units, caller, pickup, key, step)


async def decline(
    units: Units,
    *,
    caller: Caller,
    pickup: PickupId,
    reason: str,
    lines: Sequence[Sku] | None,
    key: RequestKey | None,
) -> Seen:
    """The store cannot prepare it, or not these lines; their stock is free again."""

    async def step(unit: Unit, before: Pickup) -> Pickup:
        return before.decline(reason, lines, unit.now)

    return await _moved(units, caller, pickup, key, step)


async def pick(
    units: Units,
    *,
    caller: Caller,
    pickup: PickupId,
    scanned: Sequence[Scanned],
    key: RequestKey | None,
) -> Seen:
    """Write down what was fetched so far; a repeat is harmless, a wrong barcode is refused."""

    async def step(unit: Unit, before: Pickup) -> Pickup:
        return before.pick(_found(scanned, before), unit.now)

    return await _moved(units, caller, pickup, key, step)


async def ready(
    units: Units,
    codes: Codes,
    *,
    caller: Caller,
    pickup: PickupId,
    bin: str,  # noqa: A002 - the field's own word
    key: RequestKey | None,
) -> Seen:
    """The customer may come, and is told so once."""

    async def step(unit: Unit, before: Pickup) -> Pickup:
        store = await unit.stores.get(before.store)
        revision, code_hash = await _free_code(unit, codes, before)
        return before.ready(
            bin=bin,
            revision=revision,
            code_hash=code_hash,
            collect_by=collect_by(store, unit.now),
            now=unit.now,
        )

    return await _moved(units, caller, pickup, key, step)


async def _free_code(unit: Unit, codes: Codes, pickup: Pickup) -> tuple[int, bytes]:
    """The first revision whose code opens no other pickup that waits."""
    for revision in itertools.count(pickup.revision):
        code_hash = codes.hash(codes.handover(pickup.id, revision))
        other = await unit.pickups.by_code(code_hash)
        if other is None or other.id == pickup.id or other.state is not PickupState.READY:
            return revision, code_hash
    raise AssertionError("revisions never end")


class Handover(Struct, frozen=True):
    """The customer's code, or the proof that a manager accepted in its place.

    `units` of each line; everything that lies ready where it is left out.
    """

    code: str = ""
    units: Mapping[Sku, int] | None = None
    proof: str = ""


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
        before = await _taken(unit, caller, pickup)
        if _is_proved(before, handover, codes, caller):
            wanted = handover.units or {
                line.sku: line.remaining for line in before.lines if line.remaining
            }
            after = before.hand_over(wanted, by=caller.id, proof=handover.proof, now=unit.now)
            await _follow(unit, caller, before, after)
            return await _answered(unit, key, after)
        failed = before.try_failed()
        await unit.pickups.keep(failed)
        await unit.requests.withdraw(key)
    raise WrongCode(max(MOST_TRIES - failed.tries, 0))


async def cancel(
    units: Units, *, caller: Caller, pickup: PickupId, reason: str, key: RequestKey | None
) -> Seen:
    """The buyer, or the store for the buyer, gives it up before it is collected."""

    async def step(unit: Unit, before: Pickup) -> Pickup:
        return before.cancel(reason, unit.now)

    return await _moved(units, caller, pickup, key, step, buyers=True)


async def put_back(
    units: Units, *, caller: Caller, pickup: PickupId, key: RequestKey | None
) -> Seen:
    """What was picked in vain lies on its shelf again and may be sold."""

    async def step(unit: Unit, before: Pickup) -> Pickup:
        return before.put_back(unit.now)

    return await _moved(units, caller, pickup, key, step)


async def expire_overdue(units: Units, *, limit: int = 100) -> int:
    """End what nobody collected in time, one unit each; how many.

    One that cannot be ended holds up none of the others.
    """
    async with units.read() as unit:
        overdue = await unit.pickups.overdue(unit.now, limit)
    return sum([await _expired(units, pickup) for pickup in overdue])


async def _expired(units: Units, pickup: PickupId) -> bool:
    try:
        async with units.begin() as unit:
            before = await unit.pickups.take(pickup)
            if not before.is_overdue(unit.now):
                return False
            await _follow(unit, HOUSE, before, before.expire(unit.now))
    except Exception:
        log.exception("pickup not expired", pickup=pickup)
        return False
    return True


HOUSE = Caller(role=Role.OFFICE, id="hylla")
"""Who acts when the clock does."""


async def _moved(
    units: Units,
    caller: Caller,
    pickup: PickupId,
    key: RequestKey | None,
    step: Step,
    *,
    buyers: bool = False,
) -> Seen:
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Seen):
            return first
        before = await _taken(unit, caller, pickup, buyers=buyers)
        after = await step(unit, before)
        await _follow(unit, caller, before, after)
        return await _answered(unit, key, after)


async def _answered(unit: Unit, key: RequestKey | None, pickup: Pickup) -> Seen:
    seen = Seen(pickup, await unit.stores.get(pickup.store))
    await unit.requests.answer(key, seen)
    return seen


async def _taken(unit: Unit, caller: Caller, pickup: PickupId, *, buyers: bool = False) -> Pickup:
    taken = await _in_store_time(unit, await unit.pickups.take(pickup))
    if caller.works_at(taken.store):
        return taken
    if not buyers:
        raise NotYours(caller, pickup)
    await _must_be_buyer(unit, caller, taken)
    return taken


async def _in_store_time(unit: Unit, pickup: Pickup) -> Pickup:
    """The pickup; when it was collected is told by the clock on its store's wall."""
    if pickup.collected_at is None:
        return pickup
    zone = ZoneInfo((await unit.stores.get(pickup.store)).time_zone)
    return structs.replace(pickup, collected_at=pickup.collected_at.astimezone(zone))


async def _must_be_buyer(unit: Unit, caller: Caller, pickup: Pickup) -> None:
    """Its customer, or the guest with the token of its cart. Raises NotYours."""
    if pickup.customer is not None:
        if caller.role is Role.CUSTOMER and caller.customer == pickup.customer:
            return
        raise NotYours(caller, pickup.id)
    order = await unit.orders.get(pickup.order)
    if caller.cart != order.cart:
        raise NotYours(caller, pickup.id)


async def _follow(unit: Unit, caller: Caller, before: Pickup, after: Pickup) -> None:
    """Everything that the step from `before` to `after` means; nothing when it changed nothing."""
    if after is before:
        return
    await unit.pickups.keep(after)
    step = f"{after.id}/{after.version}"
    collected, cancelled = units_ended(before, after)
    changes = changes_between(before, after)
    await unit.stock.lock([change.place for change in changes])
    cause = Cause.HANDOVER if collected else Cause.SHORT_PICK
    await unit.stock.apply(moves_of(changes, Source(cause, step, caller.id, unit.now)))
    await unit.allocations.write(after.allocations())
    if collected or cancelled:
        await _settle(unit, after, step, collected, cancelled)
    await unit.outbox.add(*_events(before, after, unit))


async def _settle(
    unit: Unit,
    pickup: Pickup,
    step: str,
    collected: Mapping[Sku, int],
    cancelled: Mapping[Sku, int],
) -> None:
    """Carry units whose fate is known into the order and its points."""
    order = await unit.orders.take(pickup.order)
    if earned := points_ended(order, collected):
        await unit.points.confirm(order.id, earned, step)
    order = order.settle(collected=collected, cancelled={}, now=unit.now)
    if lost := points_ended(order, cancelled):
        await unit.points.reverse(order.id, lost, step)
    await unit.orders.keep(order.settle(collected={}, cancelled=cancelled, now=unit.now))


def _events(before: Pickup, after: Pickup, unit: Unit) -> list[Event]:
    names: dict[str, Any] = {
        "pickup": after.id,
        "order": after.order,
        "store": after.store,
        "customer": after.customer,
        "at": unit.now,
    }
    collected, _ = units_ended(before, after)
    if collected:
        whole = after.state is PickupState.COLLECTED
        return [PickupCollected(**names, whole=whole)]
    if after.state is before.state:
        return []
    if after.state is PickupState.READY:
        return [PickupReady(**names, revision=after.revision)]
    if after.state in ENDS:
        some = any(line.collected for line in after.lines)
        return [PickupEnded(**names, state=after.state.value, collected=some)]
    return []


def _found(scanned: Sequence[Scanned], pickup: Pickup) -> dict[Sku, Found]:
    """What was counted of each line. Raises Repeated, Unexpected."""
    found: dict[Sku, Found] = {}
    for scan in scanned:
        sku = _sku_of(scan, pickup)
        if sku in found:
            raise Repeated(sku)
        found[sku] = scan.found
    return found


def _sku_of(scan: Scanned, pickup: Pickup) -> Sku:
    if scan.sku is not None:
        return scan.sku
    for line in pickup.lines:
        if line.gtin is not None and line.gtin == scan.gtin:
            return line.sku
    raise Unexpected(
        "Nothing with this barcode belongs to this pickup.",
        facts={"expected": sorted(line.sku for line in pickup.lines)},
    )


def _is_proved(pickup: Pickup, handover: Handover, codes: Codes, caller: Caller) -> bool:
    """Whether the code is right, or a manager accepted another proof. Raises CodeLocked."""
    if handover.proof and caller.role in {Role.ASSOCIATE, Role.OFFICE}:
        return True
    if pickup.state is not PickupState.READY or pickup.code_hash is None:
        return True  # the state refuses it with the better word
    if pickup.tries >= MOST_TRIES:
        raise CodeLocked
    return compare_digest(pickup.code_hash, codes.hash(handover.code))


async def _seen(unit: Unit, codes: Codes, caller: Caller, pickup: Pickup) -> Seen:
    store = await unit.stores.get(pickup.store)
    shown = pickup.state is PickupState.READY and not caller.works_at(pickup.store)
    code = codes.handover(pickup.id, pickup.revision) if shown else None
    return Seen(pickup, store, code)
