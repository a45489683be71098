"""Returns without a receipt: accepted where the office allows it, for store credit only.

The price paid is unknown, so no unit is worth more than its price today, and one return not more
than the office's limit.
"""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from domain.catalogue.products import Product
from domain.kernel.errors import Conflict, InvalidField
from domain.kernel.ids import Sku
from domain.kernel.money import Money, is_currency
from domain.payments.refunds import STORE_CREDIT, Refund, RefundMethod
from domain.returns.dispositions import Disposition
from domain.returns.returns import ReturnLine


class BroughtItem(Struct, frozen=True):
    """Returned units of one product; worth `unit_price`, else the price of today."""

    quantity: int
    disposition: Disposition
    sku: Sku | None = None
    gtin: str | None = None
    unit_price: Money | None = None

    @property
    def name(self) -> Sku:
        """The SKU of the product; its barcode where no SKU has it."""
        return self.sku or self.gtin or ""


class ReceiptRequired(Conflict):
    """Without a receipt nothing is taken back, or nothing that is worth so much."""

    code = "receipt_required"

    def __init__(self, most: int) -> None:
        rule = "Nothing is taken back without a receipt."
        if most:
            rule = "Without a receipt, nothing is taken back that is worth so much."
        super().__init__(rule, facts={"maximum": most})


def value_of(
    brought: Sequence[BroughtItem],
    products: Mapping[Sku, Product],
    parts: Mapping[Sku, dict[Sku, int]],
    most: int,
) -> list[ReturnLine]:
    """Values the refund of each; `parts` are the units that enter the stock for one unit.

    `most` is in minor units of any currency; 0 allows nothing.

    Raises:
        ReceiptRequired, InvalidField.
    """
    prices = [_unit_price(at, one, products) for at, one in enumerate(brought)]
    if len({price.currency for price in prices}) > 1:
        raise InvalidField("lines", "one_currency", "must be in one currency")
    amounts = [price.amount * one.quantity for one, price in zip(brought, prices, strict=True)]
    if sum(amounts) > most:
        raise ReceiptRequired(most)
    return [
        ReturnLine(
            sku=one.name,
            name=products[one.name].name,
            quantity=one.quantity,
            refund=price * one.quantity,
            withheld=price * 0,
            disposition=one.disposition,
            parts=parts.get(one.name, {}),
        )
        for one, price in zip(brought, prices, strict=True)
    ]


def to_store_credit(lines: Collection[ReturnLine]) -> list[Refund]:
    """All of it, to be spent in the shop."""
    currency = next(iter(lines)).refund.currency
    amount = sum(line.refund.amount for line in lines)
    return [Refund(STORE_CREDIT, Money(amount, currency), RefundMethod.TILL)] if amount else []


def _unit_price(at: int, one: BroughtItem, products: Mapping[Sku, Product]) -> Money:
    product = products.get(one.name)
    if product is None:
        raise InvalidField(f"lines.{at}.sku", "unknown_sku", "is no product")
    if one.disposition is Disposition.MISSING:
        raise InvalidField(f"lines.{at}.disposition", "not_allowed", "needs a receipt")
    price, told = product.price, one.unit_price
    if told is None:
        if price is None:
            raise InvalidField(f"lines.{at}.unit_price", "required", "must say what it is worth")
        return price
    if not is_currency(told.currency):
        raise InvalidField(f"lines.{at}.unit_price.currency", "unknown_currency", "is no currency")
    if told.amount < 0:
        raise InvalidField(f"lines.{at}.unit_price.amount", "minimum", "must not be below 0")
    if price and (told.currency != price.currency or told.amount > price.amount):
        raise InvalidField(f"lines.{at}.unit_price", "above_price", "is more than it costs today")
    return told
