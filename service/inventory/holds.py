"""Stock held for a while: all lines or none, for a shopper or a cart.

Single calls are gathered: many holds are decided one by one, in the order they came, on shelves
that are locked once for all of them and written once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from domain.catalogue.products import Made, ProductMissing, SkuRetired
from domain.foundation.callers import Caller, NotYours
from domain.inventory.availability import stocked_parts
from domain.inventory.holds import (
    DEFAULT_TTL,
    Hold,
    HoldLimit,
    HoldLine,
    HoldState,
    claims,
    nested,
    units_of,
)
from domain.inventory.sales_channels import NoSuchChannel, Terms, must_serve
from domain.inventory.stock_levels import (
    Cause,
    NotEnoughStock,
    Place,
    Shelf,
    Source,
    moves_of,
    shortages,
    takers_of,
)
from domain.kernel.errors import Refusal
from domain.kernel.ids import WEB, CartId, ChannelId, CustomerId, HoldId, Sku, StoreId
from domain.stores.stores import NoSuchStore, Store
from service.foundation.ports import RequestKey
from service.inventory.availability import with_parts
from service.shared.retry import tried_again
from service.shared.unit_of_work import Unit, Units


class Wish(Struct, frozen=True):
    """What somebody wants held, for whom, for how long, and through which channel."""

    lines: list[HoldLine]
    caller: Caller
    key: RequestKey
    ttl: timedelta = DEFAULT_TTL
    cart: CartId | None = None
    channel: ChannelId = WEB

    @property
    def customer(self) -> CustomerId | None:
        return self.caller.customer


@tried_again
async def hold_all(units: Units, wishes: Sequence[Wish], *, limit: int) -> list[Hold | Exception]:
    """Answer each wish with its hold, or with the refusal to raise; one transaction for all.

    A repeat with its key gets the first hold again. `limit` is how many units of one SKU a
    customer may hold at a time.

    Refusals:
        NotEnoughStock: not every line can be held; nothing is.
        NotServed: a store sells nothing new through the channel.
        HoldLimit, ProductMissing, SkuRetired, NoSuchStore, NoSuchChannel.
    """
    async with units.begin() as unit:
        firsts = await unit.requests.firsts([wish.key for wish in wishes], Hold)
        fresh = [wish for wish, first in zip(wishes, firsts, strict=True) if first is None]
        desk = await _Desk.open(unit, fresh, limit)
        served = iter([desk.serve(wish) for wish in fresh])
        await desk.close()
        return [next(served) if first is None else first for first in firsts]


async def look(units: Units, *, caller: Caller, hold: HoldId) -> Hold:
    """Raises Missing: there is no such hold, or it is somebody else's."""
    async with units.read() as unit:
        found = await unit.holds.get(hold)
        must_own(caller, found)
        return replace(found, state=found.state_at(unit.now))


@tried_again
async def extend(
    units: Units, *, caller: Caller, hold: HoldId, ttl: timedelta, key: RequestKey | None
) -> Hold:
    """Hold it longer, up to the ceiling. Raises HoldOver once it does not count any more."""
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Hold):
            return first
        before = await unit.holds.take(hold)
        must_own(caller, before)
        after = before.extended(ttl, unit.now)
        await _prolong(unit, before, after)
        await unit.requests.answer(key, after)
    return after


@tried_again
async def pin(units: Units, *, hold: HoldId, attempt: str, ttl: timedelta) -> Hold:
    """Keep it while a payment is under way; a repeat of the attempt changes nothing.

    Refusals:
        HoldOver, HoldPinned, AttemptOver.
        NotEnoughStock: what is held is no longer there; better before the money is taken.
    """
    async with units.begin() as unit:
        before = await unit.holds.take(hold)
        after = before.pinned(attempt, ttl, unit.now)
        await _prolong(unit, before, after)
    return after


@tried_again
async def unpin(units: Units, *, hold: HoldId, attempt: str) -> Hold:
    """The payment has ended without an order; a repeat changes nothing."""
    async with units.begin() as unit:
        before = await unit.holds.take(hold)
        after = before.unpinned(attempt, unit.now)
        if after is not before:
            await unit.holds.keep(after)
    return after


async def _prolong(unit: Unit, before: Hold, after: Hold) -> None:
    """Let a hold count longer, where its units are still there under the shelves' locks.

    Somebody whose clock says that it is over may have taken them while we waited.
    """
    if after == before:
        return
    shelves = await unit.stock.lock(before.places.keys())
    if short := shortages(before.places, shelves, before.places):
        catalogue = await with_parts(unit, {line.sku for line in before.lines})
        lines = [
            (line.store, line.sku, stocked_parts(catalogue[line.sku], catalogue))
            for line in before.lines
        ]
        takers = takers_of(lines)  # of what is not tracked any more nothing can be short
        if short := [one for one in short if (one.store, one.sku) in takers]:
            raise NotEnoughStock(short, takers)
    await unit.holds.keep(after)


@tried_again
async def release(units: Units, *, caller: Caller, hold: HoldId) -> Hold:
    """Give it up; a repeat changes nothing. Raises HoldPinned."""
    async with units.begin() as unit:
        before = await unit.holds.take(hold)
        must_own(caller, before)
        before.must_not_be_pinned(unit.now)
        await let_go(unit, [before], HoldState.RELEASED, caller.id)
    return before.closed(HoldState.RELEASED)


@tried_again
async def sweep(units: Units, *, limit: int = 500) -> int:
    """Close holds whose time is over; what they claimed was free the instant it was."""
    async with units.begin() as unit:
        lapsed = await unit.holds.take_lapsed(unit.now, limit)
        await let_go(unit, lapsed, HoldState.EXPIRED, "hylla")
    return len(lapsed)


async def let_go(unit: Unit, holds: Sequence[Hold], state: HoldState, actor: str) -> None:
    """End active holds for one reason and free what they claim."""
    active = [hold for hold in holds if hold.state is HoldState.ACTIVE]
    if not active:
        return
    await unit.holds.close([hold.id for hold in active], state)
    changes = [change for hold in active for change in claims(hold.places, sign=-1)]
    await unit.stock.lock({change.place for change in changes})
    source = Source(Cause.HOLD, active[0].id, actor, unit.now)
    await unit.stock.apply(moves_of(changes, source))


def must_own(caller: Caller, hold: Hold) -> None:
    """A customer's hold is the customer's; any other is whoever's knows its id. Raises NotYours."""
    if hold.customer is not None and hold.customer != caller.customer:
        raise NotYours(caller, hold.id)


class _Desk:
    """Shelves as the wishes before have left them, and the holds that did it."""

    def __init__(self, unit: Unit, limit: int, known: "_Known") -> None:
        self.unit = unit
        self.limit = limit
        self.known = known
        self.made: list[tuple[Wish, Hold]] = []

    @classmethod
    async def open(cls, unit: Unit, wishes: Sequence[Wish], limit: int) -> "_Desk":
        return cls(unit, limit, await _Known.of(unit, wishes))

    def serve(self, wish: Wish) -> Hold | Refusal:
        try:
            hold = self._hold(wish)
        except Refusal as no:
            return no
        self.made.append((wish, hold))
        return hold

    async def close(self) -> None:
        if not self.made:
            return
        changes = [change for _, hold in self.made for change in claims(hold.places)]
        source = Source(Cause.HOLD, self.made[0][1].id, "hylla", self.unit.now)
        await self.unit.stock.apply(moves_of(changes, source))
        await self.unit.holds.add([hold for _, hold in self.made])
        await self.unit.requests.remember([(wish.key, hold) for wish, hold in self.made])

    def _hold(self, wish: Wish) -> Hold:
        places = self.known.units(wish.lines)
        shelves = self.known.seen(wish, places)
        self._must_be_within_limit(wish, places)
        if short := shortages(places, shelves):
            raise NotEnoughStock(short, self.known.takers(wish.lines))
        self.known.take(wish.customer, places)
        return Hold(
            id=HoldId(self.unit.new_id("hld")),
            state=HoldState.ACTIVE,
            lines=wish.lines,
            units=nested(places),
            created_at=self.unit.now,
            held_until=self.unit.now + wish.ttl,
            customer=wish.customer,
            cart=wish.cart,
            channel=wish.channel,
        )

    def _must_be_within_limit(self, wish: Wish, places: Mapping[Place, int]) -> None:
        if wish.customer is None:
            return
        wanted: dict[Sku, int] = {}
        for (_, sku), count in places.items():
            wanted[sku] = wanted.get(sku, 0) + count
        for sku, count in sorted(wanted.items()):
            held = self.known.held.get((wish.customer, sku), 0)
            if held + count > self.limit:
                raise HoldLimit(sku, held, count, self.limit)


class _Known(Struct):
    """What the wishes of one round are decided on; the shelves are locked."""

    made: Mapping[Sku, Made]
    stores: Mapping[StoreId, Store]
    shelves: dict[Place, Shelf]
    terms: Mapping[ChannelId, Terms]
    held: dict[tuple[CustomerId, Sku], int]

    @classmethod
    async def of(cls, unit: Unit, wishes: Sequence[Wish]) -> "_Known":
        lines = [line for wish in wishes for line in wish.lines]
        made = await unit.products.made_of({line.sku for line in lines})
        stores = await unit.stores.share({line.store for line in lines})
        places = {
            (line.store, sku)
            for line in lines
            if line.sku in made and line.store in stores
            for sku in stocked_parts(made[line.sku], made)
        }
        customers = {wish.customer for wish in wishes if wish.customer}
        held = await unit.holds.held_by(customers, {sku for _, sku in places})
        channels = {wish.channel for wish in wishes}
        shelves, terms = await unit.selling.lock(places, channels)
        return cls(made, stores, shelves, terms, held)

    def units(self, lines: Sequence[HoldLine]) -> dict[Place, int]:
        """What the lines claim. Raises ProductMissing, SkuRetired, NoSuchStore."""
        for place, line in enumerate(lines):
            if line.sku not in self.made:
                raise ProductMissing(line.sku)
            if self.made[line.sku].retired:
                raise SkuRetired(line.sku)
            if line.store not in self.stores:
                raise NoSuchStore(line.store, {"pointer": f"/lines/{place}/store"})
        return units_of(lines, {line.sku: self._parts(line.sku) for line in lines})

    def seen(self, wish: Wish, places: Iterable[Place]) -> Mapping[Place, Shelf]:
        """The shelves as the wish's channel sees them. Raises NoSuchChannel, NotServed."""
        if wish.channel not in self.terms:
            raise NoSuchChannel(wish.channel, {"pointer": "/channel"})
        stores = {line.store: self.stores[line.store] for line in wish.lines}
        must_serve(wish.channel, stores.values())
        mine = {place: self.shelves[place] for place in places if place in self.shelves}
        return self.terms[wish.channel].seen(mine)

    def takers(self, lines: Sequence[HoldLine]) -> dict[tuple[StoreId | None, Sku], set[Sku]]:
        """Which of the lines take from which place."""
        return takers_of((line.store, line.sku, self._parts(line.sku)) for line in lines)

    def _parts(self, sku: Sku) -> dict[Sku, int]:
        return stocked_parts(self.made[sku], self.made)

    def take(self, customer: CustomerId | None, places: Mapping[Place, int]) -> None:
        for change in claims(places):
            self.shelves[change.place] = self.shelves[change.place].after(change)
            if customer:
                name = (customer, change.sku)
                self.held[name] = self.held.get(name, 0) + change.held
