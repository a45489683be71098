"""Cart prices, line by line: discounts, shipping and taxes, all of which add up exactly.

    goods      = the sum of unit price x quantity
    total      = a line's goods less its discounts
    to_pay     = goods - discounts + shipping, and the tax where prices come without it

A tax is counted once for each rate, on the sum of its base, and then allocated to the lines: so the
amounts on the lines, in the sums by rate and in the totals agree to the last minor unit.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from domain.kernel.ids import MarketId, PromotionId, ShippingMethodId
from domain.kernel.money import Money, round_half_up, split
from domain.pricing.discounts import AppliedDiscounts, apply_discounts
from domain.pricing.markets import Market
from domain.pricing.price_rules import Percent
from domain.pricing.promotions import Promotion, PromotionItem
from domain.pricing.shipping_methods import ShippingMethod

SHIPPING_LINE = ""
"""The key of shipping among the lines, which no line has."""


class PricingRules(Struct, frozen=True):
    """The price rules of every cart. `promotions` are those that need no code."""

    markets: tuple[Market, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    methods: tuple[ShippingMethod, ...] = ()


class LineDiscount(Struct, frozen=True):
    """The discount of a promotion on a line; with the `code` of the coupon that it needed."""

    promotion: PromotionId
    name: str
    amount: Money
    code: str | None = None


class PricedLine(Struct, frozen=True):
    """`to_pay` is the total with its tax. Where no tax is stated, the rate is null."""

    line: str
    quantity: int
    unit_price: Money
    discounts: list[LineDiscount]
    total: Money
    tax_rate: Percent | None
    tax: Money
    to_pay: Money

    def split(self, quantities: Sequence[int]) -> "list[PricedLine]":
        """The line in parts of so many units, which add up to it in every figure."""
        currency, names = self.total.currency, [str(part) for part in range(len(quantities))]
        left = {
            name: self.unit_price.amount * units
            for name, units in zip(names, quantities, strict=True)
        }
        discounts: dict[str, list[LineDiscount]] = {name: [] for name in names}
        for one in self.discounts:
            for name, off in split(one.amount.amount, left).items():
                left[name] -= off
                discounts[name] += [replace(one, amount=Money(off, currency))] if off else []
        taxes = split(self.tax.amount, left)
        on_top = self.to_pay != self.total
        return [
            replace(
                self,
                quantity=units,
                discounts=discounts[name],
                total=Money(left[name], currency),
                tax=Money(taxes[name], currency),
                to_pay=Money(left[name] + (taxes[name] if on_top else 0), currency),
            )
            for name, units in zip(names, quantities, strict=True)
        ]


class ShippingCharge(Struct, frozen=True):
    """The shipping cost, once for the order."""

    method: ShippingMethodId
    name: str
    price: Money
    tax_rate: Percent | None
    tax: Money
    to_pay: Money


class TaxTotal(Struct, frozen=True):
    """All that bears one rate, shipping too: `gross` is `net` and `tax`."""

    rate: Percent
    net: Money
    tax: Money
    gross: Money


class Totals(Struct, frozen=True):
    """`goods` are before their discounts; `to_pay` includes `tax` in every market."""

    goods: Money
    discounts: Money
    shipping: Money
    tax: Money
    to_pay: Money


class Quote(Struct, frozen=True):
    currency: str
    market: MarketId | None
    prices_include_tax: bool
    lines: list[PricedLine]
    shipping: ShippingCharge | None
    taxes: list[TaxTotal]
    totals: Totals


class PricingContext(Struct, frozen=True):
    """The price inputs of a cart: its market, its possible discounts, and its shipping.

    `coupons` are those that apply.
    """

    currency: str
    now: datetime
    market: Market | None = None
    promotions: Sequence[Promotion] = ()
    coupons: Sequence[Promotion] = ()
    method: ShippingMethod | None = None
    locale: str = ""

    @property
    def includes_tax(self) -> bool:
        return self.market is None or self.market.prices_include_tax

    def rate_of(self, category: str) -> Percent | None:
        return self.market.tax.rate_of(category) if self.market else None

    def applicable_promotions(self, items: Collection[PromotionItem]) -> list[Promotion]:
        """Those that need no code, are on now, and find their goods."""
        return [
            one
            for one in self.promotions
            if one.code is None
            and one.has_started(self.now)
            and not one.has_ended(self.now)
            and one.is_applicable(items, self.currency)
        ]


def quote_cart(items: Sequence[PromotionItem], deal: PricingContext) -> Quote:
    """Price a cart. The lines keep their order, which changes no sum."""
    taken = apply_discounts(items, deal.applicable_promotions(items), deal.coupons)
    totals = {item.line: item.subtotal - _discount_of(taken, item.line) for item in items}
    rates = {item.line: deal.rate_of(item.category) for item in items}
    sent = deal.method if any(item.ships for item in items) else None
    if sent:
        totals[SHIPPING_LINE] = sent.price_for(sum(totals.values()))
        rates[SHIPPING_LINE] = deal.rate_of(sent.tax_category or "")
    taxes, taxed = _taxes(totals, rates, includes=deal.includes_tax)
    on_top = 0 if deal.includes_tax else sum(taxed.values())

    def money(amount: int) -> Money:
        return Money(amount, deal.currency)

    def bill(line: str) -> tuple[Money, Percent | None, Money, Money]:
        gross = totals[line] + (0 if deal.includes_tax else taxed[line])
        return money(totals[line]), rates[line], money(taxed[line]), money(gross)

    lines = [
        PricedLine(
            item.line,
            item.quantity,
            money(item.price),
            _discounts(taken, item.line, deal),
            *bill(item.line),
        )
        for item in items
    ]
    goods = sum(item.subtotal for item in items)
    fee = totals.get(SHIPPING_LINE, 0)
    return Quote(
        currency=deal.currency,
        market=deal.market.market if deal.market else None,
        prices_include_tax=deal.includes_tax,
        lines=lines,
        shipping=ShippingCharge(sent.method, sent.name_in(deal.locale), *bill(SHIPPING_LINE))
        if sent
        else None,
        taxes=[TaxTotal(rate, *map(money, amounts)) for rate, *amounts in taxes],
        totals=Totals(
            goods=money(goods),
            discounts=money(goods + fee - sum(totals.values())),
            shipping=money(fee),
            tax=money(sum(taxed.values())),
            to_pay=money(sum(totals.values()) + on_top),
        ),
    )


def _discount_of(taken: AppliedDiscounts, line: str) -> int:
    return sum(off.get(line, 0) for _, off in taken)


def _discounts(taken: AppliedDiscounts, line: str, deal: PricingContext) -> list[LineDiscount]:
    return [
        LineDiscount(
            one.promotion, one.name_in(deal.locale), Money(off[line], deal.currency), one.code
        )
        for one, off in taken
        if off.get(line)
    ]


def _taxes(
    totals: dict[str, int], rates: dict[str, Percent | None], *, includes: bool
) -> tuple[list[tuple[Percent, int, int, int]], dict[str, int]]:
    """Net, tax and gross of each rate, the lowest first, and the tax of each line."""
    taxed = dict.fromkeys(totals, 0)
    sums = []
    for rate in sorted({rate for rate in rates.values() if rate is not None}, key=Decimal):
        bearing = {line: totals[line] for line in totals if rates[line] == rate}
        told = sum(bearing.values())
        tax = compute_tax(told, rate, included=includes)
        taxed |= split(tax, bearing)
        sums.append((rate, told - tax, tax, told) if includes else (rate, told, tax, told + tax))
    return sums, taxed


def compute_tax(amount: int, rate: Percent, *, included: bool) -> int:
    """The tax included in an amount, or added to it; half a minor unit is rounded up."""
    part, whole = (Decimal(rate) / 100).as_integer_ratio()
    return round_half_up(amount * part, whole + part if included else whole)
