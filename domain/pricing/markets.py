"""Markets: the countries where the retailer sells, their currencies and their taxes.

Without a configured market there is a default one: prices include their tax, which is not stated,
and any currency and any country is valid. As soon as there is one, nothing is sold in a currency
that none of them has.
"""

from collections.abc import Collection
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct, field

from domain.contact.preferences import WallTime
from domain.kernel.addresses import country_codes
from domain.kernel.errors import Invalid, InvalidField
from domain.kernel.ids import MarketId
from domain.kernel.locales import Locale
from domain.kernel.money import Currency, is_currency
from domain.pricing.price_rules import Category, CountryCode, Percent, check_name


class TaxRates(Struct, frozen=True, forbid_unknown_fields=True):
    """Rates in per cent: of single product categories, and of all others."""

    default: Percent = "0"
    categories: Annotated[dict[Category, Percent], Meta(max_length=500)] = {}

    def rate_of(self, category: str) -> Percent:
        """Two spellings of one rate are one: `25.0` is `25`."""
        rate = Decimal(self.categories.get(category, self.default))
        return f"{rate.normalize():f}"


class SendingHours(Struct, frozen=True, forbid_unknown_fields=True):
    """The hours when the law allows unsolicited messages, on the recipient's own clock."""

    begin: WallTime = field(name="from")
    end: WallTime = field(name="to")

    def __post_init__(self) -> None:
        if self.begin >= self.end:
            raise InvalidField("sending_hours.to", "no_length", "must be later than its beginning")


class MarketTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No `countries` means all of them. `sending_hours` apply without a stated preference."""

    currency: Currency
    countries: Annotated[tuple[CountryCode, ...], Meta(max_length=300)] = ()
    locales: Annotated[tuple[Locale, ...], Meta(max_length=100)] = ()
    prices_include_tax: bool = True
    tax: TaxRates = TaxRates()
    sending_hours: SendingHours | None = None

    def __post_init__(self) -> None:
        if not is_currency(self.currency):
            raise InvalidField("currency", "unknown_currency", "must be a currency of ISO 4217")
        check_countries(self.countries)

    def sells_to(self, country: str) -> bool:
        return not self.countries or country in self.countries


class Market(MarketTerms, frozen=True, kw_only=True):
    market: MarketId
    version: int = 1

    def __post_init__(self) -> None:
        check_name("market", self.market)
        super().__post_init__()

    @property
    def name(self) -> str:
        return self.market


class CurrencyNotSold(Invalid):
    """There are markets, and none of them has the currency."""

    code = "currency_not_sold"

    def __init__(self, currency: str, markets: Collection[Market]) -> None:
        detail = f"Nothing is sold in {currency}."
        error = {"pointer": "/currency", "code": self.code, "detail": detail}
        sold = sorted({market.currency for market in markets})
        super().__init__(detail, errors=[error], facts={"currencies": sold})


class UnknownMarket(Invalid):
    """The market that was named is none of ours, or has another currency."""

    code = "unknown_market"

    def __init__(self, market: str, currency: str) -> None:
        detail = f"There is no market {market!r} in {currency}."
        error = {"pointer": "/market", "code": self.code, "detail": detail}
        super().__init__(detail, errors=[error], facts={"market": market})


def check_countries(told: Collection[str]) -> None:
    """Raises InvalidField."""
    for at, country in enumerate(told):
        if country not in country_codes():
            rule = "must be two letters of ISO 3166"
            raise InvalidField(f"countries.{at}", "unknown_country", rule)


def choose_market(markets: Collection[Market], currency: str, named: str | None) -> Market | None:
    """The market of a new cart: the one that was named, else the first that has the currency.

    None where the retailer has no markets.

    Raises:
        UnknownMarket, CurrencyNotSold
    """
    found = ensure_market(markets, currency, named)
    if named is not None and (found is None or found.market != named):
        raise UnknownMarket(named, currency)
    if found is None and markets:
        raise CurrencyNotSold(currency, markets)
    return found


def default_currency(markets: Collection[Market], default: str) -> str:
    """The currency of a cart that names none: `default`, where it is sold at all."""
    sold = [market.currency for market in sorted(markets, key=lambda one: one.market)]
    return sold[0] if sold and default not in sold else default


def ensure_market(markets: Collection[Market], currency: str, named: str | None) -> Market | None:
    """The market of a cart as it is by now; another of its currency where its own is gone."""
    fit = sorted(
        (market for market in markets if market.currency == currency),
        key=lambda market: (market.market != named, market.market),
    )
    return fit[0] if fit else None
