"""A cart becomes an order: stock is promised in the same transaction, or nothing happens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, to_builtins

from domain.availability import Catalogue, stocked_parts
from domain.callers import Caller
from domain.cart_lines import CartLine, stores_of
from domain.cart_rules import over_limit
from domain.carts import Cart
from domain.ids import WEB, CartId
from domain.orders import (
    Order,
)
from domain.payments import Attempt
from domain.promotions import TOLD
from domain.refusals import Conflict, GaveWay, WrongField
from domain.sales_channels import must_serve
from domain.stock import (
    Place,
)
from service.availability import with_parts
from service.carts.keeping import kept_by, units_to_send
from service.carts.pricing import Priced, known_for, priced
from service.carts.problems import Facts, LineProblem, problems_of
from service.orders.drafting import Checkout, Drawn, drafted
from service.orders.promising import promise
from service.payments.asking import ask
from service.payments.cashier import Cashier
from service.payments.starting import Held, Means, begin
from service.ports.payments import Leased
from service.ports.requests import RequestKey
from service.ports.unit import Unit, Units
from service.retries import tried_again
from service.routing import must_be_sent, routed

UNKNOWN: Final = Facts({}, {}, {})
"""When nothing is known of what lies in a cart."""


class Placed(Struct, frozen=True):
    """The order of a cart; `new` says that this request made it. `attempt` is to pay for it."""

    order: Order
    new: bool
    attempt: Attempt | None = None


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


async def place(
    units: Units,
    cashier: Cashier,
    *,
    caller: Caller,
    cart: CartId,
    checkout: Checkout,
    locale: str,
    key: RequestKey | None,
) -> Placed:
    """Turn a cart into an order whose locations prepare it.

    Repeating a call with the same key returns the first order and promises nothing more; another
    key for a cart that is already an order returns that order. Paid by card, the order waits with
    its goods held until the money is reserved; the answer is the order as it stands by then.

    Raises:
        CartEmpty, NotOrderable: there is nothing to buy, or not like this; the cart stays.
        WrongField: something is to be sent, and nobody said where to; or it is not paid so here.
        NotEnoughStock: the stock does not cover every line; nothing is promised, the cart stays.
        NotServed: a store sells nothing new through the web, and the cart holds nothing there.
        HoldPinned: what the cart holds is being paid for elsewhere.
    """
    checkout.tenders.must_be_accepted()
    wanted = _Wish(caller, cart, checkout, locale, cashier)
    placed, asked = await _placed(units, wanted, key)
    if asked is not None:
        await ask(units, cashier.provider, asked, asked.transaction.planned_at)
    return await as_it_stands(units, placed)


class _Wish(Struct, frozen=True):
    """What is ordered: whose cart, on which terms, and who takes the money."""

    caller: Caller
    cart: CartId
    checkout: Checkout
    locale: str
    cashier: Cashier


@tried_again
async def _placed(
    units: Units, wanted: _Wish, key: RequestKey | None
) -> tuple[Placed, Leased | None]:
    """The order of a cart, and what is to be asked of the provider for it now."""
    asked: Leased | None = None
    async with units.begin() as unit:
        if first := await unit.requests.claim(key, Placed):
            (await unit.carts.get(wanted.cart)).must_open_to(wanted.caller)
            return first, None
        taken = await unit.carts.take(wanted.cart)
        taken.must_open_to(wanted.caller)
        if taken.order:
            placed = Placed(await unit.orders.get(taken.order), new=False)
        else:
            order, asked = await _order(unit, wanted, taken)
            placed = Placed(order, new=True)
        await unit.requests.answer(key, placed)
    return placed, asked


async def as_it_stands(units: Units, placed: Placed) -> Placed:
    """An order that is paid by card changes while it is answered."""
    if placed.order.attempt is None:
        return placed
    async with units.read() as unit:
        order = await unit.orders.get(placed.order.id)
        assert order.attempt is not None, "who tried to pay has tried"
        return Placed(order, placed.new, await unit.attempts.get(order.attempt))


async def _order(unit: Unit, wanted: _Wish, cart: Cart) -> tuple[Order, Leased | None]:
    cart.must_be_open()
    if not cart.lines:
        raise CartEmpty
    to_send = units_to_send(cart)
    method = wanted.checkout.payment.method
    wanted.cashier.must_accept(method, wanted.caller, sends=bool(to_send))
    address = wanted.checkout.address or cart.address
    if to_send and address is None:
        raise WrongField("address", "required", "must say where to send what is to be sent")
    catalogue = await with_parts(unit, [line.sku for line in cart.lines])
    _must_be_orderable([one for one in cart.lines if one.sku not in catalogue], unit.now)
    kept = await kept_by(unit, cart)
    found = await routed(
        unit, to_send, catalogue, own=kept.places, taken=_to_collect(cart, catalogue)
    )
    stores = await unit.stores.share(sorted({*stores_of(cart.lines), *found.sent}))
    over = over_limit(cart.lines, catalogue, unit.cart_rules)
    known = await known_for(unit, cart)
    price = priced(cart, catalogue, known, locale=wanted.locale, address=address)
    facts = Facts(catalogue, stores, over)
    _must_be_orderable(cart.lines, unit.now, facts, price.problems)
    must_be_sent(found, to_send)
    must_serve(WEB, stores.values(), kept.stores)
    drawn = Drawn(catalogue, stores, found.sent, price, address, wanted.locale)
    order = drafted(unit, wanted.caller, cart, wanted.checkout, drawn)
    if order.by_card and order.totals.to_pay.amount:
        means = Means(wanted.cashier.provider.provider, wanted.checkout.payment.card or "")
        pay_by = unit.now + wanted.cashier.patience
        begun = await begin(unit, order, cart, Held(catalogue, kept), means, pay_by=pay_by)
        await _coupons_must_hold(unit, order, price)
        return begun
    if cart.customer and await unit.points.is_member(cart.customer):
        order = order.earning()
    await promise(unit, order, catalogue, kept)
    await _coupons_must_hold(unit, order, price)
    await unit.carts.keep(cart.ordered(order.id, unit.now))
    return order, None


def _to_collect(cart: Cart, catalogue: Catalogue) -> dict[Place, int]:
    """What the cart's lines to be collected take of the shelves."""
    taken: dict[Place, int] = {}
    for line in cart.lines:
        if line.fulfilment and line.fulfilment.store:
            for sku, each in stocked_parts(catalogue[line.sku], catalogue).items():
                place = (line.fulfilment.store, sku)
                taken[place] = taken.get(place, 0) + each * line.quantity
    return taken


def _must_be_orderable(
    lines: Sequence[CartLine],
    now: datetime,
    facts: Facts = UNKNOWN,
    problems: Sequence[LineProblem] = (),
) -> None:
    """Everything but the stock and the uses of coupons, which are decided under their locks."""
    errors = [
        {"sku": line.sku, **to_builtins(problem)}
        for line in lines
        for problem in problems_of(line, facts, now)
    ]
    errors += [to_builtins(problem) for problem in problems]
    if errors:
        raise NotOrderable(errors)


async def _coupons_must_hold(unit: Unit, order: Order, price: Priced) -> None:
    """Ask the coupons of an order again, now that it has used them and so keeps them locked.

    Raises:
        NotOrderable: somebody else has just had the last use.
        GaveWay: the office has just changed one; another look prices by it.
    """
    if not price.coupons:
        return
    used = await unit.prices.used_by(order.id)
    asked = {one.code: one.promotion.version for one in price.coupons if one.promotion}
    if {one.code: one.promotion.version for one in used if one.promotion} != asked:
        raise GaveWay("A coupon has just been changed.")
    troubles = {
        one.code: one.trouble(
            customer=order.customer, items=price.items, currency=order.currency, now=unit.now
        )
        for one in used
    }
    errors = [
        {"coupon": code, "code": trouble.value, "detail": TOLD[trouble]}
        for code, trouble in troubles.items()
        if trouble
    ]
    if errors:
        raise NotOrderable(errors)
