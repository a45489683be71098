"""Money in whole minor units with its ISO 4217 currency; never a fraction, never a float."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Annotated, Final

from babel.core import get_global
from babel.numbers import get_currency_precision
from msgspec import Meta, Struct

from domain.kernel.patterns import anchored

Currency = Annotated[str, Meta(pattern=anchored("[A-Z]{3}"), description="ISO 4217")]
MinorUnits = int
MAX_DIGITS = 15
"""Before or behind the point; more is a slip of the keyboard, and would take a while to count."""
MAX_AMOUNT: Final = 10**15
"""Minor units of one sum, either sign; exact for every JSON parser."""


class Money(Struct, frozen=True):
    """`amount` is in minor units: 1299 GBP is £12.99, 1299 JPY is ¥1299."""

    amount: Annotated[int, Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
    currency: Currency

    def __post_init__(self) -> None:
        if abs(self.amount) > MAX_AMOUNT:
            raise ValueError(f"{self.amount} is more than money has")

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.amount * quantity, self.currency)

    @property
    def major_units(self) -> int:
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
    if not major.is_finite() or not -MAX_DIGITS < major.adjusted() < MAX_DIGITS:
        raise ValueError(f"{text!r} is not a number that money has")
    minor = major.scaleb(precision(currency))
    if minor != minor.to_integral_value(ROUND_HALF_EVEN):
        raise ValueError(f"{text!r} is finer than the smallest coin of {currency}")
    return Money(int(minor), currency)


def round_half_up(numerator: int, denominator: int) -> int:
    """A fraction of money in whole minor units; a half goes up. Neither is below 0."""
    return (2 * numerator + denominator) // (2 * denominator)


def split(amount: MinorUnits, weights: Mapping[str, int]) -> dict[str, MinorUnits]:
    """`amount` shared out by `weights`, to the last minor unit.

    Each has its share rounded down; the rest goes, one unit each, to those with the largest
    remainders, and among equals by name: so their order changes nothing.
    """
    whole = sum(weights.values())
    if not whole:
        assert not amount, "nobody is there to bear it"
        return dict.fromkeys(weights, 0)
    shares = {name: amount * weight // whole for name, weight in weights.items()}
    left = amount - sum(shares.values())
    by_remainder = sorted(weights, key=lambda name: (-(amount * weights[name] % whole), name))
    for name in by_remainder[:left]:
        shares[name] += 1
    return shares


def share_of_units(amount: MinorUnits, quantity: int, first: int, units: int) -> MinorUnits:
    """The part of `amount` for `units` of its `quantity`, after the first `first`.

    Taken bit by bit until none is left, the shares add up to the amount exactly.
    """
    assert 0 <= first <= first + units <= quantity, "a line has no more units than it has"
    return amount * (first + units) // quantity - amount * first // quantity
