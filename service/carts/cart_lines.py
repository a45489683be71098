"""Changes of cart lines by the owner: quantity, fulfilment, and the hold on the cart's stock."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

from msgspec import Struct

from domain.carts.cart_lines import CartLine, FulfilmentMethod
from domain.carts.carts import Cart, CurrencyMismatch
from domain.catalogue.products import Product, ProductNotFound, ProductState, SkuRetired
from domain.foundation.callers import Caller
from domain.kernel.errors import PreconditionFailed
from domain.kernel.ids import CartId, Sku
from domain.stores.stores import UnknownStore
from service.carts.cart_holds import hold_cart_lines, trim_hold
from service.carts.queries import CartView, view_cart
from service.carts.switch_fulfilment import SwitchedView, switched_view
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units

CartViewT = TypeVar("CartViewT", bound=CartView)
IN_THE_ADDRESS: Final = {"parameter": "store", "in": "query"}


class PutLine(Struct, frozen=True):
    """A quantity of a SKU and its fulfilment; without `fulfilment` the line keeps the one it has.

    `at` names the line where the cart has several lines of the SKU.
    """

    sku: Sku
    quantity: int
    fulfilment: FulfilmentMethod | None = None
    at: FulfilmentMethod | None = None


async def put_cart_line(
    units: Units,
    *,
    caller: Caller,
    cart: CartId,
    wish: PutLine,
    change: "CartChange",
) -> CartView:
    """Sets a line to a quantity; a repeat changes nothing.

    Raises:
        NotFound: no such cart, or no such SKU.
        SkuRetired, CurrencyMismatch, UnknownStore: it can never be ordered like this.
        AmbiguousCartLine: the cart has several lines of the SKU, and the request names none.
    """

    async def put(unit: Unit, before: Cart) -> Cart:
        known = await unit.catalogue.products.get_many([wish.sku])
        line = _line(wish, before, known.get(wish.sku))
        await _must_exist(unit, wish.fulfilment, {"pointer": "/fulfilment/store"})
        await _must_exist(unit, wish.at, IN_THE_ADDRESS)
        return before.with_line(line, unit.now, wish.at)

    return await apply_change(units, caller, cart, change, put)


async def delete_cart_line(
    units: Units,
    *,
    caller: Caller,
    cart: CartId,
    sku: Sku,
    change: "CartChange",
    at: FulfilmentMethod | None = None,
) -> CartView:
    """Take a line out; a repeat changes nothing. Raises AmbiguousCartLine."""

    async def drop(unit: Unit, before: Cart) -> Cart:
        return before.without_line(sku, unit.now, at)

    return await apply_change(units, caller, cart, change, drop)


@retry_on_conflict
async def set_fulfilment(
    units: Units,
    *,
    caller: Caller,
    cart: CartId,
    fulfilment: FulfilmentMethod,
    change: "CartChange",
) -> SwitchedView:
    """Sets one fulfilment for every line and returns the changes that follow.

    Holds at other stores are released. A repeat changes nothing. Raises UnknownStore, TooManyUnits.
    """
    async with units.begin() as unit:
        if first := await _claimed(unit, caller, cart, change.key, SwitchedView):
            return first
        before = await _taken(unit, caller, cart, change)
        await _must_exist(unit, fulfilment, {"pointer": "/store"})
        was = await view_cart(unit, before, change.locale)
        after = before.with_fulfilment(fulfilment, unit.now)
        if after is not before:
            after = await _kept(unit, caller, after)
        view = switched_view(was, await view_cart(unit, after, change.locale, before))
        await unit.foundation.idempotency.save_answer(change.key, view)
    return view


async def save_line(
    units: Units,
    *,
    caller: Caller,
    cart: CartId,
    sku: Sku,
    change: "CartChange",
    at: FulfilmentMethod | None = None,
) -> CartView:
    """Saves a line for later and releases its hold.

    Raises CartLineNotFound, AmbiguousCartLine.
    """

    async def step(unit: Unit, before: Cart) -> Cart:
        return before.save_for_later(sku, unit.now, at)

    return await apply_change(units, caller, cart, change, step)


async def restore_line(
    units: Units, *, caller: Caller, cart: CartId, sku: Sku, change: "CartChange"
) -> CartView:
    """Take a saved line into the cart again. Raises CartLineNotFound."""

    async def step(unit: Unit, before: Cart) -> Cart:
        return before.restore_saved(sku, unit.now)

    return await apply_change(units, caller, cart, change, step)


async def delete_saved_line(
    units: Units, *, caller: Caller, cart: CartId, sku: Sku, change: "CartChange"
) -> CartView:
    """Deletes the saved lines of a SKU; a repeat changes nothing."""

    async def step(unit: Unit, before: Cart) -> Cart:
        return before.without_saved(sku, unit.now)

    return await apply_change(units, caller, cart, change, step)


@retry_on_conflict
async def hold_cart(
    units: Units,
    *,
    caller: Caller,
    cart: CartId,
    locale: str,
    limit: int,
    key: IdempotencyKey | None,
) -> CartView:
    """Holds the stock of every line that is to be collected, or of none.

    A repeat holds the units that the cart has by then, until a later time.
    """
    async with units.begin() as unit:
        if first := await _claimed(unit, caller, cart, key, CartView):
            return first
        before = await unit.carts.carts.get_for_update(cart)
        before.ensure_access(caller)
        before.ensure_open()
        after, _ = await hold_cart_lines(unit, caller, before, limit=limit)
        if after is not before:
            await unit.carts.carts.update(after)
        view = await view_cart(unit, after, locale)
        await unit.foundation.idempotency.save_answer(key, view)
    return view


class CartChange(Struct, frozen=True):
    """How a write came: its key, the version it was decided on, and the reader's language."""

    key: IdempotencyKey | None = None
    if_version: int | None = None
    locale: str = ""


class CartVersionMismatch(PreconditionFailed):
    def __init__(self, cart: Cart) -> None:
        facts = {"version": cart.version}
        super().__init__("The cart has changed since you looked.", facts=facts)


@retry_on_conflict
async def apply_change(
    units: Units,
    caller: Caller,
    cart: CartId,
    change: CartChange,
    step: Callable[[Unit, Cart], Awaitable[Cart]],
) -> CartView:
    """The cart after a step that its owner takes; one that changes nothing is none."""
    async with units.begin() as unit:
        if first := await _claimed(unit, caller, cart, change.key, CartView):
            return first
        before = await _taken(unit, caller, cart, change)
        after = await step(unit, before)
        if after is not before:
            after = await _kept(unit, caller, after)
        view = await view_cart(unit, after, change.locale, before)
        await unit.foundation.idempotency.save_answer(change.key, view)
    return view


async def _claimed(
    unit: Unit, caller: Caller, cart: CartId, key: IdempotencyKey | None, kind: type[CartViewT]
) -> CartViewT | None:
    if key:  # whoever may no longer look gets no earlier answer either
        (await unit.carts.carts.get(cart)).ensure_access(caller)
    return await unit.foundation.idempotency.claim(key, kind)


async def _taken(unit: Unit, caller: Caller, cart: CartId, change: CartChange) -> Cart:
    """Raises NotFound, CartVersionMismatch."""
    taken = await unit.carts.carts.get_for_update(cart)
    taken.ensure_access(caller)
    if change.if_version is not None and change.if_version != taken.version:
        raise CartVersionMismatch(taken)
    return taken


async def _kept(unit: Unit, caller: Caller, changed: Cart) -> Cart:
    trimmed = await trim_hold(unit, caller, changed)
    await unit.carts.carts.update(trimmed)
    return trimmed


def _line(wish: PutLine, cart: Cart, product: Product | None) -> CartLine:
    if product is None:
        raise ProductNotFound(wish.sku)
    if product.state is ProductState.RETIRED:
        raise SkuRetired(wish.sku)
    if product.price.currency != cart.currency:
        raise CurrencyMismatch(product.price.currency, cart.currency)
    return CartLine(wish.sku, wish.quantity, product.price, wish.fulfilment)


async def _must_exist(
    unit: Unit, fulfilment: FulfilmentMethod | None, where: Mapping[str, str]
) -> None:
    store = fulfilment.store if fulfilment else None
    if store and not await unit.stores.stores.get_many([store]):
        raise UnknownStore(store, where)
