"""Carts follow the person: a guest's by its token, a customer's on every device."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from domain.availability import Shelves, sellable_units, stocked_parts
from domain.callers import Caller, NotYours, Role
from domain.carts import (
    Cart,
    CartLine,
    CartState,
    Fulfilment,
    Merged,
    OtherCurrency,
    stores_of,
)
from domain.catalogue import Product, ProductMissing, ProductState, SkuRetired
from domain.holds import Hold, HoldState
from domain.ids import CartId, OrderId, Sku, StoreId
from domain.money import Money
from domain.promises import Promise, promise_of
from domain.refusals import Stale
from domain.stores import NoSuchStore, Store
from service.availability import with_parts
from service.cart_holds import hold_lines, let_go, trim, without_own
from service.ports import RequestKey, Unit, Units


class LineProblem(Struct, frozen=True, omit_defaults=True):
    """What stands in the way of ordering a line; nothing is ever dropped silently."""

    code: str
    detail: str
    available: int | UnsetType = UNSET
    seen: Money | UnsetType = UNSET
    price: Money | UnsetType = UNSET


class LineView(Struct, frozen=True):
    sku: Sku
    name: str
    quantity: int
    unit_price: Money
    total: Money
    fulfilment: Fulfilment | None
    problems: list[LineProblem]


class GroupView(Struct, frozen=True):
    """Lines of one store and method; the promise is what an order placed now would get."""

    method: str
    store: StoreId | None
    lines: list[Sku]
    promised_from: datetime | None
    promised_until: datetime | None


class CartTotals(Struct, frozen=True):
    goods: Money
    to_pay: Money


class CartView(Struct, frozen=True):
    """A cart with names, prices and availability as they are now."""

    id: CartId
    version: int
    state: CartState
    currency: str
    lines: list[LineView]
    groups: list[GroupView]
    totals: CartTotals
    problems: list[LineProblem]
    held_until: datetime | None = None
    order: OrderId | None = None


class Claimed(Struct, frozen=True):
    """The customer's cart after a guest's cart was claimed, and what that changed."""

    cart: CartView
    changes: list[Merged]


async def start(units: Units, *, caller: Caller, currency: str, key: RequestKey | None) -> CartView:
    """A new cart: the customer's own, or a guest's.

    A customer has one open cart; asked for another, the open one is the answer. An empty one takes
    the currency that is asked for.

    Guests share their page's key, and before they have a cart nothing tells them apart: a first
    answer that is given again could be somebody else's cart. Their `key` is therefore not looked
    at; a repeat starts one more empty cart.
    """
    if caller.customer is None and caller.cart is None:
        key = None
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, CartView):
            return first
        cart = await _started(unit, caller, currency)
        view = await seen(unit, cart, locale="")
        await unit.requests.answer(key, view)
    return view


async def look(units: Units, *, caller: Caller, cart: CartId, locale: str) -> CartView:
    """Raises Missing: there is no such cart, or it is somebody else's."""
    async with units.read() as unit:
        found = await unit.carts.get(cart)
        must_open(caller, found)
        return await seen(unit, found, locale)


async def look_at_mine(
    units: Units, *, caller: Caller, currency: str | None, default: str, locale: str
) -> CartView:
    """The customer's open cart; a new, empty one if there is none.

    An empty one takes `currency`; a new one for which nobody named any has the `default`.
    """
    async with units.begin() as unit:
        cart = await _started(unit, caller, currency, default=default)
        return await seen(unit, cart, locale)


class Wish(Struct, frozen=True):
    """How many of a SKU, and how they are to reach the buyer; without a word on that, as before."""

    sku: Sku
    quantity: int
    fulfilment: Fulfilment | None = None


async def put_line(
    units: Units,
    *,
    caller: Caller,
    cart: CartId,
    wish: Wish,
    change: "Change",
) -> CartView:
    """Set a line to a quantity; a repeat changes nothing.

    Raises:
        Missing: no such cart, or no such SKU.
        SkuRetired, OtherCurrency, NoSuchStore: it can never be ordered like this.
    """

    async def put(unit: Unit, before: Cart) -> Cart:
        known = await unit.products.by_sku([wish.sku])
        line = _line(wish, before, known.get(wish.sku))
        await _must_exist(unit, wish.fulfilment, "/fulfilment/store")
        if before.line(wish.sku) == line:
            return before
        return before.with_line(line, unit.now)

    return await _changed(units, caller, cart, change, put)


async def drop_line(
    units: Units, *, caller: Caller, cart: CartId, sku: Sku, change: "Change"
) -> CartView:
    """Take a line out; a repeat changes nothing."""

    async def drop(unit: Unit, before: Cart) -> Cart:
        return before.without_line(sku, unit.now)

    return await _changed(units, caller, cart, change, drop)


async def fulfil(
    units: Units, *, caller: Caller, cart: CartId, fulfilment: Fulfilment, change: "Change"
) -> CartView:
    """Have every line reach its buyer in the same way."""

    async def switch(unit: Unit, before: Cart) -> Cart:
        await _must_exist(unit, fulfilment, "/store")
        return before.fulfilled_by(fulfilment, unit.now)

    return await _changed(units, caller, cart, change, switch)


async def claim(
    units: Units, *, caller: Caller, cart: CartId, locale: str, key: RequestKey | None
) -> Claimed:
    """Move a guest's cart to the customer who has its token, or merge it into the customer's own.

    A repeat by the same customer changes nothing; from now on the token opens nothing.

    Raises:
        Missing: the token is not this cart's, or somebody else has claimed it.
    """
    assert caller.customer is not None, "only a customer claims"
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Claimed):
            return first
        await unit.customers.take(caller.customer)  # two log-ins at once take turns
        guest = await unit.carts.take(cart)
        mine, changes = await _claimed(unit, caller, guest)
        claimed = Claimed(await seen(unit, mine, locale), changes)
        await unit.requests.answer(key, claimed)
    return claimed


async def hold(
    units: Units,
    *,
    caller: Caller,
    cart: CartId,
    locale: str,
    limit: int,
    key: RequestKey | None,
) -> CartView:
    """Keep the stock of every line that is to be collected, for a while, or of none.

    Asked again it holds what the cart asks for by then, and longer.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, CartView):
            return first
        before = await unit.carts.take(cart)
        must_open(caller, before)
        before.must_be_open()
        after, _ = await hold_lines(unit, caller, before, limit=limit)
        if after is not before:
            await unit.carts.keep(after)
        view = await seen(unit, after, locale)
        await unit.requests.answer(key, view)
    return view


def must_open(caller: Caller, cart: Cart) -> None:
    """A guest's cart opens to its token, a customer's to its customer. Raises NotYours."""
    guest = cart.customer is None and cart.claimed_by is None
    if caller.role is Role.CUSTOMER and cart.customer == caller.customer:
        return
    if guest and cart.id == caller.cart:
        return
    raise NotYours(caller, cart.id)


class Change(Struct, frozen=True):
    """How a write came: its key, the version it was decided on, and the reader's language."""

    key: RequestKey | None = None
    if_version: int | None = None
    locale: str = ""


class StaleCart(Stale):
    def __init__(self, cart: Cart) -> None:
        facts = {"version": cart.version}
        super().__init__("The cart has changed since you looked.", facts=facts)


async def _changed(
    units: Units,
    caller: Caller,
    cart: CartId,
    change: Change,
    step: Callable[[Unit, Cart], Awaitable[Cart]],
) -> CartView:
    async with units.begin() as unit:
        if change.key:  # whoever may no longer look gets no earlier answer either
            must_open(caller, await unit.carts.get(cart))
        if first := await unit.requests.claim(change.key, CartView):
            return first
        before = await unit.carts.take(cart)
        must_open(caller, before)
        if change.if_version is not None and change.if_version != before.version:
            raise StaleCart(before)
        after = await step(unit, before)
        if after is not before:
            after = await trim(unit, caller, after)
            await unit.carts.keep(after)
        view = await seen(unit, after, change.locale)
        await unit.requests.answer(change.key, view)
    return view


async def _started(unit: Unit, caller: Caller, currency: str | None, *, default: str = "") -> Cart:
    if caller.customer:
        await unit.customers.take(caller.customer)  # two devices at once take turns
        if mine := await unit.carts.open_of(caller.customer):
            return await _in_currency(unit, mine, currency)
    cart = Cart(
        id=CartId(unit.new_id("crt")),
        currency=currency or default,
        created_at=unit.now,
        changed_at=unit.now,
        customer=caller.customer,
    )
    await unit.carts.add(cart)
    return cart


async def _in_currency(unit: Unit, cart: Cart, currency: str | None) -> Cart:
    """The cart in the currency that is asked for, where nothing in it has another."""
    if currency is None or cart.lines or cart.currency == currency:
        return cart
    switched = cart.switched(currency, unit.now)
    await unit.carts.keep(switched)
    return switched


async def _claimed(unit: Unit, caller: Caller, guest: Cart) -> tuple[Cart, list[Merged]]:
    assert caller.customer is not None
    if caller.customer in {guest.customer, guest.claimed_by}:
        return await unit.carts.get(guest.merged_into or guest.id), []
    must_open(caller, guest)
    guest.must_be_open()
    mine = await unit.carts.open_of(caller.customer)
    if mine is None:
        moved = guest.claimed(caller.customer, unit.now)
        await unit.carts.keep(moved)
        added = [Merged(line.sku, "added", line.quantity) for line in guest.lines]
        return moved, added
    mine = await _in_currency(unit, mine, guest.currency)
    if guest.lines and mine.currency != guest.currency:
        raise OtherCurrency(guest.currency, mine.currency)
    merged, changes = mine.with_lines_of(guest, unit.now)
    await let_go(unit, caller, guest)
    await unit.carts.keep(merged)
    await unit.carts.keep(guest.merged_away(mine, unit.now))
    return merged, changes


def _line(wish: Wish, cart: Cart, product: Product | None) -> CartLine:
    if product is None:
        raise ProductMissing(wish.sku)
    if product.state is ProductState.RETIRED:
        raise SkuRetired(wish.sku)
    if product.price.currency != cart.currency:
        raise OtherCurrency(product.price.currency, cart.currency)
    before = cart.line(wish.sku)
    fulfilment = wish.fulfilment or (before.fulfilment if before else None)
    return CartLine(wish.sku, wish.quantity, product.price, fulfilment)


async def _must_exist(unit: Unit, fulfilment: Fulfilment | None, pointer: str) -> None:
    store = fulfilment.store if fulfilment else None
    if store and not await unit.stores.by_id([store]):
        raise NoSuchStore(store, {"pointer": pointer})


async def seen(unit: Unit, cart: Cart, locale: str) -> CartView:
    """The cart with today's names, prices and availability; problems say what changed."""
    catalogue = await with_parts(unit, [line.sku for line in cart.lines])
    stores = await unit.stores.by_id(stores_of(cart.lines))
    shelves: Shelves = await unit.stock.of(catalogue, stores) if stores and catalogue else {}
    kept = await _kept(unit, cart)
    if kept:
        shelves = without_own(shelves, kept.places)
    facts = Facts(catalogue, stores, shelves)
    lines = [_line_view(line, facts, unit.now, locale) for line in cart.lines]
    goods = Money(sum(line.total.amount for line in lines), cart.currency)
    return CartView(
        id=cart.id,
        version=cart.version,
        state=cart.state,
        currency=cart.currency,
        lines=lines,
        groups=_groups(cart, stores, unit.now),
        totals=CartTotals(goods, goods),
        problems=[] if cart.lines else [LineProblem("empty", "There is nothing in the cart.")],
        held_until=kept.held_until if kept else None,
        order=cart.order,
    )


async def _kept(unit: Unit, cart: Cart) -> Hold | None:
    """The cart's hold, while it counts."""
    if cart.hold is None:
        return None
    hold = await unit.holds.get(cart.hold)
    return hold if hold.state_at(unit.now) is HoldState.ACTIVE else None


def _line_view(line: CartLine, facts: "Facts", now: datetime, locale: str) -> LineView:
    product = facts.catalogue[line.sku]
    return LineView(
        sku=line.sku,
        name=product.name_in(locale),
        quantity=line.quantity,
        unit_price=product.price,
        total=product.price * line.quantity,
        fulfilment=line.fulfilment,
        problems=[*problems_of(line, facts, now), *_shortage(line, facts)],
    )


class Facts(Struct, frozen=True):
    """What a cart's lines are compared with."""

    catalogue: Mapping[Sku, Product]
    stores: Mapping[StoreId, Store]
    shelves: Shelves = {}


def problems_of(line: CartLine, facts: Facts, now: datetime) -> list[LineProblem]:
    """Why a line could not be ordered, or not as it was seen; its stock is another question."""
    product = facts.catalogue[line.sku]
    problems = []
    if product.state is ProductState.RETIRED:
        problems.append(LineProblem("retired", "It is no longer sold."))
    if product.price != line.seen:
        problems.append(
            LineProblem(
                "price_changed", "Its price has changed.", seen=line.seen, price=product.price
            )
        )
    if line.fulfilment is None:
        return [*problems, LineProblem("fulfilment_missing", "Say where it is to be collected.")]
    if line.fulfilment.store is None:
        return [*problems, LineProblem("shipping_unavailable", "It can only be collected.")]
    store = facts.stores[line.fulfilment.store]
    if not store.pickup or store.ready_at(now) is None:
        problems.append(LineProblem("pickup_unavailable", f"{store.name} hands nothing over now."))
    return problems


def _shortage(line: CartLine, facts: Facts) -> list[LineProblem]:
    parts = stocked_parts(facts.catalogue[line.sku], facts.catalogue)
    if not parts or line.fulfilment is None or line.fulfilment.store is None:
        return []
    free = sellable_units(parts, line.fulfilment.store, facts.shelves)
    if free >= line.quantity:
        return []
    return [LineProblem("insufficient_stock", f"There are only {free}.", available=free)]


def _groups(cart: Cart, stores: dict[StoreId, Store], now: datetime) -> list[GroupView]:
    chosen = {line.fulfilment for line in cart.lines if line.fulfilment}
    groups = []
    for fulfilment in sorted(chosen, key=lambda way: (way.method, way.store or "")):
        skus = [line.sku for line in cart.lines if line.fulfilment == fulfilment]
        promise: Promise | None = None
        if fulfilment.store:
            promise = promise_of(stores[fulfilment.store], now)
        groups.append(
            GroupView(
                fulfilment.method,
                fulfilment.store,
                skus,
                promise.since if promise else None,
                promise.until if promise else None,
            )
        )
    return groups
