"""A cart becomes an order: stock is promised in the same transaction, or nothing happens."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct, to_builtins

from domain.addresses import Address
from domain.availability import Catalogue, all_parts, shelved_parts, stocked_parts
from domain.callers import Caller
from domain.cart_rules import over_limit
from domain.carts import Cart, CartLine, stores_of
from domain.events import OrderPlaced
from domain.groups import Group, GroupLine, changes_between
from domain.holds import HoldState, claims
from domain.ids import WEB, CartId, OrderId, PickupId, ShipmentId, Sku, StoreId
from domain.money import Money
from domain.orders import (
    Contact,
    Earning,
    Order,
    OrderGroup,
    OrderLine,
    OrderState,
    Payment,
    Totals,
    Wanted,
    numbered,
    tenders_of,
)
from domain.pickups import Pickup, PickupState
from domain.promises import promise_of
from domain.refusals import Conflict, WrongField
from domain.sales_channels import must_serve
from domain.shipments import Shipment, ShipmentState
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
from service.carts.keeping import Kept, kept_by, units_to_send
from service.carts.problems import Facts, problems_of
from service.ports.requests import RequestKey
from service.ports.unit import Unit, Units
from service.retries import tried_again
from service.routing import may_be_elsewhere, must_be_sent, routed

UNKNOWN: Final = Facts({}, {}, {})
"""When nothing is known of what lies in a cart."""


class Checkout(Struct, frozen=True, forbid_unknown_fields=True):
    """Who ordered, where what is sent goes to, and how it will be paid.

    `if_unavailable` is what becomes of units that a store does not find: they are not charged.
    """

    contact: Contact
    payment: Payment
    tenders: Wanted = Wanted()
    if_unavailable: Literal["refund"] = "refund"
    address: Address | None = None


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
    """Turn a cart into an order whose locations prepare it.

    Repeating a call with the same key returns the first order and promises nothing more; another
    key for a cart that is already an order returns that order.

    Raises:
        CartEmpty, NotOrderable: there is nothing to buy, or not like this; the cart stays.
        WrongField: something is to be sent, and nobody said where to.
        NotEnoughStock: the stock does not cover every line; nothing is promised, the cart stays.
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


async def _order(unit: Unit, caller: Caller, cart: Cart, checkout: Checkout, locale: str) -> Order:
    checkout.tenders.must_be_accepted()
    cart.must_be_open()
    if not cart.lines:
        raise CartEmpty
    to_send = units_to_send(cart)
    if to_send and checkout.address is None:
        raise WrongField("address", "required", "must say where to send what is to be sent")
    catalogue = await with_parts(unit, [line.sku for line in cart.lines])
    _must_be_orderable([one for one in cart.lines if one.sku not in catalogue], unit.now)
    kept = await kept_by(unit, cart)
    found = await routed(
        unit, to_send, catalogue, own=kept.places, taken=_to_collect(cart, catalogue)
    )
    stores = await unit.stores.share(sorted({*stores_of(cart.lines), *found.sent}))
    over = over_limit(cart.lines, catalogue, unit.cart_rules)
    _must_be_orderable(cart.lines, unit.now, Facts(catalogue, stores, over))
    must_be_sent(found, to_send)
    must_serve(WEB, stores.values(), kept.stores)
    order = _drafted(unit, caller, cart, checkout, Drawn(catalogue, stores, found.sent, locale))
    if cart.customer and await unit.points.is_member(cart.customer):
        order = order.earning()
    await _promised(unit, caller, order, catalogue, kept)
    await unit.carts.keep(cart.ordered(order.id, unit.now))
    return order


def _to_collect(cart: Cart, catalogue: Catalogue) -> dict[Place, int]:
    """What the cart's lines to be collected take of the shelves."""
    taken: dict[Place, int] = {}
    for line in cart.lines:
        if line.fulfilment and line.fulfilment.store:
            for sku, each in stocked_parts(catalogue[line.sku], catalogue).items():
                place = (line.fulfilment.store, sku)
                taken[place] = taken.get(place, 0) + each * line.quantity
    return taken


def _must_be_orderable(lines: Sequence[CartLine], now: datetime, facts: Facts = UNKNOWN) -> None:
    """Everything but the stock, which is decided under its lock."""
    errors = [
        {"sku": line.sku, **to_builtins(problem)}
        for line in lines
        for problem in problems_of(line, facts, now)
    ]
    if errors:
        raise NotOrderable(errors)


class Drawn(Struct, frozen=True):
    """What an order is drawn up from: today's names, the locations, and who sends what."""

    catalogue: Catalogue
    stores: Mapping[StoreId, Store]
    sent: Mapping[StoreId, Mapping[Sku, int]]
    locale: str


def _drafted(unit: Unit, caller: Caller, cart: Cart, checkout: Checkout, drawn: Drawn) -> Order:
    """The order as it would be placed now; nothing is promised yet."""
    groups = [
        *(_pickup(unit, drawn.stores[store]) for store in stores_of(cart.lines)),
        *(_shipment(unit, store) for store in sorted(drawn.sent)),
    ]
    lines = numbered(_lines(cart, groups, drawn))
    goods = Money(sum(line.total.amount for line in lines), cart.currency)
    totals = Totals(goods, goods)
    home = checkout.address.country if checkout.address else ""
    country = home or next((drawn.stores[one].country for one in sorted(drawn.stores)), "")
    return Order(
        id=OrderId(unit.new_id("ord")),
        cart=cart.id,
        state=OrderState.PLACED,
        placed_at=unit.now,
        changed_at=unit.now,
        currency=cart.currency,
        locale=drawn.locale,
        contact=checkout.contact.read(country),
        address=checkout.address if drawn.sent else None,
        lines=lines,
        groups=groups,
        payment=checkout.payment,
        totals=totals,
        points=Earning(0),
        tenders=tenders_of(checkout.payment, totals),
        actor=caller.id,
        customer=cart.customer,
    )


def _pickup(unit: Unit, store: Store) -> OrderGroup:
    promise = promise_of(store, unit.now)
    assert promise is not None, "a store that never opens is a problem of the line"
    return OrderGroup(
        "pickup",
        store.store,
        pickup=PickupId(unit.new_id("pku")),
        promised_from=promise.since,
        promised_until=promise.until,
    )


def _shipment(unit: Unit, store: StoreId) -> OrderGroup:
    return OrderGroup("ship", store, shipment=ShipmentId(unit.new_id("shp")))


def _lines(cart: Cart, groups: Sequence[OrderGroup], drawn: Drawn) -> list[OrderLine]:
    """The cart's lines; what several locations send of one stands on a line for each of them."""
    lines = []
    for line in cart.lines:
        assert line.fulfilment is not None, "a line that says nothing is a problem"
        for group in groups:
            if group.method != line.fulfilment.method:
                continue
            if group.method == "ship":
                quantity = drawn.sent[group.store].get(line.sku, 0)
            else:
                quantity = line.quantity if group.store == line.fulfilment.store else 0
            if quantity:
                name = drawn.catalogue[line.sku].name_in(drawn.locale)
                lines.append(_line(line, quantity, name, group.id))
    return lines


def _line(line: CartLine, quantity: int, name: str, group: str) -> OrderLine:
    return OrderLine(
        sku=line.sku,
        name=name,
        quantity=quantity,
        unit_price=line.seen,
        total=line.seen * quantity,
        group=group,
    )


async def _promised(
    unit: Unit, caller: Caller, order: Order, catalogue: Catalogue, kept: Kept
) -> None:
    """Promise the stock of an order, have its groups prepared, and its points wait.

    Raises NotEnoughStock: nothing is promised.
    """
    places = _places(order, catalogue) | kept.claimed.keys()
    shelves, terms = await unit.selling.lock(places, [WEB])
    groups = groups_of(order, catalogue, shelves)
    await _promise_stock(
        unit, caller, groups, kept, catalogue=catalogue, shelves=terms[WEB].seen(shelves)
    )
    await unit.orders.add(order)
    for group in groups:
        if isinstance(group, Pickup):
            await unit.pickups.add(group)
        else:
            await unit.shipments.add(group)
    await unit.allocations.write([claim for group in groups for claim in group.allocations()])
    if order.customer and order.points.to_earn:
        points = {line.line: line.points for line in order.lines if line.points}
        await unit.points.promise(order.customer, order.id, points)
    await unit.outbox.add(OrderPlaced(order=order.id, customer=order.customer, at=unit.now))


def _places(order: Order, catalogue: Catalogue) -> set[Place]:
    """Where the order's goods lie, if they lie anywhere."""
    return {
        (group.store, part)
        for group in order.groups
        for sku in order.lines_of(group.id)
        for part in all_parts(catalogue[sku], catalogue)
    }


def groups_of(
    order: Order, catalogue: Catalogue, shelves: Mapping[Place, Shelf]
) -> list[Pickup | Shipment]:
    """The pickups and shipments of an order, as its locations get them."""
    groups: list[Pickup | Shipment] = []
    for group in order.groups:
        facts: dict[str, Any] = {
            "order": order.id,
            "store": group.store,
            "lines": [
                GroupLine(
                    sku=line.sku,
                    name=catalogue[line.sku].name,
                    quantity=line.quantity,
                    parts=shelved_parts(catalogue[line.sku], catalogue, group.store, shelves),
                    gtin=catalogue[line.sku].gtin,
                )
                for line in order.lines_of(group.id).values()
            ],
            "promised_from": group.promised_from,
            "promised_until": group.promised_until,
            "placed_at": order.placed_at,
            "changed_at": order.placed_at,
            "customer": order.customer,
        }
        if group.pickup:
            groups.append(Pickup(id=group.pickup, state=PickupState.PLACED, **facts))
        else:
            assert group.shipment, "a group is a pickup or a shipment"
            groups.append(Shipment(id=group.shipment, state=ShipmentState.PLACED, **facts))
    return groups


async def _promise_stock(
    unit: Unit,
    caller: Caller,
    groups: Sequence[Group],
    kept: Kept,
    *,
    catalogue: Catalogue,
    shelves: Mapping[Place, Shelf],
) -> None:
    """Decide, promise; what the cart holds becomes the order's in the same step.

    Raises:
        NotEnoughStock: with every shortage. A hold whose time is over counts for nothing.
        GaveWay: what was to be sent has gone from there a moment ago; another look finds others.
    """
    changes = [change for group in groups for change in changes_between(None, group)]
    wanted = {
        change.place: change.allocated
        for change in summed(changes)
        if catalogue[change.sku].tracked
    }
    if short := shortages(wanted, shelves, kept.places):
        may_be_elsewhere(short, _collected(groups))
        lines = [(one.store, line.sku, line.parts) for one in groups for line in one.lines]
        raise NotEnoughStock(short, takers_of(lines))
    source = Source(Cause.ORDER, groups[0].order, caller.id, unit.now)
    await unit.stock.apply(moves_of([*changes, *claims(kept.claimed, sign=-1)], source))
    if kept.hold and kept.claimed:
        state = HoldState.CONVERTED if kept.places else HoldState.EXPIRED
        await unit.holds.close([kept.hold.id], state)


def _collected(groups: Sequence[Group]) -> set[Place]:
    """Where goods lie that are to be collected."""
    pickups = [group for group in groups if isinstance(group, Pickup)]
    return {(one.store, part) for one in pickups for line in one.lines for part in line.parts}
