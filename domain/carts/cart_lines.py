"""Lines of a cart: how many of a SKU, and how they reach their buyer."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, structs, to_builtins

from domain.kernel.errors import Conflict, Invalid, NotFound
from domain.kernel.ids import Sku, StoreId
from domain.kernel.money import Money

MAX_QUANTITY: Final = 999
LineQuantity = Annotated[int, Meta(ge=1, le=MAX_QUANTITY)]
"""Units that one line takes."""


MAX_LINES: Final = 200


class FulfilmentMethod(Struct, frozen=True, forbid_unknown_fields=True):
    """The fulfilment of a line: collected at `store`, or sent.

    Errors have msgspec's wording, so that the sender sees the exact field.
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
    fulfilment: FulfilmentMethod | None = None

    @property
    def line_id(self) -> str:
        """The key of a line in its cart; no SKU has a slash."""
        way = self.fulfilment
        return f"{self.sku}/{way.method}/{way.store or ''}" if way else self.sku

    @property
    def is_for_shipping(self) -> bool:
        return self.fulfilment is not None and self.fulfilment.method == "ship"


class TooManyLines(Invalid):
    code = "too_many_lines"


class TooManyUnits(Invalid):
    code = "too_many_units"

    def __init__(self, sku: Sku) -> None:
        super().__init__(
            f"A line has at most {MAX_QUANTITY} units of {sku}.",
            facts={"sku": sku, "most": MAX_QUANTITY},
        )


class CartLineNotFound(NotFound):
    code = "not_in_cart"

    def __init__(self, sku: Sku) -> None:
        super().__init__(f"{sku} is neither in the cart nor saved.", facts={"sku": sku})


class AmbiguousCartLine(Conflict):
    """The SKU is on several lines, and none of them was named."""

    code = "several_lines"

    def __init__(self, sku: Sku, lines: "list[CartLine]") -> None:
        super().__init__(
            f"{sku} is on several lines; name one of them.",
            facts={"sku": sku, "fulfilments": to_builtins([line.fulfilment for line in lines])},
        )


def merge_lines(line: CartLine, lines: list[CartLine], twin: CartLine | None) -> list[CartLine]:
    """`lines` with `line` added to its twin, which stays as it is but for that, or behind them.

    Raises TooManyLines, TooManyUnits.
    """
    if twin is None:
        if len(lines) >= MAX_LINES:
            raise TooManyLines(f"A cart has at most {MAX_LINES} lines.")
        return [*lines, line]
    quantity = line.quantity + twin.quantity
    if quantity > MAX_QUANTITY:
        raise TooManyUnits(line.sku)
    fulfilment = twin.fulfilment or line.fulfilment
    both = structs.replace(twin, quantity=quantity, fulfilment=fulfilment)
    return [both if other is twin else other for other in lines]


def pickup_stores(lines: Iterable[CartLine]) -> list[StoreId]:
    """Every store that some line is to be collected at, in order."""
    return sorted(
        {line.fulfilment.store for line in lines if line.fulfilment and line.fulfilment.store}
    )
