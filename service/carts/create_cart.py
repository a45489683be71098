"""A cart is started, or found again on another device."""

from domain.carts.carts import Cart
from domain.foundation.callers import Caller, Role
from domain.kernel.ids import CartId, MarketId
from domain.pricing.markets import choose_market, default_currency
from service.carts.queries import CartView, view_cart
from service.foundation.ports import IdempotencyKey
from service.shared.retry import retry_on_conflict
from service.shared.unit_of_work import Unit, Units


@retry_on_conflict
async def create_cart(
    units: Units,
    *,
    caller: Caller,
    currency: str,
    key: IdempotencyKey | None,
    market: MarketId | None = None,
) -> CartView:
    """Creates a cart: the customer's own, a guest's, or one of a till.

    A customer has one open cart: asked for another, the open one is returned. An empty cart takes
    the currency and the market of the request. Without a market it is the first one with the
    currency.

    Guests share the API key of their page, and without a cart they cannot be distinguished: a
    replayed answer could be another guest's cart. Their `key` is therefore ignored; a repeat
    creates one more empty cart.

    Raises:
        UnknownMarket, CurrencyNotSold
    """
    if caller.role is Role.SHOP and caller.cart is None:
        key = None
    async with units.begin() as unit:
        if first := await unit.foundation.idempotency.claim(key, CartView):
            return first
        cart = await _create(unit, caller, currency, market)
        view = await view_cart(unit, cart, locale="")
        await unit.foundation.idempotency.save_answer(key, view)
    return view


@retry_on_conflict
async def get_or_create_my_cart(
    units: Units, *, caller: Caller, currency: str | None, default: str, locale: str
) -> CartView:
    """Returns the customer's open cart, or creates an empty one.

    An empty cart takes `currency`; a new one without it takes the `default`.
    """
    async with units.begin() as unit:
        cart = await _create(unit, caller, currency, default=default)
        return await view_cart(unit, cart, locale)


async def _create(
    unit: Unit,
    caller: Caller,
    currency: str | None,
    market: MarketId | None = None,
    *,
    default: str = "",
) -> Cart:
    if caller.customer:
        await unit.customers.customers.get_for_update(
            caller.customer
        )  # two devices at once take turns
        if mine := await unit.carts.carts.get_open_by_customer(caller.customer):
            return await in_currency(unit, mine, currency, market)
    rules, _ = await unit.pricing.prices.get_rules()
    if currency is None:
        currency = default_currency(rules.markets, default)
    where = choose_market(rules.markets, currency, market)
    cart = Cart(
        id=CartId(unit.new_id("crt")),
        currency=currency,
        market=where.market if where else None,
        created_at=unit.now,
        changed_at=unit.now,
        customer=caller.customer,
        store=min(caller.stores) if caller.role is Role.TILL else None,
        saved=await unit.carts.carts.get_saved_for_update(caller),
    )
    await unit.carts.carts.add(cart)
    return cart


async def in_currency(
    unit: Unit, cart: Cart, currency: str | None, market: MarketId | None = None
) -> Cart:
    """The cart in the currency and market that are asked for, where nothing in it has another."""
    if currency is None or cart.lines:
        return cart
    if currency == cart.currency and market in {None, cart.market}:
        return cart
    rules, _ = await unit.pricing.prices.get_rules()
    where = choose_market(rules.markets, currency, market)
    switched = cart.with_market(currency, where.market if where else None, unit.now)
    await unit.carts.carts.update(switched)
    return switched
