"""A cart that was placed: what was bought, for how much, and how it reaches its buyer."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, structs

from domain.customers import read_email, read_phone
from domain.ids import CartId, CustomerId, OrderId, PickupId, Sku, StoreId
from domain.money import Money
from domain.patterns import whole
from domain.points import points_of_lines
from domain.refusals import Conflict, WrongField
from domain.texts import Name


class OrderState(StrEnum):
    PENDING_PAYMENT = "pending_payment"
    PLACED = "placed"
    PARTLY_FULFILLED = "partly_fulfilled"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Contact(Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach whoever ordered. An order is reachable by e-mail, by phone, or by both."""

    name: Name
    email: Annotated[str, Meta(max_length=254)] | None = None
    phone: Annotated[str, Meta(max_length=32)] | None = None

    def read(self, country: str) -> "Contact":
        """As mail and calls need it; a number without a country code is from `country`.

        Raises:
            WrongField: the address or the number cannot be one, or there is neither.
        """
        if not self.email and not self.phone:
            raise WrongField("contact", "unreachable", "needs an e-mail address or a phone number")
        email = read_email(self.email, "contact.email") if self.email else None
        phone = read_phone(self.phone, country or None, "contact.phone") if self.phone else None
        return Contact(self.name, email, phone)


class OrderLine(Struct, frozen=True):
    """Price and name as they were when the order was placed; `points` are what it will earn.

    `line` names it within its order: its SKU, and with a number behind it where the SKU stands on
    several lines.
    """

    sku: Sku
    name: str
    quantity: int
    unit_price: Money
    total: Money
    points: int = 0
    pickup: PickupId | None = None
    cancelled: int = 0
    collected: int = 0
    line: str = ""

    def __post_init__(self) -> None:
        if not self.line:
            structs.force_setattr(self, "line", self.sku)

    @property
    def settled(self) -> int:
        """Units whose fate is known: collected or cancelled."""
        return self.collected + self.cancelled

    @property
    def points_left(self) -> int:
        """Points of the units that are still to come."""
        return self.points_of(self.settled, self.quantity - self.settled)

    def points_of(self, first: int, units: int) -> int:
        """Points of `units` units after the first `first`; over all units they add up exactly."""
        return self.points * (first + units) // self.quantity - self.points * first // self.quantity


class Group(Struct, frozen=True):
    """Lines of one store and method, with their promise in the store's own time."""

    method: str
    store: StoreId
    pickup: PickupId
    promised_from: datetime
    promised_until: datetime


class Payment(Struct, frozen=True, forbid_unknown_fields=True):
    method: Annotated[str, Meta(pattern=whole("pay_at_pickup"))] = "pay_at_pickup"


class TenderRefused(Conflict):
    code = "tender_not_accepted"

    def __init__(self, tender: str) -> None:
        super().__init__(f"Nothing can be paid with {tender} here.", facts={"tender": tender})


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be paid with points or gift cards, before the rest is paid as `payment` says."""

    points: Annotated[int, Meta(ge=0, le=10**9)] = 0
    gift_cards: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=20)] = []

    def must_be_accepted(self) -> None:
        """Raises TenderRefused: the shop takes neither yet, and says so at once."""
        if self.points:
            raise TenderRefused("points")
        if self.gift_cards:
            raise TenderRefused("gift_cards")


class Earning(Struct, frozen=True):
    to_earn: int


class Totals(Struct, frozen=True):
    goods: Money
    to_pay: Money


class Tender(Struct, frozen=True):
    type: str
    amount: Money


class Order(Struct, frozen=True):
    """`to_pay` is what the goods cost that are not cancelled; `actor` is who placed it."""

    id: OrderId
    cart: CartId
    state: OrderState
    placed_at: datetime
    currency: str
    locale: str
    contact: Contact
    lines: list[OrderLine]
    groups: list[Group]
    payment: Payment
    totals: Totals
    points: Earning
    tenders: list[Tender]
    actor: str
    changed_at: datetime
    version: int = 1
    customer: CustomerId | None = None

    def line(self, name: str) -> OrderLine:
        return next(line for line in self.lines if line.line == name)

    def prepared(self, pickup: PickupId, units: Mapping[Sku, int]) -> dict[str, int]:
        """Units of a pickup's SKUs as units of this order's lines."""
        lines = {line.sku: line.line for line in self.lines if line.pickup == pickup}
        return {lines[sku]: count for sku, count in units.items()}

    def settle(
        self, *, collected: Mapping[str, int], cancelled: Mapping[str, int], now: datetime
    ) -> "Order":
        """The order after so many units of its lines were collected and cancelled.

        What is to be paid falls by what was cancelled. The state follows from the lines.
        """
        lines = [
            structs.replace(
                line,
                collected=line.collected + collected.get(line.line, 0),
                cancelled=line.cancelled + cancelled.get(line.line, 0),
            )
            for line in self.lines
        ]
        to_pay = sum(line.unit_price.amount * (line.quantity - line.cancelled) for line in lines)
        totals = Totals(self.totals.goods, Money(to_pay, self.currency))
        return structs.replace(
            self,
            lines=lines,
            state=_state_of(lines),
            totals=totals,
            tenders=tenders_of(self.payment, totals),
            points=Earning(sum(line.points_left for line in lines)),
            version=self.version + 1,
            changed_at=now,
        )


def _state_of(lines: list[OrderLine]) -> OrderState:
    if any(line.settled < line.quantity for line in lines):
        begun = any(line.collected for line in lines)
        return OrderState.PARTLY_FULFILLED if begun else OrderState.PLACED
    return OrderState.FULFILLED if any(line.collected for line in lines) else OrderState.CANCELLED


def earning(lines: list[OrderLine]) -> list[OrderLine]:
    """The lines with the points that a member earns by them."""
    points = points_of_lines([line.total for line in lines])
    return [structs.replace(line, points=count) for line, count in zip(lines, points, strict=True)]


def tenders_of(payment: Payment, totals: Totals) -> list[Tender]:
    """How the order is paid: all of it in one way."""
    return [Tender(payment.method, totals.to_pay)]


def points_ended(before: Order, units: Mapping[str, int]) -> dict[str, int]:
    """Points that belong to the next `units` of each line to be collected or cancelled."""
    points = {
        name: before.line(name).points_of(before.line(name).settled, count)
        for name, count in units.items()
    }
    return {name: count for name, count in points.items() if count}
