"""Orders: placed carts, with the goods bought, the price, and the way to the buyer."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from domain.customers.customers import parse_email, parse_phone
from domain.kernel.addresses import Address
from domain.kernel.errors import InvalidField
from domain.kernel.ids import (
    AttemptId,
    CartId,
    CustomerId,
    MarketId,
    OrderId,
    PickupId,
    PromotionId,
    ShipmentId,
    Sku,
    StoreId,
)
from domain.kernel.money import Money
from domain.kernel.text import Name
from domain.loyalty.points import compute_line_points
from domain.orders.order_lines import OrderLine
from domain.payments.tenders import CARD, Payment, Tender, to_tenders
from domain.pricing.prices import ShippingCharge, TaxTotal, Totals

NO_UNITS: Final[Mapping[Sku, int]] = {}


class OrderState(StrEnum):
    PENDING_PAYMENT = "pending_payment"
    PLACED = "placed"
    PARTLY_FULFILLED = "partly_fulfilled"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Contact(Struct, frozen=True, forbid_unknown_fields=True):
    """The contact of the buyer. An order is reachable by e-mail, by phone, or by both."""

    name: Name
    email: Annotated[str, Meta(max_length=254)] | None = None
    phone: Annotated[str, Meta(max_length=32)] | None = None

    def normalise(self, country: str) -> "Contact":
        """As mail and calls need it; a number without a country code is from `country`.

        Raises:
            InvalidField: the address or the number cannot be one, or there is neither.
        """
        if not self.email and not self.phone:
            raise InvalidField(
                "contact", "unreachable", "needs an e-mail address or a phone number"
            )
        email = parse_email(self.email, "contact.email") if self.email else None
        phone = parse_phone(self.phone, country or None, "contact.phone") if self.phone else None
        return Contact(self.name, email, phone)


class OrderFulfilment(Struct, frozen=True):
    """Lines of one location and method: a pickup or a shipment, with its promise.

    Times are in the location's own; nothing is promised of a shipment whose method names no days.
    """

    method: str
    store: StoreId
    pickup: PickupId | UnsetType = UNSET
    shipment: ShipmentId | UnsetType = UNSET
    promised_from: datetime | None = None
    promised_until: datetime | None = None

    @property
    def id(self) -> str:
        return self.pickup or self.shipment or ""


class OrderPoints(Struct, frozen=True):
    to_earn: int


class AppliedCoupon(Struct, frozen=True):
    code: str
    promotion: PromotionId


class OrderPricing(Struct, frozen=True):
    """The price breakdown of an order when it was placed; later cancellations do not change it."""

    market: MarketId | None = None
    prices_include_tax: bool = True
    shipping: ShippingCharge | None = None
    taxes: list[TaxTotal] = []
    coupons: list[AppliedCoupon] = []


class Order(Struct, frozen=True):
    """An order; `to_pay` is the price of units not cancelled, with shipping while any is sent.

    The other totals and `pricing` are as they were placed; `actor` placed the order. `attempt` is
    the payment attempt in force, `payment_due_at` the deadline of its payment. `refunded_minor` are
    the minor units that its returns refund through the payment provider.
    """

    id: OrderId
    cart: CartId
    state: OrderState
    placed_at: datetime
    currency: str
    locale: str
    contact: Contact
    lines: list[OrderLine]
    groups: list[OrderFulfilment]
    payment: Payment
    totals: Totals
    points: OrderPoints
    tenders: list[Tender]
    actor: str
    changed_at: datetime
    version: int = 1
    customer: CustomerId | None = None
    address: Address | None = None
    attempt: AttemptId | None = None
    payment_due_at: datetime | None = None
    pricing: OrderPricing = OrderPricing()
    refunded_minor: int = 0

    @property
    def is_paid_by_card(self) -> bool:
        return self.payment.method == CARD

    @property
    def is_pending(self) -> bool:
        """Not paid yet: nothing is promised, and no location prepares it."""
        return self.state is OrderState.PENDING_PAYMENT

    @property
    def has_started(self) -> bool:
        """Some of it was handed over, or is on its way."""
        return any(line.fulfilled for line in self.lines)

    def amount_owed(self, attempt: AttemptId) -> int:
        """Minor units that it wants to keep of an attempt's money; none once it is over."""
        wanted = attempt == self.attempt and self.state is not OrderState.EXPIRED
        return self.totals.to_pay.amount - self.refunded_minor if wanted else 0

    def await_payment(self, attempt: AttemptId, payment_due_at: datetime, now: datetime) -> "Order":
        """The order as it waits for the money of `attempt`."""
        return self._update(
            now, state=OrderState.PENDING_PAYMENT, attempt=attempt, payment_due_at=payment_due_at
        )

    def mark_paid(self, now: datetime) -> "Order":
        """Placed at last: its money is reserved."""
        assert self.is_pending, self.state
        return self._update(now, state=OrderState.PLACED, placed_at=now)

    def expire(self, now: datetime) -> "Order":
        """The order was not paid in time, or its goods are no longer available."""
        assert self.is_pending, self.state
        return self._update(now, state=OrderState.EXPIRED)

    def _update(self, now: datetime, **changes: object) -> "Order":
        return structs.replace(self, version=self.version + 1, changed_at=now, **changes)

    @property
    def units(self) -> dict[Sku, int]:
        """Units of each SKU that were not cancelled."""
        units: dict[Sku, int] = {}
        for line in self.lines:
            if wanted := line.quantity - line.cancelled:
                units[line.sku] = units.get(line.sku, 0) + wanted
        return units

    @property
    def unshipped_units(self) -> dict[Sku, int]:
        """Units of each SKU that a carrier has not got yet."""
        sent = {group.id for group in self.groups if group.method == "ship"}
        units: dict[Sku, int] = {}
        for line in self.lines:
            if line.group in sent and (left := line.quantity - line.settled):
                units[line.sku] = units.get(line.sku, 0) + left
        return units

    def lines_of(self, group: str) -> dict[Sku, OrderLine]:
        """The lines that a group prepares."""
        return {line.sku: line for line in self.lines if line.group == group}

    def with_points(self) -> "Order":
        """The order with the points that a member earns by it."""
        points = compute_line_points([line.to_pay for line in self.lines])
        lines = [
            structs.replace(line, points=count)
            for line, count in zip(self.lines, points, strict=True)
        ]
        left = sum(line.pending_points for line in lines)
        return structs.replace(self, lines=lines, points=OrderPoints(left))

    def settle(
        self,
        group: str,
        *,
        collected: Mapping[Sku, int] = NO_UNITS,
        shipped: Mapping[Sku, int] = NO_UNITS,
        cancelled: Mapping[Sku, int] = NO_UNITS,
        now: datetime,
    ) -> "Order":
        """The order after so many units of a group's lines were collected, shipped and cancelled.

        The amount to pay falls by the price of the cancelled units. The state follows from the
        lines.
        """
        lines = [
            structs.replace(
                line,
                collected=line.collected + collected.get(line.sku, 0),
                shipped=line.shipped + shipped.get(line.sku, 0),
                cancelled=line.cancelled + cancelled.get(line.sku, 0),
            )
            if line.group == group
            else line
            for line in self.lines
        ]
        return self.with_lines(lines, now)

    def with_lines(self, lines: list[OrderLine], now: datetime) -> "Order":
        """The order with these lines: its price and its state follow from them."""
        totals = compute_totals(lines, self.pricing, Money(self._amount_due(lines), self.currency))
        return structs.replace(
            self,
            lines=lines,
            state=_derive_state(lines),
            totals=totals,
            tenders=to_tenders(self.payment, totals),
            points=OrderPoints(sum(line.pending_points for line in lines)),
            version=self.version + 1,
            changed_at=now,
        )

    def _amount_due(self, lines: list[OrderLine]) -> int:
        """Computes the price of `lines` now. Shipping is refunded with the last unit to be sent.

        The cancelled units of a line cost their share, so that the shares add up exactly.
        """
        sent = {group.id for group in self.groups if group.method == "ship"}
        goes_out = any(line.group in sent and line.cancelled < line.quantity for line in lines)
        fee = self.pricing.shipping.to_pay.amount if self.pricing.shipping and goes_out else 0
        return sum(line.amount_due for line in lines) + fee

    def record_return(
        self, units: Mapping[str, int], now: datetime, *, refunded_minor: int = 0
    ) -> "Order":
        """Returns the order with `units` of its lines returned, by line.

        Handed-over units and the amount to pay do not change. `refunded_minor` are the minor units
        that the payment provider refunds for them.
        """
        lines = [
            structs.replace(line, returned=line.returned + units.get(line.line, 0))
            for line in self.lines
        ]
        return self._update(now, lines=lines, refunded_minor=self.refunded_minor + refunded_minor)

    def units_without_points(self) -> dict[str, tuple[int, int]]:
        """Lists, for each line with returns, the units that earn no points, and all units."""
        return {
            line.line: (line.returned + line.cancelled, line.quantity)
            for line in self.lines
            if line.returned
        }


def _derive_state(lines: list[OrderLine]) -> OrderState:
    if any(line.settled < line.quantity for line in lines):
        begun = any(line.fulfilled for line in lines)
        return OrderState.PARTLY_FULFILLED if begun else OrderState.PLACED
    return OrderState.FULFILLED if any(line.fulfilled for line in lines) else OrderState.CANCELLED


def compute_totals(lines: list[OrderLine], pricing: OrderPricing, to_pay: Money) -> Totals:
    """The totals of an order: as placed, and the amount to pay now."""

    def money(amount: int) -> Money:
        return Money(amount, to_pay.currency)

    sent = pricing.shipping
    return Totals(
        goods=money(sum(line.unit_price.amount * line.quantity for line in lines)),
        discounts=money(sum(one.amount.amount for line in lines for one in line.discounts)),
        shipping=sent.price if sent else money(0),
        tax=money(sum(line.tax.amount for line in lines) + (sent.tax.amount if sent else 0)),
        to_pay=to_pay,
    )


def settled_points(before: Order, group: str, units: Mapping[Sku, int]) -> dict[str, int]:
    """Points of the next `units` of a group's lines that are given or cancelled, by line."""
    lines = before.lines_of(group)
    points = {
        lines[sku].line: lines[sku].points_for(lines[sku].settled, count)
        for sku, count in units.items()
    }
    return {line: count for line, count in points.items() if count}
