"""Money in whole minor units with its ISO 4217 currency; never a fraction, never a float."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Annotated, Final

from babel.core import get_global
from babel.numbers import get_currency_precision
from msgspec import Meta, Struct

from domain.patterns import whole

Currency = Annotated[str, Meta(pattern=whole("[A-Z]{3}"), description="ISO 4217")]
Minor = int
MOST_DIGITS = 15
"""Before or behind the point; more is a slip of the keyboard, and would take a while to count."""
MOST: Final = 10**15
"""Minor units of one sum, either way; every reader of JSON can still tell it from the next."""


class Money(Struct, frozen=True):
    """`amount` is in minor units: 1299 GBP is £12.99, 1299 JPY is ¥1299."""

    amount: Annotated[int, Meta(ge=-MOST, le=MOST)]
    currency: Currency

    def __post_init__(self) -> None:
        if abs(self.amount) > MOST:
            raise ValueError(f"{self.amount} is more than money has")

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.amount * quantity, self.currency)

    @property
    def whole_units(self) -> int:
        """Whole pounds, kronor, lei …, rounded down."""
        return self.amount // int(10 ** precision(self.currency))


def precision(currency: str) -> int:
    """Decimal places of `currency` (Unicode CLDR): 2 for GBP, 0 for JPY."""
    return get_currency_precision(currency)


def is_currency(code: str) -> bool:
    return code in get_global("all_currencies")


def from_major(text: str, currency: str) -> Money:
    """`2.55` and `GBP` as 255 minor units.

    Raises:
        ValueError: not a number, or finer than the currency's smallest coin.
    """
    try:
        major = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not major.is_finite() or not -MOST_DIGITS < major.adjusted() < MOST_DIGITS:
        raise ValueError(f"{text!r} is not a number that money has")
    minor = major.scaleb(precision(currency))
    if minor != minor.to_integral_value(ROUND_HALF_EVEN):
        raise ValueError(f"{text!r} is finer than the smallest coin of {currency}")
    return Money(int(minor), currency)
