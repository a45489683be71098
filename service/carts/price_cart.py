"""The price of a cart now, by the one rule that its view and its checkout share."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from domain.carts.cart_lines import CartLine
from domain.carts.carts import Cart
from domain.catalogue.products import Product
from domain.kernel.addresses import Address
from domain.kernel.ids import Sku
from domain.pricing.markets import Market, ensure_market
from domain.pricing.prices import PricingContext, PricingRules, Quote, quote_cart
from domain.pricing.promotions import COUPON_MESSAGES, MAX_COUPONS, Coupon, PromotionItem
from domain.pricing.shipping_methods import ShippingMethod, list_offered
from service.carts.line_problems import LineProblem
from service.pricing.ports import PriceScope
from service.shared.unit_of_work import Unit

ADDRESS: Final = "address"


class PricingInputs(Struct, frozen=True):
    """The price rules of this moment, and the coupons of the carts that are priced."""

    rules: PricingRules
    coupons: Mapping[PriceScope, Coupon]
    now: datetime


class PricedCart(Struct, frozen=True):
    """A priced cart. `coupons` are those that reduce the price: an order uses them.

    `requires` are the fields that are missing.
    """

    quote: Quote
    items: Sequence[PromotionItem]
    market: Market | None
    method: ShippingMethod | None
    coupons: Sequence[Coupon]
    problems: list[LineProblem]
    requires: list[str]


async def get_pricing_inputs(unit: Unit, *carts: Cart) -> PricingInputs:
    """One statement, whatever is in the carts."""
    rules, coupons = await unit.pricing.prices.get_rules(
        {shown for cart in carts for shown in price_scope_of(cart)}
    )
    return PricingInputs(rules, coupons, unit.now)


def price_scope_of(cart: Cart) -> list[PriceScope]:
    """The coupons in a cart, and whose it is."""
    return [(code, cart.customer) for code in cart.coupons]


def price_cart(
    cart: Cart,
    catalogue: Mapping[Sku, Product],
    known: PricingInputs,
    *,
    locale: str,
    address: Address | None = None,
) -> PricedCart:
    """Prices a cart that is sent to `address`, or to the address of the cart."""
    address = address or cart.address
    items = [_item(line, catalogue.get(line.sku)) for line in cart.lines]
    market = ensure_market(known.rules.markets, cart.currency, cart.market)
    problems = _of_market(known, market)
    is_sent = any(item.ships for item in items)
    method, trouble = _method(cart, address, known, market) if is_sent else (None, [])
    coupons, troubles = _coupons(cart, items, known)
    deal = PricingContext(
        cart.currency,
        known.now,
        market=market,
        promotions=known.rules.promotions,
        coupons=[one.promotion for one in coupons if one.promotion],
        method=method,
        locale=locale,
    )
    told = quote_cart(items, deal)
    takes = {discount.promotion for line in told.lines for discount in line.discounts}
    return PricedCart(
        told,
        items,
        market,
        method,
        [one for one in coupons if one.promotion and one.promotion.promotion in takes],
        [*problems, *trouble, *troubles],
        [ADDRESS] if is_sent and address is None else [],
    )


def _item(line: CartLine, product: Product | None) -> PromotionItem:
    """Returns the item of a line; a SKU that left the catalogue costs its last seen price."""
    price, category = (product.price, product.category) if product else (line.seen, "")
    return PromotionItem(
        line.line_id, line.sku, line.quantity, price.amount, category, line.is_for_shipping
    )


def _of_market(known: PricingInputs, market: Market | None) -> list[LineProblem]:
    if market or not known.rules.markets:
        return []
    return [LineProblem("market_closed", "Nothing is sold in this currency any more.")]


def _method(
    cart: Cart, address: Address | None, known: PricingInputs, market: Market | None
) -> tuple[ShippingMethod | None, list[LineProblem]]:
    """The method that was chosen, else the cheapest; a shop without any sends for nothing."""
    country = address.country if address else None
    fit = list_offered(known.rules.methods, market=market, country=country, currency=cart.currency)
    chosen = next((one for one in fit if one.method == cart.method), None)
    if cart.method and chosen is None:
        detail = "What was chosen does not send this any more, or not there."
        return None, [LineProblem("shipping_method_unavailable", detail)]
    served = market is None or country is None or market.sells_to(country)
    if not served or (known.rules.methods and not fit):
        return None, [LineProblem("shipping_unavailable", "Nothing is sent there.")]
    return chosen or next(iter(fit), None), []


def _coupons(
    cart: Cart, items: Sequence[PromotionItem], known: PricingInputs
) -> tuple[list[Coupon], list[LineProblem]]:
    """Those that apply, and why the others do not."""
    fit, problems = [], []
    for code in cart.coupons[:MAX_COUPONS]:
        coupon = known.coupons[code, cart.customer]
        trouble = coupon.find_problem(
            customer=cart.customer, items=items, currency=cart.currency, now=known.now
        )
        if trouble is None:
            fit.append(coupon)
        else:
            problems.append(LineProblem(trouble.value, COUPON_MESSAGES[trouble], coupon=code))
    detail = f"A cart takes {MAX_COUPONS} coupons at most."
    surplus = cart.coupons[MAX_COUPONS:]
    problems += [LineProblem("too_many_coupons", detail, coupon=code) for code in surplus]
    return fit, problems
