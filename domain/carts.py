"""What somebody means to buy. A line holds no stock and may ask for more than there is."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from domain.callers import Caller, NotYours, Role
from domain.ids import CartId, CustomerId, HoldId, OrderId, Sku, StoreId
from domain.money import Currency, Money
from domain.refusals import Conflict, Invalid

Quantity = Annotated[int, Meta(ge=1, le=999)]
"""Units of one SKU that a cart takes."""

MOST_LINES = 200


class CartState(StrEnum):
    OPEN = "open"
    ORDERED = "ordered"
    MERGED = "merged"


class Fulfilment(Struct, frozen=True, forbid_unknown_fields=True):
    """How a line reaches its buyer: collected at `store`, or sent.

    What is wrong is said in msgspec's words, so that whoever sent it reads of that very field.
    """

    method: Literal["pickup", "ship"]
    store: StoreId | None = None

    def __post_init__(self) -> None:
        if self.method == "pickup" and self.store is None:
            raise ValueError("Object missing required field `store`")
        if self.method == "ship" and self.store is not None:
            raise ValueError("Object contains unknown field `store`")


class CartLine(Struct, frozen=True):
    """`seen` is the price the buyer saw when the line was last changed."""

    sku: Sku
    quantity: int
    seen: Money
    fulfilment: Fulfilment | None = None


class CartNotOpen(Conflict):
    code = "cart_not_open"

    def __init__(self, cart: "Cart") -> None:
        facts = {"state": cart.state.value, "order": cart.order}
        super().__init__("This cart is no longer open.", facts=facts)


class OtherCurrency(Conflict):
    code = "currency_mismatch"

    def __init__(self, currency: str, wanted: str) -> None:
        super().__init__(
            f"What is priced in {currency} cannot go into a cart in {wanted}.",
            facts={"currency": currency, "cart_currency": wanted},
        )


class TooManyLines(Invalid):
    code = "too_many_lines"


class Cart(Struct, frozen=True):
    id: CartId
    currency: Currency
    created_at: datetime
    changed_at: datetime
    state: CartState = CartState.OPEN
    customer: CustomerId | None = None
    claimed_by: CustomerId | None = None
    merged_into: CartId | None = None
    order: OrderId | None = None
    hold: HoldId | None = None
    version: int = 1
    lines: list[CartLine] = []

    def line(self, sku: Sku) -> CartLine | None:
        return next((line for line in self.lines if line.sku == sku), None)

    def must_open_to(self, caller: Caller) -> None:
        """A guest's cart opens to its token, a customer's to its customer. Raises NotYours."""
        guest = self.customer is None and self.claimed_by is None
        if caller.role is Role.CUSTOMER and self.customer == caller.customer:
            return
        if guest and self.id == caller.cart:
            return
        raise NotYours(caller, self.id)

    def must_be_open(self) -> None:
        """Raises CartNotOpen."""
        if self.state is not CartState.OPEN:
            raise CartNotOpen(self)

    def with_line(self, line: CartLine, now: datetime) -> "Cart":
        """The cart with `line` in the place of the line of its SKU, or behind the others."""
        self.must_be_open()
        if self.line(line.sku):
            lines = [line if other.sku == line.sku else other for other in self.lines]
        else:
            lines = [*self.lines, line]
        if len(lines) > MOST_LINES:
            raise TooManyLines(f"A cart has at most {MOST_LINES} lines.")
        return self._changed(now, lines=lines)

    def without_line(self, sku: Sku, now: datetime) -> "Cart":
        """The cart without the line; the same cart when there is none."""
        self.must_be_open()
        if not self.line(sku):
            return self
        return self._changed(now, lines=[line for line in self.lines if line.sku != sku])

    def fulfilled_by(self, fulfilment: Fulfilment, now: datetime) -> "Cart":
        """The cart with every line fulfilled in the same way."""
        self.must_be_open()
        lines = [structs.replace(line, fulfilment=fulfilment) for line in self.lines]
        return self if lines == self.lines else self._changed(now, lines=lines)

    def switched(self, currency: Currency, now: datetime) -> "Cart":
        """The empty cart in another currency."""
        self.must_be_open()
        assert not self.lines, "what lies in a cart has its currency"
        return self._changed(now, currency=currency)

    def claimed(self, customer: CustomerId, now: datetime) -> "Cart":
        """A guest's cart as the customer's own."""
        self.must_be_open()
        return self._changed(now, customer=customer, claimed_by=customer)

    def merged_away(self, into: "Cart", now: datetime) -> "Cart":
        """A guest's cart whose lines went into a customer's cart."""
        self.must_be_open()
        return self._changed(
            now,
            state=CartState.MERGED,
            claimed_by=into.customer,
            merged_into=into.id,
        )

    def ordered(self, order: OrderId, now: datetime) -> "Cart":
        self.must_be_open()
        return self._changed(now, state=CartState.ORDERED, order=order)

    def with_lines_of(self, guest: "Cart", now: datetime) -> tuple["Cart", list["Merged"]]:
        """This cart with a guest's lines, and what that did to each of them.

        Quantities of one SKU are added up to the most a line may have; price and fulfilment are
        the guest's, as the latest intent. Lines for which there is no room are named.
        """
        self.must_be_open()
        lines = {line.sku: line for line in self.lines}
        changes = []
        for line in guest.lines:
            if line.sku not in lines and len(lines) == MOST_LINES:
                changes.append(Merged(line.sku, "limited", 0, line.quantity))
                continue
            lines[line.sku], change = _merge(line, lines.get(line.sku))
            changes.append(change)
        return self._changed(now, lines=list(lines.values())), changes

    def holding(self, hold: HoldId | None, now: datetime) -> "Cart":
        """The cart with the hold that keeps its lines, or with none any more."""
        return self if hold == self.hold else self._changed(now, hold=hold)

    def _changed(self, now: datetime, **changes: object) -> "Cart":
        return structs.replace(self, changed_at=now, version=self.version + 1, **changes)


MOST_OF_ONE = 999


class Merged(Struct, frozen=True):
    """What a claim did to one line: `added`, `summed`, or `limited` with what was left out."""

    sku: Sku
    code: Literal["added", "summed", "limited"]
    quantity: int
    not_added: int = 0


def _merge(guest: CartLine, mine: CartLine | None) -> tuple[CartLine, Merged]:
    if mine is None:
        return guest, Merged(guest.sku, "added", guest.quantity)
    wanted = guest.quantity + mine.quantity
    quantity = min(wanted, MOST_OF_ONE)
    line = structs.replace(guest, quantity=quantity, fulfilment=guest.fulfilment or mine.fulfilment)
    code: Literal["summed", "limited"] = "summed" if quantity == wanted else "limited"
    return line, Merged(guest.sku, code, quantity, wanted - quantity)


def stores_of(lines: Iterable[CartLine]) -> list[StoreId]:
    """Every store that some line is to be collected at, in order."""
    return sorted(
        {line.fulfilment.store for line in lines if line.fulfilment and line.fulfilment.store}
    )
