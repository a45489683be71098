"""Carts: the goods that a buyer means to buy. A line claims no stock and may exceed it.

A SKU has one line for each way in which it reaches its buyer. A line without a way is its SKU's
only one; it takes the first way that is named.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct, structs

from domain.carts.cart_lines import (
    MAX_LINES,
    MAX_QUANTITY,
    AmbiguousCartLine,
    CartLine,
    CartLineNotFound,
    FulfilmentMethod,
    TooManyLines,
    TooManyUnits,
    merge_lines,
)
from domain.foundation.callers import AccessDenied, Caller, Role
from domain.kernel.addresses import Address
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import (
    CartId,
    CustomerId,
    HoldId,
    MarketId,
    OrderId,
    ShippingMethodId,
    Sku,
    StoreId,
)
from domain.kernel.money import Currency
from domain.payments.attempts import PaymentInProgress
from domain.pricing.promotions import MAX_COUPONS, TooManyCoupons


class CartState(StrEnum):
    OPEN = "open"
    PAYING = "paying"
    ORDERED = "ordered"
    MERGED = "merged"
    EXPIRED = "expired"


class CartNotOpen(Conflict):
    code = "cart_not_open"

    def __init__(self, cart: "Cart") -> None:
        facts = {"state": cart.state.value, "order": cart.order}
        super().__init__("This cart is no longer open.", facts=facts)


class CurrencyMismatch(Conflict):
    code = "currency_mismatch"

    def __init__(self, currency: str, wanted: str) -> None:
        super().__init__(
            f"What is priced in {currency} cannot go into a cart in {wanted}.",
            facts={"currency": currency, "cart_currency": wanted},
        )


class CartExpired(NotFound):
    """Its former owner gets this answer; for every other caller it does not exist."""

    code = "cart_expired"

    def __init__(self) -> None:
        super().__init__("This cart has expired; create another one.")


class Cart(Struct, frozen=True):
    """`saved` are lines for later. `store` is the one whose till started the cart.

    `coupons` are codes in capitals; `method` and `address` are for the goods that are sent.
    """

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
    saved: list[CartLine] = []
    store: StoreId | None = None
    paying_until: datetime | None = None
    market: MarketId | None = None
    coupons: tuple[str, ...] = ()
    method: ShippingMethodId | None = None
    address: Address | None = None

    def lines_of(self, sku: Sku) -> list[CartLine]:
        return [line for line in self.lines if line.sku == sku]

    def find_line(self, sku: Sku, at: FulfilmentMethod | None = None) -> CartLine | None:
        """Finds the line of a SKU that is fulfilled as `at`, or has no fulfilment yet.

        Without `at` it is the SKU's only line. Raises AmbiguousCartLine: there are more.
        """
        lines = self.lines_of(sku)
        if at:
            return next((line for line in lines if line.fulfilment in {at, None}), None)
        if len(lines) > 1:
            raise AmbiguousCartLine(sku, lines)
        return lines[0] if lines else None

    def ensure_access(self, caller: Caller) -> None:
        """A guest's cart opens to its token, a customer's to its customer, both to a till's token.

        Raises AccessDenied, and CartExpired where it would have opened.
        """
        if not self._belongs_to(caller):
            raise AccessDenied(caller, self.id)
        if self.state is CartState.EXPIRED:
            raise CartExpired

    def _belongs_to(self, caller: Caller) -> bool:
        if caller.role is Role.CUSTOMER and self.customer == caller.customer:
            return True
        if caller.role is Role.TILL:
            return self.id == caller.cart and self.state is not CartState.MERGED
        guest = self.customer is None and self.claimed_by is None
        return guest and self.id == caller.cart

    def ensure_open(self) -> None:
        """Raises PaymentInProgress, CartNotOpen."""
        if self.state is CartState.PAYING:
            raise PaymentInProgress(self.order, self.paying_until)
        if self.state is not CartState.OPEN:
            raise CartNotOpen(self)

    def with_line(
        self, line: CartLine, now: datetime, at: FulfilmentMethod | None = None
    ) -> "Cart":
        """The cart with `line` in the place of the line at `at`, or behind the others.

        Where another line of the SKU is fulfilled as `line` is by now, they become one. A repeat
        finds nothing more to switch, and changes nothing; neither does a line that is so already.

        Raises:
            AmbiguousCartLine: the SKU is on more than one, and `at` names none.
            TooManyLines, TooManyUnits: there is no room.
        """
        self.ensure_open()
        before = self.find_line(line.sku, at)
        way = line.fulfilment or at or (before.fulfilment if before else None)
        was_switched = before is None and way != at and self.find_line(line.sku, way)
        line = structs.replace(line, fulfilment=way)
        if was_switched or before == line:
            return self
        lines = [line if other is before else other for other in self.lines]
        return self._with_lines(lines if before else [*self.lines, line], now)

    def without_line(self, sku: Sku, now: datetime, at: FulfilmentMethod | None = None) -> "Cart":
        """The cart without the line; the same cart when there is none. Raises AmbiguousCartLine."""
        self.ensure_open()
        gone = self.find_line(sku, at)
        if gone is None or (at and gone.fulfilment != at):
            return self
        return self._update(now, lines=[line for line in self.lines if line is not gone])

    def with_fulfilment(self, fulfilment: FulfilmentMethod, now: datetime) -> "Cart":
        """The cart with every line fulfilled in the same way, and so one of each SKU.

        Raises TooManyUnits: they do not fit on one line.
        """
        self.ensure_open()
        lines = [structs.replace(line, fulfilment=fulfilment) for line in self.lines]
        return self if lines == self.lines else self._with_lines(lines, now)

    def _with_lines(self, lines: "list[CartLine]", now: datetime) -> "Cart":
        """The cart with `lines`; those that are fulfilled alike become one."""
        one: dict[tuple[Sku, FulfilmentMethod | None], CartLine] = {}
        for line in lines:
            twin = one.get((line.sku, line.fulfilment))
            quantity = line.quantity + (twin.quantity if twin else 0)
            if quantity > MAX_QUANTITY:
                raise TooManyUnits(line.sku)
            one[line.sku, line.fulfilment] = structs.replace(line, quantity=quantity)
        if len(one) > MAX_LINES:
            raise TooManyLines(f"A cart has at most {MAX_LINES} lines.")
        return self._update(now, lines=list(one.values()))

    def save_for_later(self, sku: Sku, now: datetime, at: FulfilmentMethod | None = None) -> "Cart":
        """The cart with a line put aside for later; a repeat changes nothing.

        Raises:
            CartLineNotFound, AmbiguousCartLine: there is no such line, or more than one.
            TooManyLines, TooManyUnits: there is no room.
        """
        self.ensure_open()
        line = self.find_line(sku, at)
        if line is None:
            return self._ensure_in_cart(sku)
        saved = merge_lines(line, self.saved, self.find_saved_line(sku))
        return self._update(
            now, lines=[other for other in self.lines if other is not line], saved=saved
        )

    def restore_saved(self, sku: Sku, now: datetime) -> "Cart":
        """The cart with a saved line in it again, as it was; a repeat changes nothing.

        Where the cart has the line by now, they become one. The price that was seen stays the one
        from then. Raises CartLineNotFound, CurrencyMismatch, TooManyLines, TooManyUnits.
        """
        self.ensure_open()
        line = self.find_saved_line(sku)
        if line is None:
            return self._ensure_in_cart(sku)
        if line.seen.currency != self.currency:
            raise CurrencyMismatch(line.seen.currency, self.currency)
        mine = self.lines_of(sku)
        alike = [other for other in mine if other.fulfilment in {line.fulfilment, None}]
        twin = next(iter(alike or (mine if line.fulfilment is None else [])), None)
        lines = merge_lines(line, self.lines, twin)
        return self._update(
            now, lines=lines, saved=[other for other in self.saved if other is not line]
        )

    def without_saved(self, sku: Sku, now: datetime) -> "Cart":
        """The cart without the saved lines of a SKU; the same cart when there were none."""
        self.ensure_open()
        saved = [line for line in self.saved if line.sku != sku]
        return self if saved == self.saved else self._update(now, saved=saved)

    def find_saved_line(self, sku: Sku) -> CartLine | None:
        return next((line for line in self.saved if line.sku == sku), None)

    def _ensure_in_cart(self, sku: Sku) -> "Cart":
        """The same cart, where a step was done before. Raises CartLineNotFound."""
        if not self.find_saved_line(sku) and not self.lines_of(sku):
            raise CartLineNotFound(sku)
        return self

    def with_coupon(self, code: str, now: datetime) -> "Cart":
        """The cart with one more coupon; the same cart where it has it. Raises TooManyCoupons."""
        self.ensure_open()
        if code in self.coupons:
            return self
        if len(self.coupons) >= MAX_COUPONS:
            raise TooManyCoupons
        return self._update(now, coupons=(*self.coupons, code))

    def without_coupon(self, code: str, now: datetime) -> "Cart":
        """The cart without a coupon; the same cart where it is not there."""
        self.ensure_open()
        left = tuple(one for one in self.coupons if one != code)
        return self if left == self.coupons else self._update(now, coupons=left)

    def with_shipping(
        self, method: ShippingMethodId | None, address: Address | None, now: datetime
    ) -> "Cart":
        """The cart with the shipping method and the address of the goods that are sent."""
        self.ensure_open()
        if (method, address) == (self.method, self.address):
            return self
        return self._update(now, method=method, address=address)

    def with_market(self, currency: Currency, market: MarketId | None, now: datetime) -> "Cart":
        """The empty cart in another market, or in another currency."""
        self.ensure_open()
        assert not self.lines, "what lies in a cart has its currency"
        return self._update(now, currency=currency, market=market)

    def claim(self, customer: CustomerId, now: datetime) -> "Cart":
        """A guest's cart as the customer's own."""
        self.ensure_open()
        return self._update(now, customer=customer, claimed_by=customer)

    def mark_merged(self, into: "Cart", now: datetime) -> "Cart":
        """A guest's cart whose lines went into a customer's cart."""
        self.ensure_open()
        return self._update(
            now,
            state=CartState.MERGED,
            claimed_by=into.customer,
            merged_into=into.id,
        )

    def mark_ordered(self, order: OrderId, now: datetime) -> "Cart":
        if self.state is not CartState.PAYING or self.order != order:
            self.ensure_open()
        return self._update(now, state=CartState.ORDERED, order=order, paying_until=None)

    def start_payment(self, order: OrderId, until: datetime, now: datetime) -> "Cart":
        """The cart while its order waits to be paid; nothing of it changes meanwhile."""
        self.ensure_open()
        return self._update(now, state=CartState.PAYING, order=order, paying_until=until)

    def reopen(self, now: datetime) -> "Cart":
        """The cart as it was, after its order was not paid."""
        assert self.state is CartState.PAYING, self.state
        return self._update(now, state=CartState.OPEN, order=None, hold=None, paying_until=None)

    def with_merged_lines(
        self, guest: "Cart", lines: list[CartLine], saved: list[CartLine], now: datetime
    ) -> "Cart":
        """The cart with its own and a guest's lines, which were put together elsewhere.

        Coupons of both stay; the guest's market and shipping are the latest.
        """
        self.ensure_open()
        return self._update(
            now,
            lines=lines,
            saved=saved,
            market=guest.market or self.market,
            coupons=tuple(dict.fromkeys((*self.coupons, *guest.coupons))),
            method=guest.method or self.method,
            address=guest.address or self.address,
        )

    def with_hold(self, hold: HoldId | None, now: datetime) -> "Cart":
        """The cart with the hold of its lines, or without one."""
        return self if hold == self.hold else self._update(now, hold=hold)

    def _update(self, now: datetime, **changes: object) -> "Cart":
        return structs.replace(self, changed_at=now, version=self.version + 1, **changes)
