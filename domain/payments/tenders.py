"""Tenders: the means by which an order is paid."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from domain.kernel.errors import Conflict
from domain.kernel.money import Money
from domain.kernel.patterns import anchored
from domain.pricing.prices import Totals

CARD: Final = "card"
PAY_AT_PICKUP: Final = "pay_at_pickup"
PAY_AT_TILL: Final = "pay_at_till"
ON_ACCOUNT: Final = "on_account"
PAYMENT_METHODS: Final = (PAY_AT_PICKUP, CARD, PAY_AT_TILL, ON_ACCOUNT)
CardToken = Annotated[
    str, Meta(pattern=anchored("[A-Za-z0-9_-]{1,255}"), min_length=1, max_length=255)
]


class Payment(Struct, frozen=True, forbid_unknown_fields=True):
    """The payment of an order: on collection, by card, at a till at once, or on account.

    `card` is the provider's name of a card that the page gave to it before, such as `pm_…`;
    `receipt` the till's own id of the payment there.
    """

    method: Annotated[str, Meta(pattern=anchored("|".join(PAYMENT_METHODS)))] = PAY_AT_PICKUP
    card: CardToken | None = None
    receipt: Annotated[str, Meta(min_length=1, max_length=255)] | None = None

    def __post_init__(self) -> None:
        if self.card is not None and self.method != CARD:
            raise ValueError("Object contains unknown field `card`")
        if self.receipt is not None and self.method != PAY_AT_TILL:
            raise ValueError("Object contains unknown field `receipt`")


class TenderNotAccepted(Conflict):
    code = "tender_not_accepted"

    def __init__(self, tender: str) -> None:
        super().__init__(f"Nothing can be paid with {tender} here.", facts={"tender": tender})


class TenderRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The amount to pay with points or gift cards, before `payment` covers the rest."""

    points: Annotated[int, Meta(ge=0, le=10**9)] = 0
    gift_cards: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=20)] = []

    def ensure_accepted(self) -> None:
        """Raises TenderNotAccepted: the shop accepts neither yet, and refuses at once."""
        if self.points:
            raise TenderNotAccepted("points")
        if self.gift_cards:
            raise TenderNotAccepted("gift_cards")


class Tender(Struct, frozen=True):
    type: str
    amount: Money


def to_tenders(payment: Payment, totals: Totals) -> list[Tender]:
    """The payment of the order: all of it by one tender."""
    return [Tender(payment.method, totals.to_pay)]
