"""A cart becomes an order: stock is promised in the same transaction, or nothing happens."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, to_builtins

from domain.availability import all_parts, shelved_parts
from domain.callers import Caller, NotYours, Role
from domain.carts import Cart, CartLine, over_limit, stores_of
from domain.catalogue import Product
from domain.events import OrderPlaced
from domain.holds import HoldState, claims
from domain.ids import WEB, CartId, OrderId, PickupId, Sku
from domain.money import Money
from domain.orders import (
    Contact,
    Earning,
    Group,
    Order,
    OrderLine,
    OrderState,
    Payment,
    Totals,
    Wanted,
    earning,
    tenders_of,
)
from domain.pickups import Pickup, PickupLine, PickupState, changes_between
from domain.promises import promise_of
from domain.refusals import Conflict
from domain.sales_channels import must_serve
from domain.stock import (
    Cause,
    NotEnoughStock,
    Place,
    Shelf,
    Source,
    moves_of,
    shortages,
    summed,
    takers_of,
)
from domain.stores import Store
from service.availability import with_parts
from service.carts.keeping import Kept, kept_by
from service.carts.problems import Facts, problems_of
from service.ports.requests import RequestKey
from service.ports.unit import Unit, Units
from service.retries import tried_again


class Checkout(Struct, frozen=True, forbid_unknown_fields=True):
    """Who ordered, and how it will be paid.

    `if_unavailable` is what becomes of units that a store does not find: they are not charged.
    """

    contact: Contact
    payment: Payment
    tenders: Wanted = Wanted()
    if_unavailable: Literal["refund"] = "refund"


class Placed(Struct, frozen=True):
    """The order of a cart; `new` says that this request made it."""

    order: Order
    new: bool


class CartEmpty(Conflict):
    code = "cart_empty"

    def __init__(self) -> None:
        super().__init__("There is nothing in the cart.")


class NotOrderable(Conflict):
    """A line cannot be ordered as it is; each problem names its SKU."""

    code = "cart_problems"

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        codes = {error["code"] for error in errors}
        super().__init__(
            "Some lines cannot be ordered as they are.",
            errors=errors,
            code=codes.pop() if len(codes) == 1 else None,
        )


@tried_again
async def place(
    units: Units,
    *,
    caller: Caller,
    cart: CartId,
    checkout: Checkout,
    locale: str,
    key: RequestKey | None,
) -> Placed:
    """Turn a cart into an order whose stores prepare it.

    Repeating a call with the same key returns the first order and promises nothing more; another
    key for a cart that is already an order returns that order.

    Raises:
        CartEmpty, NotOrderable: there is nothing to buy, or not like this; the cart stays.
        NotEnoughStock: a store cannot cover every line; nothing is promised, the cart stays.
        NotServed: a store sells nothing new through the web, and the cart holds nothing there.
    """
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Placed):
            return first
        taken = await unit.carts.take(cart)
        taken.must_open_to(caller)
        if taken.order:
            placed = Placed(await unit.orders.get(taken.order), new=False)
        else:
            placed = Placed(await _order(unit, caller, taken, checkout, locale), new=True)
        await unit.requests.answer(key, placed)
    return placed


async def look(units: Units, *, caller: Caller, order: OrderId) -> Order:
    """Its customer, the guest with its cart's token, its stores and the office may see an order."""
    async with units.read() as unit:
        found = await unit.orders.get(order)
        must_see(caller, found)
        return found


async def list_mine(
    units: Units, *, caller: Caller, before: OrderId | None, limit: int
) -> Sequence[Order]:
    """The customer's orders, newest first."""
    assert caller.customer is not None, "only a customer has orders of their own"
    async with units.read() as unit:
        return await unit.orders.of_customer(caller.customer, before=before, limit=limit)


def must_see(caller: Caller, order: Order) -> None:
    """Raises NotYours."""
    if caller.role is Role.CUSTOMER and order.customer == caller.customer:
        return
    if order.customer is None and order.cart == caller.cart:
        return
    if any(caller.works_at(group.store) for group in order.groups):
        return
    raise NotYours(caller, order.id)


async def _order(unit: Unit, caller: Caller, cart: Cart, checkout: Checkout, locale: str) -> Order:
    checkout.tenders.must_be_accepted()
    cart.must_be_open()
    if not cart.lines:
        raise CartEmpty
    catalogue = await with_parts(unit, [line.sku for line in cart.lines])
    stores = await unit.stores.share(stores_of(cart.lines))
    over = over_limit(cart.lines, catalogue, unit.cart_rules)
    _must_be_orderable(cart.lines, Facts(catalogue, stores, over), unit.now)
    contact = checkout.contact.read(next((stores[one].country for one in sorted(stores)), ""))
    order_id = OrderId(unit.new_id("ord"))
    kept = await kept_by(unit, cart)
    must_serve(WEB, stores.values(), kept.stores)
    places = _places(cart, catalogue) | kept.claimed.keys()
    shelves, terms = await unit.selling.lock(places, [WEB])
    pickups = [
        _pickup(unit, order_id, cart, stores[store], catalogue=catalogue, shelves=shelves)
        for store in sorted(stores)
    ]
    seen = terms[WEB].seen(shelves)
    await _promise_stock(unit, caller, pickups, kept, catalogue=catalogue, shelves=seen)
    lines = _priced(cart.lines, catalogue, pickups, locale)
    if cart.customer and await unit.points.is_member(cart.customer):
        lines = earning(lines)
    order = _billed(
        order_id,
        cart,
        Checkout(contact, checkout.payment),
        lines=lines,
        pickups=pickups,
        locale=locale,
        actor=caller.id,
        now=unit.now,
    )
    await unit.orders.add(order)
    for pickup in pickups:
        await unit.pickups.add(pickup)
    await unit.allocations.write([claim for pickup in pickups for claim in pickup.allocations()])
    await unit.carts.keep(cart.ordered(order.id, unit.now))
    if cart.customer and order.points.to_earn:
        points = {line.line: line.points for line in order.lines if line.points}
        await unit.points.promise(cart.customer, order.id, points)
    await unit.outbox.add(OrderPlaced(order=order.id, customer=order.customer, at=unit.now))
    return order


def _must_be_orderable(lines: Sequence[CartLine], facts: Facts, now: datetime) -> None:
    """Everything but the stock, which is decided under its lock."""
    errors = [
        {"sku": line.sku, **to_builtins(problem)}
        for line in lines
        for problem in problems_of(line, facts, now)
    ]
    if errors:
        raise NotOrderable(errors)


def _places(cart: Cart, catalogue: Mapping[Sku, Product]) -> set[Place]:
    """Where the lines' goods lie, if they lie anywhere."""
    return {
        (line.fulfilment.store, sku)
        for line in cart.lines
        if line.fulfilment and line.fulfilment.store
        for sku in all_parts(catalogue[line.sku], catalogue)
    }


def _pickup(
    unit: Unit,
    order: OrderId,
    cart: Cart,
    store: Store,
    *,
    catalogue: Mapping[Sku, Product],
    shelves: Mapping[Place, Shelf],
) -> Pickup:
    promise = promise_of(store, unit.now)
    assert promise is not None, "a store that never opens is a problem of the line"
    lines = [
        PickupLine(
            sku=line.sku,
            name=catalogue[line.sku].name,
            quantity=line.quantity,
            parts=shelved_parts(catalogue[line.sku], catalogue, store.store, shelves),
            gtin=catalogue[line.sku].gtin,
        )
        for line in cart.lines
        if line.fulfilment and line.fulfilment.store == store.store
    ]
    return Pickup(
        id=PickupId(unit.new_id("pku")),
        order=order,
        store=store.store,
        state=PickupState.PLACED,
        lines=lines,
        promised_from=promise.since,
        promised_until=promise.until,
        placed_at=unit.now,
        changed_at=unit.now,
        customer=cart.customer,
    )


async def _promise_stock(
    unit: Unit,
    caller: Caller,
    pickups: Sequence[Pickup],
    kept: Kept,
    *,
    catalogue: Mapping[Sku, Product],
    shelves: Mapping[Place, Shelf],
) -> None:
    """Decide, promise; what the cart holds becomes the order's in the same step.

    Raises:
        NotEnoughStock: with every shortage. A hold whose time is over counts for nothing.
    """
    changes = [change for pickup in pickups for change in changes_between(None, pickup)]
    wanted = {
        change.place: change.allocated
        for change in summed(changes)
        if catalogue[change.sku].tracked
    }
    if short := shortages(wanted, shelves, kept.places):
        lines = [(one.store, line.sku, line.parts) for one in pickups for line in one.lines]
        raise NotEnoughStock(short, takers_of(lines))
    source = Source(Cause.ORDER, pickups[0].order, caller.id, unit.now)
    await unit.stock.apply(moves_of([*changes, *claims(kept.claimed, sign=-1)], source))
    if kept.hold and kept.claimed:
        state = HoldState.CONVERTED if kept.places else HoldState.EXPIRED
        await unit.holds.close([kept.hold.id], state)


def _priced(
    lines: Sequence[CartLine],
    catalogue: Mapping[Sku, Product],
    pickups: Sequence[Pickup],
    locale: str,
) -> list[OrderLine]:
    pickup_of = {(one.store, line.sku): one.id for one in pickups for line in one.lines}
    seen = Counter[Sku]()
    names = [_named(line.sku, seen) for line in lines]
    return [
        OrderLine(
            line=name,
            sku=line.sku,
            name=catalogue[line.sku].name_in(locale),
            quantity=line.quantity,
            unit_price=line.seen,
            total=line.seen * line.quantity,
            pickup=pickup_of[line.fulfilment.store, line.sku],
        )
        for name, line in zip(names, lines, strict=True)
        if line.fulfilment and line.fulfilment.store
    ]


def _named(sku: Sku, seen: Counter[Sku]) -> str:
    """A line's name in its order: the SKU for its first line, then `SKU/2`. No SKU has a slash."""
    seen[sku] += 1
    return sku if seen[sku] == 1 else f"{sku}/{seen[sku]}"


def _billed(
    order: OrderId,
    cart: Cart,
    checkout: Checkout,
    *,
    lines: list[OrderLine],
    pickups: Sequence[Pickup],
    locale: str,
    actor: str,
    now: datetime,
) -> Order:
    goods = Money(sum(line.total.amount for line in lines), cart.currency)
    totals = Totals(goods, goods)
    return Order(
        id=order,
        cart=cart.id,
        state=OrderState.PLACED,
        placed_at=now,
        changed_at=now,
        currency=cart.currency,
        locale=locale,
        contact=checkout.contact,
        lines=lines,
        groups=[
            Group("pickup", pickup.store, pickup.id, pickup.promised_from, pickup.promised_until)
            for pickup in pickups
        ],
        payment=checkout.payment,
        totals=totals,
        points=Earning(sum(line.points for line in lines)),
        tenders=tenders_of(checkout.payment, totals),
        actor=actor,
        customer=cart.customer,
    )
