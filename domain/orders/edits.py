"""Edits of a placed order: the allowed changes, and the new price."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, TypeVar

from msgspec import Struct, structs

from domain.catalogue.products import MAX_PRICE
from domain.fulfilment.fulfilments import Fulfilment
from domain.fulfilment.shipments import Shipment
from domain.kernel.addresses import Address
from domain.kernel.errors import Conflict, InvalidField, PreconditionFailed
from domain.kernel.ids import Sku
from domain.kernel.money import Money
from domain.orders.order_lines import sum_taxes
from domain.orders.orders import Contact, Order

NOT_STARTED: Final = frozenset({"placed", "accepted"})
"""No goods are picked yet: its buyer may still change it."""
EXTENDABLE_STATES: Final = NOT_STARTED | {"picking"}
"""More of it can still be fetched."""

AnyFulfilment = TypeVar("AnyFulfilment", bound=Fulfilment)


class TooLateToChange(Conflict):
    code = "too_late_to_change"

    def __init__(self, groups: Iterable[Fulfilment]) -> None:
        super().__init__(
            "The store is too far with it to change it like this.",
            facts={"groups": [{"group": one.id, "state": one.state} for one in groups]},
        )


class PaymentTooSmall(Conflict):
    """The part of the payment that can still be captured does not cover the new price."""

    code = "payment_too_small"

    def __init__(self, authorised: Money, to_pay: Money) -> None:
        super().__init__(
            "The payment that was authorised is too small for this.",
            facts={"authorised": authorised, "to_pay": to_pay},
        )


class OrderVersionMismatch(PreconditionFailed):
    def __init__(self, order: Order) -> None:
        facts = {"version": order.version}
        super().__init__("The order has changed since you looked.", facts=facts)


class Edited(Struct, frozen=True):
    """The requested changes: more units and another price of lines, and the buyer's contact."""

    added_units: Mapping[str, int] = {}
    prices: Mapping[str, Money] = {}
    contact: Contact | None = None
    address: Address | None = None


def ensure_not_started(groups: Collection[Fulfilment]) -> None:
    """Raises TooLateToChange."""
    if begun := [group for group in groups if group.state not in NOT_STARTED]:
        raise TooLateToChange(begun)


def added_units(group: AnyFulfilment, more: Mapping[Sku, int], now: datetime) -> AnyFulfilment:
    """The group when so many more units of its lines are wanted. Raises TooLateToChange."""
    if not more:
        return group
    if group.state not in EXTENDABLE_STATES:
        raise TooLateToChange([group])
    lines = [
        structs.replace(line, quantity=line.quantity + more.get(line.sku, 0))
        for line in group.lines
    ]
    return group.with_changes(now, lines=lines)


def ensure_address(groups: Collection[Fulfilment]) -> None:
    """Raises TooLateToChange once a parcel has left, InvalidField where nothing is sent."""
    sent = [group for group in groups if isinstance(group, Shipment)]
    if not sent:
        raise InvalidField("address", "nothing_is_sent", "is of no use: nothing is sent")
    if left := [one for one in sent if one.parcels or one.state not in EXTENDABLE_STATES]:
        raise TooLateToChange(left)


def ensure_price(field: str, price: Money | None, currency: str) -> None:
    """Raises InvalidField for a price that no unit of an order in `currency` can have."""
    if price is None:
        return
    if price.currency != currency:
        raise InvalidField(field, "other_currency", f"has a price that is not {currency}")
    if not 0 <= price.amount <= MAX_PRICE:
        raise InvalidField(field, "out_of_range", f"must be from 0 to {MAX_PRICE} minor units")


def apply_edits(order: Order, edit: Edited, now: datetime, covered: Money | None = None) -> Order:
    """The order with the requested changes; the order itself where nothing differs.

    Where it was paid by card, `covered` is the amount that can be captured; without it no more than
    before.

    Raises:
        PaymentTooSmall: it was paid by card, and would cost more than that.
        TooLateToChange: a line with returned units would grow; their refund is already paid.
    """
    if any(line.returned and edit.added_units.get(line.line) for line in order.lines):
        raise TooLateToChange([])
    lines = [
        line.reprice(
            line.quantity + edit.added_units.get(line.line, 0),
            edit.prices.get(line.line, line.unit_price),
            tax_included=order.pricing.prices_include_tax,
        )
        for line in order.lines
    ]
    contact, address = edit.contact or order.contact, edit.address or order.address
    if lines == order.lines and (contact, address) == (order.contact, order.address):
        return order
    pricing = structs.replace(order.pricing, taxes=sum_taxes(lines, order.pricing.shipping))
    after = structs.replace(order, contact=contact, address=address, pricing=pricing)
    after = after.with_lines(lines, now)
    if order.customer and any(line.points for line in order.lines):
        after = after.with_points()
    covered = covered or order.totals.to_pay
    if order.is_paid_by_card and after.totals.to_pay.amount > covered.amount:
        raise PaymentTooSmall(covered, after.totals.to_pay)
    return after


def points_delta(before: Order, after: Order) -> dict[str, int]:
    """Points by which each line promises more than before; negative where it promises less."""
    was = {line.line: line.pending_points for line in before.lines}
    change = {line.line: line.pending_points - was[line.line] for line in after.lines}
    return {line: points for line, points in change.items() if points}
