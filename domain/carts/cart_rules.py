"""Cart rules of the shop: the largest quantities, and the lifetimes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from domain.carts.cart_lines import MAX_QUANTITY, CartLine
from domain.catalogue.products import Product
from domain.kernel.errors import Conflict
from domain.kernel.ids import Sku


class CartRules(Struct, frozen=True):
    """The most of one SKU in an order, and after how many days without a change a cart ends.

    A guest's, a customer's, and one that was started at a till have each their own time.
    """

    max_quantity_per_order: int = MAX_QUANTITY
    guest_days: int = 30
    customer_days: int = 180
    till_days: int = 1

    def max_quantity_of(self, product: Product | None) -> int:
        """A product's own limit goes before the shop's."""
        return (product and product.most_per_order) or self.max_quantity_per_order


DEFAULT_CART_RULES: Final = CartRules()


class QuantityLimitExceeded(Conflict):
    code = "quantity_limit"

    def __init__(self, over: Mapping[Sku, int]) -> None:
        names = ", ".join(f"{sku}: {most}" for sku, most in sorted(over.items()))
        errors = [{"sku": sku, "limit": most} for sku, most in sorted(over.items())]
        super().__init__(f"One order takes at most so many: {names}.", errors=errors)


def find_exceeded_limits(
    lines: Iterable[CartLine], catalogue: Mapping[Sku, Product], rules: CartRules
) -> dict[Sku, int]:
    """The limits of SKUs of which the lines together have more."""
    units = Counter[Sku]()
    for line in lines:
        units[line.sku] += line.quantity
    most = {sku: rules.max_quantity_of(catalogue.get(sku)) for sku in units}
    return {sku: most[sku] for sku in units if units[sku] > most[sku]}
