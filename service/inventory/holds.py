"""Temporary stock holds: all lines or none, for a shopper or a cart.

Single calls are batched: many holds are decided one by one, in order of arrival, on stock levels
that are locked once for all of them and written once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from domain.catalogue.products import ProductNotFound, ProductWithParts, SkuRetired
from domain.foundation.callers import AccessDenied, Caller
from domain.inventory.availability import stocked_components
from domain.inventory.holds import (
    DEFAULT_TTL,
    Hold,
    HoldLine,
    HoldState,
    ensure_within_limit,
    to_deltas,
    units_by_key,
)
from domain.inventory.sales_channels import ChannelTerms, UnknownChannel, ensure_served
from domain.inventory.stock_levels import (
    InsufficientStock,
    MovementReason,
    PostingSource,
    StockKey,
    StockLevel,
    lines_by_stock_key,
    shortages,
    to_postings,
)
from domain.kernel.errors import DomainError
from domain.kernel.ids import WEB, CartId, ChannelId, CustomerId, HoldId, Sku, StoreId
from domain.stores.stores import Store, UnknownStore
from service.foundation.ports import IdempotencyKey
from service.inventory.availability import get_products_with_parts
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units


class HoldRequest(Struct, frozen=True):
    """A requested hold: its lines, owner, duration, and sales channel."""

    lines: list[HoldLine]
    caller: Caller
    key: IdempotencyKey
    ttl: timedelta = DEFAULT_TTL
    cart: CartId | None = None
    channel: ChannelId = WEB

    @property
    def customer(self) -> CustomerId | None:
        return self.caller.customer


@retry_on_conflict
async def create_holds(
    units: Units, wishes: Sequence[HoldRequest], *, limit: int
) -> list[Hold | Exception]:
    """Answer each wish with its hold, or with the refusal to raise; one transaction for all.

    A repeat with its key gets the first hold again. `limit` is how many units of one SKU a
    customer may hold at a time.

    Refusals:
        InsufficientStock: not every line can be held; nothing is.
        ChannelNotServed: a store sells nothing new through the channel.
        HoldLimitExceeded, ProductNotFound, SkuRetired, UnknownStore, UnknownChannel.
    """
    async with units.begin() as unit:
        firsts = await unit.foundation.idempotency.get_answers([wish.key for wish in wishes], Hold)
        fresh = [wish for wish, first in zip(wishes, firsts, strict=True) if first is None]
        desk = await _HoldBatch.open(unit, fresh, limit)
        served = iter([desk.serve(wish) for wish in fresh])
        await desk.close()
        return [next(served) if first is None else first for first in firsts]


async def get_hold(units: Units, *, caller: Caller, hold: HoldId) -> Hold:
    """Raises NotFound: there is no such hold, or it belongs to another owner."""
    async with units.read() as unit:
        found = await unit.inventory.holds.get(hold)
        ensure_owner(caller, found)
        return replace(found, state=found.state_at(unit.now))


@retry_on_conflict
async def extend_hold(
    units: Units, *, caller: Caller, hold: HoldId, ttl: timedelta, key: IdempotencyKey | None
) -> Hold:
    """Hold it longer, up to the ceiling. Raises HoldEnded once it does not count any more."""
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, Hold):
            return first
        before = await unit.inventory.holds.get_for_update(hold)
        ensure_owner(caller, before)
        after = before.extend(ttl, unit.now)
        await _prolong(unit, before, after)
        await unit.foundation.idempotency.save_answer(key, after)
    return after


@retry_on_conflict
async def pin_hold(units: Units, *, hold: HoldId, attempt: str, ttl: timedelta) -> Hold:
    """Pins a hold while a payment is under way; a repeat of the attempt changes nothing.

    Refusals:
        HoldEnded, HoldPinned, PaymentAttemptEnded.
        InsufficientStock: the held units are gone; refused before the money is taken.
    """
    async with units.begin() as unit:
        before = await unit.inventory.holds.get_for_update(hold)
        after = before.pin(attempt, ttl, unit.now)
        await _prolong(unit, before, after)
    return after


@retry_on_conflict
async def unpin_hold(units: Units, *, hold: HoldId, attempt: str) -> Hold:
    """The payment has ended without an order; a repeat changes nothing."""
    async with units.begin() as unit:
        before = await unit.inventory.holds.get_for_update(hold)
        after = before.unpin(attempt, unit.now)
        if after is not before:
            await unit.inventory.holds.update(after)
    return after


async def _prolong(unit: Unit, before: Hold, after: Hold) -> None:
    """Extends a hold, where its units are still there under the stock levels' locks.

    A caller whose clock is ahead may have taken expired units while this call waited.
    """
    if after == before:
        return
    levels = await unit.inventory.stock_levels.get_for_update(before.units_by_key.keys())
    if short := shortages(before.units_by_key, levels, before.units_by_key):
        catalogue = await get_products_with_parts(unit, {line.sku for line in before.lines})
        lines = [
            (line.store, line.sku, stocked_components(catalogue[line.sku], catalogue))
            for line in before.lines
        ]
        takers = lines_by_stock_key(lines)  # a SKU no longer tracked is never short
        if short := [one for one in short if (one.store, one.sku) in takers]:
            raise InsufficientStock(short, takers)
    await unit.inventory.holds.update(after)


@retry_on_conflict
async def release_hold(units: Units, *, caller: Caller, hold: HoldId) -> Hold:
    """Give it up; a repeat changes nothing. Raises HoldPinned."""
    async with units.begin() as unit:
        before = await unit.inventory.holds.get_for_update(hold)
        ensure_owner(caller, before)
        before.ensure_not_pinned(unit.now)
        await end_holds(unit, [before], HoldState.RELEASED, caller.id)
    return before.close(HoldState.RELEASED)


@retry_on_conflict
async def expire_holds(units: Units, *, limit: int = 500) -> int:
    """Closes expired holds; their claimed units were free the instant they expired."""
    async with units.begin() as unit:
        lapsed = await unit.inventory.holds.get_lapsed_for_update(unit.now, limit)
        await end_holds(unit, lapsed, HoldState.EXPIRED, "hylla")
    return len(lapsed)


async def end_holds(unit: Unit, holds: Sequence[Hold], state: HoldState, actor: str) -> None:
    """Ends active holds for one reason and releases the units they claim."""
    active = [hold for hold in holds if hold.state is HoldState.ACTIVE]
    if not active:
        return
    await unit.inventory.holds.close([hold.id for hold in active], state)
    changes = [change for hold in active for change in to_deltas(hold.units_by_key, sign=-1)]
    await unit.inventory.stock_levels.get_for_update({change.key for change in changes})
    source = PostingSource(MovementReason.HOLD, active[0].id, actor, unit.now)
    await unit.inventory.stock_levels.apply(to_postings(changes, source))


def ensure_owner(caller: Caller, hold: Hold) -> None:
    """Raises AccessDenied for another customer's hold; other holds are open to any caller."""
    if hold.customer is not None and hold.customer != caller.customer:
        raise AccessDenied(caller, hold.id)


class _HoldBatch:
    """The stock levels as the earlier requests left them, and the holds that changed them."""

    def __init__(self, unit: Unit, limit: int, known: "_HoldContext") -> None:
        self.unit = unit
        self.limit = limit
        self.known = known
        self.made: list[tuple[HoldRequest, Hold]] = []

    @classmethod
    async def open(cls, unit: Unit, wishes: Sequence[HoldRequest], limit: int) -> "_HoldBatch":
        return cls(unit, limit, await _HoldContext.of(unit, wishes))

    def serve(self, wish: HoldRequest) -> Hold | DomainError:
        try:
            hold = self._hold(wish)
        except DomainError as no:
            return no
        self.made.append((wish, hold))
        return hold

    async def close(self) -> None:
        if not self.made:
            return
        changes = [change for _, hold in self.made for change in to_deltas(hold.units_by_key)]
        source = PostingSource(MovementReason.HOLD, self.made[0][1].id, "hylla", self.unit.now)
        await self.unit.inventory.stock_levels.apply(to_postings(changes, source))
        await self.unit.inventory.holds.add([hold for _, hold in self.made])
        await self.unit.foundation.idempotency.save_answers(
            [(wish.key, hold) for wish, hold in self.made]
        )

    def _hold(self, wish: HoldRequest) -> Hold:
        places = self.known.units(wish.lines)
        levels = self.known.seen(wish, places)
        if wish.customer is not None:
            ensure_within_limit(places, partial(self.known.held_by, wish.customer), self.limit)
        if short := shortages(places, levels):
            raise InsufficientStock(short, self.known.takers(wish.lines))
        self.known.take(wish.customer, places)
        return Hold.grant(
            HoldId(self.unit.new_id("hld")),
            wish.lines,
            places,
            ttl=wish.ttl,
            now=self.unit.now,
            customer=wish.customer,
            cart=wish.cart,
            channel=wish.channel,
        )


class _HoldContext(Struct):
    """The data on which the requests of one batch are decided; the stock levels are locked."""

    made: Mapping[Sku, ProductWithParts]
    stores: Mapping[StoreId, Store]
    levels: dict[StockKey, StockLevel]
    terms: Mapping[ChannelId, ChannelTerms]
    held: dict[tuple[CustomerId, Sku], int]

    @classmethod
    async def of(cls, unit: Unit, wishes: Sequence[HoldRequest]) -> "_HoldContext":
        lines = [line for wish in wishes for line in wish.lines]
        made = await unit.catalogue.products.get_with_parts({line.sku for line in lines})
        stores = await unit.stores.stores.lock_shared({line.store for line in lines})
        places = {
            (line.store, sku)
            for line in lines
            if line.sku in made and line.store in stores
            for sku in stocked_components(made[line.sku], made)
        }
        customers = {wish.customer for wish in wishes if wish.customer}
        held = await unit.inventory.holds.sum_held_by(customers, {sku for _, sku in places})
        channels = {wish.channel for wish in wishes}
        levels, terms = await unit.inventory.sellable_stock.get_for_update(places, channels)
        return cls(made, stores, levels, terms, held)

    def units(self, lines: Sequence[HoldLine]) -> dict[StockKey, int]:
        """The units the lines claim. Raises ProductNotFound, SkuRetired, UnknownStore."""
        for place, line in enumerate(lines):
            if line.sku not in self.made:
                raise ProductNotFound(line.sku)
            if self.made[line.sku].retired:
                raise SkuRetired(line.sku)
            if line.store not in self.stores:
                raise UnknownStore(line.store, {"pointer": f"/lines/{place}/store"})
        return units_by_key(lines, {line.sku: self._parts(line.sku) for line in lines})

    def seen(self, wish: HoldRequest, places: Iterable[StockKey]) -> Mapping[StockKey, StockLevel]:
        """Stock levels in the request's channel. Raises UnknownChannel, ChannelNotServed."""
        if wish.channel not in self.terms:
            raise UnknownChannel(wish.channel, {"pointer": "/channel"})
        stores = {line.store: self.stores[line.store] for line in wish.lines}
        ensure_served(wish.channel, stores.values())
        mine = {place: self.levels[place] for place in places if place in self.levels}
        return self.terms[wish.channel].apply_to_all(mine)

    def takers(self, lines: Sequence[HoldLine]) -> dict[tuple[StoreId | None, Sku], set[Sku]]:
        """Which of the lines take from which place."""
        return lines_by_stock_key((line.store, line.sku, self._parts(line.sku)) for line in lines)

    def _parts(self, sku: Sku) -> dict[Sku, int]:
        return stocked_components(self.made[sku], self.made)

    def held_by(self, customer: CustomerId, sku: Sku) -> int:
        """Returns the units of a SKU that a customer holds by now."""
        return self.held.get((customer, sku), 0)

    def take(self, customer: CustomerId | None, places: Mapping[StockKey, int]) -> None:
        for change in to_deltas(places):
            self.levels[change.key] = self.levels[change.key].apply(change)
            if customer:
                name = (customer, change.sku)
                self.held[name] = self.held.get(name, 0) + change.held
