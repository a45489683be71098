"""Merge of carts: at log-in a guest's cart joins the customer's, by one rule for each field.

    quantity       both are added up, to the most an order may have; units left out are reported.
                   The customer's own units stay, even where they alone are more
    fulfilment     the guest's, as the latest intent, where each cart has the SKU on one line or one
                   of them has no fulfilment yet; else lines that are fulfilled alike become one,
                   and the others stay beside each other
    price seen     the guest's, as the latest intent; where it is not today's, old and new are
                   reported, and nothing is accepted for the buyer
    coupons        both carts' stay; those over the limit are reported
    shipping       the guest's method and address, as the latest intent; so the market
    currency       must be the same; an empty cart takes the guest's
    saved lines    the customer's and then the guest's; of a SKU in both, the greater quantity;
                   lines without room are reported
    viewed         the customer's and the guest's together, each once, the newest 50
    holds          the guest's is released, the customer's stays as far as it is still requested;
                   a cart that is moved whole retains its hold
    order of lines the customer's first, then new ones

A line whose product is no longer sold stays and is reported. No line is dropped silently.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import UNSET, Struct, UnsetType, structs

from domain.carts.cart_lines import MAX_LINES, MAX_QUANTITY, CartLine, FulfilmentMethod
from domain.carts.carts import Cart
from domain.catalogue.products import Product, ProductState
from domain.kernel.ids import Sku
from domain.kernel.money import Money

MergeCode = Literal[
    "added", "summed", "limited", "moved", "price_changed", "retired", "unknown_sku"
]
MaxQuantity = Callable[[Sku], int]
"""The most of a SKU that one order may have."""


class MergedLine(Struct, frozen=True):
    """The outcome of a claim for a guest's line, or a fact its customer should know of it.

    `added`, `summed`, or `limited` with the units left out. `moved` has the way the customer's line
    `was` fulfilled before. `price_changed`, `retired` and `unknown_sku` are of lines that stay in
    the cart.
    """

    sku: Sku
    code: MergeCode
    quantity: int
    not_added: int = 0
    fulfilment: FulfilmentMethod | None = None
    was: FulfilmentMethod | UnsetType = UNSET
    seen: Money | UnsetType = UNSET
    price: Money | UnsetType = UNSET


def merge_carts(
    mine: Cart, guest: Cart, most: MaxQuantity
) -> tuple[list[CartLine], list[MergedLine]]:
    """The customer's lines with a guest's, and the outcome for each of the guest's."""
    lines, changes = list(mine.lines), list[MergedLine]()
    for line in guest.lines:
        before = _find_matching_line(line, guest, lines)
        after, told = _merge_line(line, before, _remaining_capacity(line.sku, before, lines, most))
        changes += told
        if after is None:
            continue
        if before is None:
            lines.append(after)
        else:
            lines[lines.index(before)] = after
    return lines, changes


def merge_saved_lines(mine: Cart, guest: Cart) -> tuple[list[CartLine], list[MergedLine]]:
    """The saved lines of both, and those of the guest's without room."""
    saved, left_out = {line.sku: line for line in mine.saved}, list[MergedLine]()
    for line in guest.saved:
        had = saved.get(line.sku)
        if had:
            saved[line.sku] = structs.replace(had, quantity=max(had.quantity, line.quantity))
        elif len(saved) < MAX_LINES:
            saved[line.sku] = line
        else:
            nothing = structs.replace(line, quantity=0)
            left_out.append(_to_change(nothing, "limited", not_added=line.quantity))
    return list(saved.values()), left_out


def report_added_lines(guest: Cart) -> list[MergedLine]:
    """The notices where the guest's cart becomes the customer's unchanged."""
    return [_to_change(line, "added") for line in guest.lines]


def find_line_notices(
    guest: Cart, lines: list[CartLine], catalogue: Mapping[Sku, Product]
) -> list[MergedLine]:
    """The differences from the guest's view: claimed lines that can no longer be ordered."""
    skus = {line.sku for line in guest.lines}
    claimed = [line for line in lines if line.sku in skus]
    return [notice for line in claimed for notice in _notices(line, catalogue.get(line.sku))]


def _notices(line: CartLine, product: Product | None) -> list[MergedLine]:
    if product is None:
        return [_to_change(line, "unknown_sku")]
    notices = []
    if product.state is ProductState.RETIRED:
        notices.append(_to_change(line, "retired"))
    if product.price != line.seen:
        notices.append(_to_change(line, "price_changed", seen=line.seen, price=product.price))
    return notices


def _find_matching_line(line: CartLine, guest: Cart, lines: list[CartLine]) -> CartLine | None:
    """Which of the customer's `lines` a guest's `line` comes to."""
    mine = [other for other in lines if other.sku == line.sku]
    alike = [other for other in mine if other.fulfilment in {line.fulfilment, None}]
    if alike or line.fulfilment is None:
        return next(iter(alike or mine), None)
    only_one = len(mine) == 1 and len(guest.lines_of(line.sku)) == 1
    return mine[0] if only_one else None


def _remaining_capacity(
    sku: Sku, before: CartLine | None, lines: list[CartLine], most: MaxQuantity
) -> int:
    """Units that the line may have beside the customer's other lines."""
    if before is None and len(lines) >= MAX_LINES:
        return 0
    others = sum(line.quantity for line in lines if line.sku == sku and line is not before)
    return max(0, min(MAX_QUANTITY, most(sku) - others))


def _merge_line(
    guest: CartLine, mine: CartLine | None, room: int
) -> tuple[CartLine | None, list[MergedLine]]:
    had = mine.quantity if mine else 0
    quantity = max(had, min(guest.quantity + had, room))
    left_out = guest.quantity + had - quantity
    fulfilment = guest.fulfilment or (mine.fulfilment if mine else None)
    line = structs.replace(guest, quantity=quantity, fulfilment=fulfilment)
    code: MergeCode = "limited" if left_out else "summed" if mine else "added"
    changes = [_to_change(line, code, not_added=left_out)]
    if mine and mine.fulfilment and mine.fulfilment != fulfilment:
        changes.append(_to_change(line, "moved", was=mine.fulfilment))
    return (line if quantity else None), changes


def _to_change(
    line: CartLine,
    code: MergeCode,
    *,
    not_added: int = 0,
    was: FulfilmentMethod | UnsetType = UNSET,
    seen: Money | UnsetType = UNSET,
    price: Money | UnsetType = UNSET,
) -> MergedLine:
    return MergedLine(line.sku, code, line.quantity, not_added, line.fulfilment, was, seen, price)
