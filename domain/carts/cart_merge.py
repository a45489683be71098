"""At log-in a guest's cart comes to the customer's: one rule for each field, and all of them here.

    quantity       both are added up, to the most an order may have; what is left out is told. What
                   the customer had stays, even where it is more by itself
    fulfilment     the guest's, as the latest intent, where each cart has the SKU on one line or one
                   of them does not say how; else lines that are fulfilled alike become one, and the
                   others stay beside each other
    price seen     the guest's, as the latest intent; where it is not today's, old and new are told,
                   and nothing is accepted for the buyer
    coupons        both carts' stay; what is more than a cart takes says so
    shipping       what the guest said of method and address, as the latest intent; so the market
    currency       must be the same; an empty cart takes the guest's
    saved lines    the customer's and then the guest's; of a SKU in both, the greater quantity; what
                   there is no room for is told
    viewed         the customer's and the guest's together, each once, the newest 50
    what is held   the guest's is let go, the customer's stays as far as it is still asked for; a
                   cart that is moved whole keeps what it holds
    order of lines the customer's first, then what is new

A line whose product is no longer sold is kept and told. Nothing vanishes without a word.
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
    """What a claim did to a guest's line, or what its customer should know of it.

    `added`, `summed`, or `limited` with what was left out. `moved` has the way the customer's line
    `was` fulfilled before. `price_changed`, `retired` and `unknown_sku` are of lines that are kept.
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
    """The customer's lines with a guest's, and what that did to each of the guest's."""
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
    """What both saved for later, and what of the guest's there was no room for."""
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
    """What is told where the guest's cart becomes the customer's as it is."""
    return [_to_change(line, "added") for line in guest.lines]


def find_line_notices(
    guest: Cart, lines: list[CartLine], catalogue: Mapping[Sku, Product]
) -> list[MergedLine]:
    """What is not as the guest saw it: the claimed lines that cannot be ordered so any more."""
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
