"""Lines of an order: the price of each, the state of its units, and the share of some of them."""

from decimal import Decimal

from msgspec import Struct, structs

from domain.kernel.ids import Sku
from domain.kernel.money import Money, share_of_units
from domain.pricing.price_rules import Percent
from domain.pricing.prices import LineDiscount, ShippingCharge, TaxTotal, compute_tax


class OrderLine(Struct, frozen=True):
    """Price and name as they were when the order was placed; `points` are those it will earn.

    `total` is the price of its units less their discounts, `to_pay` the same with its tax. `line`
    names it within the order: the SKU for the first line of a SKU. `group` prepares it.
    """

    sku: Sku
    name: str
    quantity: int
    unit_price: Money
    total: Money
    tax: Money
    to_pay: Money
    tax_rate: Percent | None = None
    discounts: list[LineDiscount] = []
    points: int = 0
    group: str = ""
    cancelled: int = 0
    collected: int = 0
    shipped: int = 0
    returned: int = 0
    line: str = ""

    def __post_init__(self) -> None:
        if not self.line:
            structs.force_setattr(self, "line", self.sku)

    @property
    def fulfilled(self) -> int:
        """Units that their buyer got, or a carrier for them."""
        return self.collected + self.shipped

    @property
    def settled(self) -> int:
        """Units whose fate is known: given or cancelled."""
        return self.fulfilled + self.cancelled

    @property
    def amount_due(self) -> int:
        """The price of the units that are not cancelled, in minor units."""
        return share_of_units(self.to_pay.amount, self.quantity, 0, self.quantity - self.cancelled)

    @property
    def returnable(self) -> int:
        """Units that their buyer has."""
        return self.fulfilled - self.returned

    def refundable_amount(self, first: int, units: int) -> Money:
        """The amount paid for `units` of those that may come back, after the first `first` of them.

        Cancellations do not matter: when all has come back, the shares add up to the amount due.
        """
        already = self.returned + first
        worth = share_of_units(self.to_pay.amount, self.quantity, already, units)
        return Money(worth, self.to_pay.currency)

    def reprice(self, quantity: int, unit_price: Money, *, tax_included: bool) -> "OrderLine":
        """The line of so many units at such a price.

        More units cost their price, and the discounts stay; another price has none.
        """
        if (quantity, unit_price) == (self.quantity, self.unit_price):
            return self
        discounts = self.discounts if unit_price == self.unit_price else []
        total = unit_price.amount * quantity - sum(one.amount.amount for one in discounts)
        tax = compute_tax(total, self.tax_rate, included=tax_included) if self.tax_rate else 0
        currency = unit_price.currency
        return structs.replace(
            self,
            quantity=quantity,
            unit_price=unit_price,
            discounts=discounts,
            total=Money(total, currency),
            tax=Money(tax, currency),
            to_pay=Money(total if tax_included else total + tax, currency),
        )

    @property
    def pending_points(self) -> int:
        """Points of the units that are still to come."""
        return self.points_for(self.settled, self.quantity - self.settled)

    def points_for(self, first: int, units: int) -> int:
        """Points of `units` units after the first `first`; over all units they add up exactly."""
        return self.points * (first + units) // self.quantity - self.points * first // self.quantity


def assign_line_ids(lines: list[OrderLine]) -> list[OrderLine]:
    """The lines with a name each: the SKU, and `SKU/2`, `SKU/3` for further lines of it."""
    seen: dict[Sku, int] = {}
    named = []
    for line in lines:
        count = seen[line.sku] = seen.get(line.sku, 0) + 1
        named.append(line if count == 1 else structs.replace(line, line=f"{line.sku}/{count}"))
    return named


def sum_taxes(lines: list[OrderLine], shipping: ShippingCharge | None) -> list[TaxTotal]:
    """Sums the tax base and the tax of each rate, the lowest first."""
    bearing = [(one.tax_rate, one.to_pay, one.tax) for one in (*lines, shipping) if one]
    sums: dict[Percent, tuple[int, int]] = {}
    for rate, to_pay, tax in bearing:
        if rate is not None:
            gross, taxed = sums.get(rate, (0, 0))
            sums[rate] = (gross + to_pay.amount, taxed + tax.amount)
    currency = lines[0].to_pay.currency
    return [
        TaxTotal(rate, *(Money(amount, currency) for amount in (gross - tax, tax, gross)))
        for rate, (gross, tax) in sorted(sums.items(), key=lambda one: Decimal(one[0]))
    ]
