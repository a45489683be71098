"""Shipping methods: their prices, countries and delivery days."""

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from domain.catalogue.products import MAX_PRICE, Names
from domain.kernel.errors import Invalid, InvalidField
from domain.kernel.ids import ShippingMethodId
from domain.kernel.locales import fallback_chain
from domain.kernel.money import Money, is_currency
from domain.pricing.markets import Market, check_countries
from domain.pricing.price_rules import Category, CountryCode, check_name

Days = Annotated[int, Meta(ge=0, le=365)]


class ShippingMethodState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


class ShippingTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`price` is once per order, and zero when the goods cost `free_from` or more.

    No `countries` means all of them. It takes `days_min` to `days_max` days. Its tax is that of
    `tax_category`, as if it were a product.
    """

    names: Names
    price: Money
    countries: Annotated[tuple[CountryCode, ...], Meta(max_length=300)] = ()
    free_from: Money | None = None
    days_min: Days = 1
    days_max: Days = 5
    tax_category: Category | None = None
    state: ShippingMethodState = ShippingMethodState.ACTIVE

    def __post_init__(self) -> None:
        check_price("price", self.price)
        if self.free_from is not None:
            check_price("free_from", self.free_from)
            if self.free_from.currency != self.price.currency:
                rule = "must be in the currency of its price"
                raise InvalidField("free_from.currency", "currency_mismatch", rule)
        if self.days_min > self.days_max:
            raise InvalidField("days_max", "before_minimum", "must not be below days_min")
        check_countries(self.countries)


class ShippingMethod(ShippingTerms, frozen=True, kw_only=True):
    method: ShippingMethodId
    version: int = 1

    def __post_init__(self) -> None:
        check_name("method", self.method)
        super().__post_init__()

    @property
    def name(self) -> str:
        return self.method

    def is_available_for(self, *, country: str | None, currency: str | None) -> bool:
        """Whether it may be chosen; a country or currency not yet known excludes no method."""
        if self.state is not ShippingMethodState.ACTIVE:
            return False
        if currency is not None and self.price.currency != currency:
            return False
        return country is None or not self.countries or country in self.countries

    def price_for(self, goods: int) -> int:
        """Minor units for goods that cost so much, their discounts taken off."""
        free = self.free_from is not None and goods >= self.free_from.amount
        return 0 if free else self.price.amount

    def name_in(self, locale: str) -> str:
        names = (self.names.get(one) for one in fallback_chain(locale))
        return next((name for name in names if name), None) or next(
            iter(self.names.values()), self.method
        )


class UnknownShippingMethod(Invalid):
    """The method that was named is none of ours, is paused, or has another currency."""

    code = "unknown_shipping_method"

    def __init__(self, method: str, currency: str) -> None:
        detail = f"Nothing is sent by {method!r} for {currency}."
        super().__init__(
            detail, errors=[{"pointer": "/method", "code": self.code, "detail": detail}]
        )


def ensure_offered(method: str, known: Collection[ShippingMethod], currency: str) -> None:
    """Raises UnknownShippingMethod."""
    fit = list_offered(known, market=None, country=None, currency=currency)
    if all(one.method != method for one in fit):
        raise UnknownShippingMethod(method, currency)


def check_price(field: str, price: Money) -> None:
    """Raises InvalidField for a price that no shipping method can have."""
    if not is_currency(price.currency):
        rule = "must be a currency of ISO 4217"
        raise InvalidField(f"{field}.currency", "unknown_currency", rule)
    if not 0 <= price.amount <= MAX_PRICE:
        rule = f"must be 0 to {MAX_PRICE} minor units"
        raise InvalidField(f"{field}.amount", "out_of_range", rule)


def list_offered(
    methods: Collection[ShippingMethod],
    *,
    market: Market | None,
    country: str | None,
    currency: str | None,
) -> list[ShippingMethod]:
    """Those that reach a country in a currency, the cheapest first."""
    if market and country and not market.sells_to(country):
        return []
    fit = (one for one in methods if one.is_available_for(country=country, currency=currency))
    return sorted(fit, key=lambda one: (one.price.amount, one.method))
