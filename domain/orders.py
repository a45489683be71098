"""A cart that was placed: what was bought, for how much, and how it reaches its buyer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from domain.ids import CartId, CustomerId, OrderId, PickupId, Sku, StoreId
from domain.money import Money


class OrderState(StrEnum):
    PENDING_PAYMENT = "pending_payment"
    PLACED = "placed"
    PARTLY_FULFILLED = "partly_fulfilled"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Contact(Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach whoever ordered. An order is reachable by e-mail, by phone, or by both."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    email: Annotated[str, Meta(max_length=254)] | None = None
    phone: Annotated[str, Meta(max_length=32)] | None = None


class OrderLine(Struct, frozen=True):
    """Price and name as they were when the order was placed; `points` are what it will earn."""

    sku: Sku
    name: str
    quantity: int
    unit_price: Money
    total: Money
    points: int = 0
    pickup: PickupId | None = None
    cancelled: int = 0
    collected: int = 0

    @property
    def settled(self) -> int:
        """Units whose fate is known: collected or cancelled."""
        return self.collected + self.cancelled

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
    method: Annotated[str, Meta(pattern="^pay_at_pickup$")] = "pay_at_pickup"


class Earning(Struct, frozen=True):
    to_earn: int


class Totals(Struct, frozen=True):
    goods: Money
    to_pay: Money


class Order(Struct, frozen=True):
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
    version: int = 1
    customer: CustomerId | None = None
    tenders: list[str] = []
