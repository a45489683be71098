"""What a cart costs now, by the one rule that its view and its checkout share."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from domain.carts.cart_lines import CartLine
from domain.carts.carts import Cart
from domain.catalogue.products import Product
from domain.kernel.addresses import Address
from domain.kernel.ids import Sku
from domain.pricing.markets import Market, still_there
from domain.pricing.prices import Deal, Quote, Rules, quote
from domain.pricing.promotions import MOST_COUPONS, TOLD, Coupon, Item
from domain.pricing.shipping_methods import ShippingMethod, on_offer
from service.carts.line_problems import LineProblem
from service.pricing.ports import Shown
from service.shared.unit_of_work import Unit

ADDRESS: Final = "address"


class Known(Struct, frozen=True):
    """What prices are made by at this moment, and the coupons of the carts that are priced."""

    rules: Rules
    coupons: Mapping[Shown, Coupon]
    now: datetime


class Priced(Struct, frozen=True):
    """A cart with its price. `coupons` are those that take something off: an order uses them.

    `requires` is what is missing.
    """

    quote: Quote
    items: Sequence[Item]
    market: Market | None
    method: ShippingMethod | None
    coupons: Sequence[Coupon]
    problems: list[LineProblem]
    requires: list[str]


async def known_for(unit: Unit, *carts: Cart) -> Known:
    """One statement, whatever is in the carts."""
    rules, coupons = await unit.prices.rules({shown for cart in carts for shown in shown_by(cart)})
    return Known(rules, coupons, unit.now)


def shown_by(cart: Cart) -> list[Shown]:
    """The coupons in a cart, and whose it is."""
    return [(code, cart.customer) for code in cart.coupons]


def priced(
    cart: Cart,
    catalogue: Mapping[Sku, Product],
    known: Known,
    *,
    locale: str,
    address: Address | None = None,
) -> Priced:
    """What the cart costs; it goes to `address`, or to where the cart says."""
    address = address or cart.address
    items = [_item(line, catalogue.get(line.sku)) for line in cart.lines]
    market = still_there(known.rules.markets, cart.currency, cart.market)
    problems = _of_market(known, market)
    is_sent = any(item.ships for item in items)
    method, trouble = _method(cart, address, known, market) if is_sent else (None, [])
    coupons, troubles = _coupons(cart, items, known)
    deal = Deal(
        cart.currency,
        known.now,
        market=market,
        promotions=known.rules.promotions,
        coupons=[one.promotion for one in coupons if one.promotion],
        method=method,
        locale=locale,
    )
    told = quote(items, deal)
    takes = {discount.promotion for line in told.lines for discount in line.discounts}
    return Priced(
        told,
        items,
        market,
        method,
        [one for one in coupons if one.promotion and one.promotion.promotion in takes],
        [*problems, *trouble, *troubles],
        [ADDRESS] if is_sent and address is None else [],
    )


def _item(line: CartLine, product: Product | None) -> Item:
    """What is not in the catalogue any more costs what was seen."""
    price, category = (product.price, product.category) if product else (line.seen, "")
    return Item(line.name, line.sku, line.quantity, price.amount, category, line.is_sent)


def _of_market(known: Known, market: Market | None) -> list[LineProblem]:
    if market or not known.rules.markets:
        return []
    return [LineProblem("market_closed", "Nothing is sold in this currency any more.")]


def _method(
    cart: Cart, address: Address | None, known: Known, market: Market | None
) -> tuple[ShippingMethod | None, list[LineProblem]]:
    """The method that was chosen, else the cheapest; a shop without any sends for nothing."""
    country = address.country if address else None
    fit = on_offer(known.rules.methods, market=market, country=country, currency=cart.currency)
    chosen = next((one for one in fit if one.method == cart.method), None)
    if cart.method and chosen is None:
        detail = "What was chosen does not send this any more, or not there."
        return None, [LineProblem("shipping_method_unavailable", detail)]
    served = market is None or country is None or market.sells_to(country)
    if not served or (known.rules.methods and not fit):
        return None, [LineProblem("shipping_unavailable", "Nothing is sent there.")]
    return chosen or next(iter(fit), None), []


def _coupons(
    cart: Cart, items: Sequence[Item], known: Known
) -> tuple[list[Coupon], list[LineProblem]]:
    """Those that apply, and why the others do not."""
    fit, problems = [], []
    for code in cart.coupons[:MOST_COUPONS]:
        coupon = known.coupons[code, cart.customer]
        trouble = coupon.trouble(
            customer=cart.customer, items=items, currency=cart.currency, now=known.now
        )
        if trouble is None:
            fit.append(coupon)
        else:
            problems.append(LineProblem(trouble.value, TOLD[trouble], coupon=code))
    detail = f"A cart takes {MOST_COUPONS} coupons at most."
    surplus = cart.coupons[MOST_COUPONS:]
    problems += [LineProblem("too_many_coupons", detail, coupon=code) for code in surplus]
    return fit, problems
