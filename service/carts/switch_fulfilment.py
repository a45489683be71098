"""The effects of a changed fulfilment on the lines of a cart."""

from msgspec import Struct, field

from domain.carts.cart_lines import FulfilmentMethod
from domain.kernel.ids import Sku
from domain.pricing.prices import Totals
from service.carts.line_problems import LineProblem
from service.carts.queries import CartView, GroupView, LineView


class SwitchedLine(Struct, frozen=True):
    """A line whose fulfilment `was` another one; `problems` are those that it did not have before.

    `quantity` are the switched units; several lines of the SKU have become one.
    """

    sku: Sku
    quantity: int
    was: FulfilmentMethod | None
    fulfilment: FulfilmentMethod | None
    problems: list[LineProblem]


class PreviousView(Struct, frozen=True):
    """Groups with their promises, and totals, as they were before the switch."""

    groups: list[GroupView]
    totals: Totals


class SwitchedView(CartView, frozen=True, kw_only=True):
    """The cart with its new groups and totals, every line that was switched, and how it was."""

    changes: list[SwitchedLine] = field(default_factory=list)
    before: PreviousView | None = None


def switched_view(was: CartView, cart: CartView) -> SwitchedView:
    """Returns the view of `cart` with its differences from the cart as it `was`."""
    changes = [
        change for line in was.lines if (change := _switched(line, cart)).was != change.fulfilment
    ]
    fields = {name: getattr(cart, name) for name in CartView.__struct_fields__}
    before = PreviousView(was.groups, was.totals) if changes else None
    return SwitchedView(**fields, changes=changes, before=before)


def _switched(line: LineView, cart: CartView) -> SwitchedLine:
    """Every line is fulfilled in one way by now, so its SKU has one line."""
    now = next(one for one in cart.lines if one.sku == line.sku)
    known = {problem.code for problem in line.problems}
    fresh = [problem for problem in now.problems if problem.code not in known]
    return SwitchedLine(line.sku, line.quantity, line.fulfilment, now.fulfilment, fresh)
