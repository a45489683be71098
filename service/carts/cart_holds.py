"""Holds of cart lines: created on request, reduced with the cart, converted into the order.

A cart has at most one hold, which never counts against the cart itself. Units that the cart no
longer needs are free at once; additional units are held by a new request.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from domain.carts.cart_rules import QuantityLimitExceeded, find_exceeded_limits
from domain.carts.carts import Cart
from domain.catalogue.products import ProductNotFound
from domain.foundation.callers import Caller
from domain.inventory.availability import NO_HELD_UNITS, Catalogue, stocked_components
from domain.inventory.holds import (
    DEFAULT_TTL,
    Hold,
    HoldLine,
    HoldState,
    delta_between,
    ensure_within_limit,
    to_deltas,
    units_by_key,
)
from domain.inventory.sales_channels import ensure_served
from domain.inventory.stock_levels import (
    InsufficientStock,
    MovementReason,
    PostingSource,
    StockDelta,
    StockKey,
    lines_by_stock_key,
    shortages,
    to_postings,
)
from domain.kernel.ids import WEB, CartId, HoldId, Sku, StoreId
from service.inventory.availability import get_products_with_parts
from service.shared.unit_of_work import Unit
from service.sourcing.routing import ensure_shippable, get_shipping_locations, may_be_elsewhere


class CartHold(Struct, frozen=True):
    """The hold of a cart: `places` while it is active, `claimed` as long as it is not closed."""

    hold: Hold | None = None
    places: Mapping[StockKey, int] = NO_HELD_UNITS
    claimed: Mapping[StockKey, int] = NO_HELD_UNITS

    @property
    def stores(self) -> set[StoreId]:
        """Where something is held that counts."""
        return {store for store, _ in self.places}


async def get_cart_hold(unit: Unit, cart: Cart) -> CartHold:
    """The cart's hold, locked until the unit ends."""
    return (await get_cart_holds(unit, [cart]))[cart.id]


async def get_cart_holds(unit: Unit, carts: Collection[Cart]) -> dict[CartId, CartHold]:
    """The hold of each cart, locked until the unit ends."""
    named = [cart.hold for cart in carts if cart.hold]
    holds = await unit.inventory.holds.get_many_for_update(named) if named else {}
    return {cart.id: _kept(holds[cart.hold], unit) if cart.hold else CartHold() for cart in carts}


def _kept(hold: Hold, unit: Unit) -> CartHold:
    if hold.state is not HoldState.ACTIVE:
        return CartHold(hold)
    return CartHold(
        hold,
        hold.units_by_key if hold.is_effective_at(unit.now) else NO_HELD_UNITS,
        hold.units_by_key,
    )


async def lock_held_stock(unit: Unit, carts: Collection[Cart]) -> None:
    """Lock all that several carts hold, in the one order: before each is seen to by itself."""
    kept = await get_cart_holds(unit, carts)
    places = {place for one in kept.values() for place in one.claimed}
    await unit.inventory.stock_levels.get_for_update(sorted(places))


async def hold_cart_lines(
    unit: Unit, caller: Caller, cart: Cart, *, ttl: timedelta = DEFAULT_TTL, limit: int
) -> tuple[Cart, Hold | None]:
    """Holds every line of a locked cart that has a fulfilment method, for `ttl`; all lines or none.

    Lines to be shipped are held at the location they would be shipped from.

    Raises:
        InsufficientStock: not every line can be held; the earlier hold stays.
        ChannelNotServed: a store sells nothing new through the web.
        HoldLimitExceeded: a customer may not hold so many units of one SKU.
        HoldPinned: a payment for other lines is under way.
        ProductNotFound: the product no longer exists.
        QuantityLimitExceeded: no order takes so many units.
    """
    kept = await get_cart_hold(unit, cart)
    asked = await _asked(unit, cart, kept)
    stores = await unit.stores.stores.lock_shared(sorted({line.store for line in asked.lines}))
    ensure_served(WEB, stores.values(), kept.stores)
    await _ensure_within_limit(unit, cart, asked.places, kept.places, limit)
    levels, terms = await unit.inventory.sellable_stock.get_for_update(
        asked.places.keys() | kept.claimed.keys(), [WEB]
    )
    if short := shortages(asked.places, terms[WEB].apply_to_all(levels), kept.places):
        may_be_elsewhere(short, units_by_key(lines_to_hold(cart), asked.parts))
        raise InsufficientStock(short, asked.takers)
    changes = delta_between(kept.claimed, asked.places)
    if kept.hold and changes:
        kept.hold.ensure_not_pinned(unit.now)
    await _apply(unit, changes, caller)
    return await _held(unit, cart, kept, asked, ttl)


class _HoldPlan(Struct, frozen=True):
    """The lines a cart asks to hold, the location of each, and their components."""

    lines: list[HoldLine]
    parts: Mapping[Sku, Mapping[Sku, int]]

    @property
    def places(self) -> dict[StockKey, int]:
        return units_by_key(self.lines, self.parts)

    @property
    def takers(self) -> Mapping[tuple[StoreId | None, Sku], set[Sku]]:
        return lines_by_stock_key(
            (line.store, line.sku, self.parts[line.sku]) for line in self.lines
        )


async def _asked(unit: Unit, cart: Cart, kept: CartHold) -> _HoldPlan:
    """Units to ship.

    Raises ProductNotFound, QuantityLimitExceeded, and InsufficientStock when no location can ship
    all units.
    """
    catalogue = await get_products_with_parts(unit, [line.sku for line in cart.lines])
    _ensure_for_sale(unit, cart, catalogue)
    parts = _parts(cart, catalogue)
    lines = lines_to_hold(cart)
    to_send = units_to_ship(cart)
    sending = await get_shipping_locations(unit, to_send, catalogue)
    found = sending.route(to_send, own=kept.places, taken=units_by_key(lines, parts))
    ensure_shippable(found, to_send)
    sent = [
        HoldLine(sku, store, count)
        for store, units in sorted(found.units_by_store.items())
        for sku, count in units.items()
    ]
    return _HoldPlan([*lines, *sent], parts)


async def _held(
    unit: Unit, cart: Cart, kept: CartHold, asked: _HoldPlan, ttl: timedelta
) -> tuple[Cart, Hold | None]:
    """Extends the cart's hold with the requested lines, or creates one; none for no lines."""
    if kept.hold and kept.places:
        hold = kept.hold.with_lines(asked.lines, asked.places).extend(ttl, unit.now)
        await unit.inventory.holds.update(hold)
        return cart, hold
    if kept.hold and kept.claimed:
        await unit.inventory.holds.close([kept.hold.id], HoldState.EXPIRED)
    if not asked.places:
        return cart.with_hold(None, unit.now), None
    hold = Hold.grant(
        HoldId(unit.new_id("hld")),
        asked.lines,
        asked.places,
        ttl=ttl,
        now=unit.now,
        customer=cart.customer,
        cart=cart.id,
    )
    await unit.inventory.holds.add([hold])
    return cart.with_hold(hold.id, unit.now), hold


async def trim_hold(unit: Unit, caller: Caller, cart: Cart) -> Cart:
    """Releases units that a changed cart no longer needs; extends the rest where it is in stock.

    Raises HoldPinned: a payment is under way.
    """
    kept = await get_cart_hold(unit, cart)
    if kept.hold is None:
        return cart
    kept.hold.ensure_not_pinned(unit.now)
    catalogue = await get_products_with_parts(unit, [line.sku for line in cart.lines])
    lines, left = _left(cart, kept, _parts(cart, catalogue))
    levels = await unit.inventory.stock_levels.get_for_update(kept.claimed.keys())
    await _apply(unit, delta_between(kept.claimed, left), caller)
    if left:
        hold = kept.hold.with_lines(lines, left)
        is_there = not shortages(left, levels, kept.places)
        await unit.inventory.holds.update(hold.extend(DEFAULT_TTL, unit.now) if is_there else hold)
        return cart
    if kept.claimed:
        state = HoldState.RELEASED if kept.places else HoldState.EXPIRED
        await unit.inventory.holds.close([kept.hold.id], state)
    return cart.with_hold(None, unit.now)


async def release_cart_hold(unit: Unit, caller: Caller, cart: Cart) -> None:
    """Free all that a cart holds. Raises HoldPinned: it is being paid for."""
    kept = await get_cart_hold(unit, cart)
    if kept.hold and kept.claimed:
        kept.hold.ensure_not_pinned(unit.now)
        await unit.inventory.stock_levels.get_for_update(kept.claimed.keys())
        await _apply(unit, to_deltas(kept.claimed, sign=-1), caller)
        await unit.inventory.holds.close([kept.hold.id], HoldState.RELEASED)


async def move_hold_to_owner(unit: Unit, cart: Cart) -> None:
    """Moves a cart's hold to its customer: the customer's hold limit and till rules then apply."""
    kept = await get_cart_hold(unit, cart)
    if kept.hold and kept.claimed:
        await unit.inventory.holds.update(replace(kept.hold, customer=cart.customer))


def _left(
    cart: Cart, kept: CartHold, parts: Mapping[Sku, Mapping[Sku, int]]
) -> tuple[list[HoldLine], dict[StockKey, int]]:
    """The held units that the cart still needs: the lines, and the units of each location.

    Lines to be shipped stay held at their current location.
    """
    assert kept.hold is not None
    lines = lines_to_hold(cart)
    to_send = units_to_ship(cart)
    for line in kept.hold.lines:
        own = next((one for one in lines if (one.sku, one.store) == (line.sku, line.store)), None)
        count = min(line.quantity - (own.quantity if own else 0), to_send.get(line.sku, 0))
        if count > 0:
            lines.append(HoldLine(line.sku, line.store, count))
            to_send[line.sku] -= count
    wanted = units_by_key(lines, parts)
    left = {place: min(count, wanted.get(place, 0)) for place, count in kept.places.items()}
    return lines, {place: count for place, count in left.items() if count}


def units_to_ship(cart: Cart) -> dict[Sku, int]:
    """Units of each SKU that are to be sent."""
    units: dict[Sku, int] = {}
    for line in cart.lines:
        if line.fulfilment and line.fulfilment.method == "ship":
            units[line.sku] = units.get(line.sku, 0) + line.quantity
    return units


def lines_to_hold(cart: Cart) -> list[HoldLine]:
    """The lines that are to be collected somewhere."""
    return [
        HoldLine(line.sku, line.fulfilment.store, line.quantity)
        for line in cart.lines
        if line.fulfilment and line.fulfilment.store
    ]


def _ensure_for_sale(unit: Unit, cart: Cart, catalogue: Catalogue) -> None:
    """Raises ProductNotFound, QuantityLimitExceeded."""
    for line in cart.lines:
        if line.sku not in catalogue:
            raise ProductNotFound(line.sku)
    if over := find_exceeded_limits(cart.lines, catalogue, unit.cart_rules):
        raise QuantityLimitExceeded(over)


def _parts(cart: Cart, catalogue: Catalogue) -> dict[Sku, dict[Sku, int]]:
    """The components the lines take from stock; none for products no longer in the catalogue."""
    known = {line.sku for line in cart.lines} & catalogue.keys()
    nothing: dict[Sku, dict[Sku, int]] = {line.sku: {} for line in cart.lines}
    return nothing | {sku: stocked_components(catalogue[sku], catalogue) for sku in known}


async def _ensure_within_limit(
    unit: Unit,
    cart: Cart,
    wanted: Mapping[StockKey, int],
    own: Mapping[StockKey, int],
    limit: int,
) -> None:
    if cart.customer is None:
        return
    skus = {sku for _, sku in wanted}
    held = await unit.inventory.holds.sum_held_by([cart.customer], skus)
    elsewhere = Counter({sku: count for (_, sku), count in held.items()})
    for (_, sku), count in own.items():
        elsewhere[sku] -= count
    ensure_within_limit(wanted, elsewhere.__getitem__, limit)


async def _apply(unit: Unit, changes: list[StockDelta], caller: Caller) -> None:
    source = PostingSource(MovementReason.HOLD, unit.new_id("hld"), caller.id, unit.now)
    await unit.inventory.stock_levels.apply(to_postings(changes, source))
