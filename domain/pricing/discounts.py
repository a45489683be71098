"""Discounts: the rules by which several promotions combine on one line.

1. Without coupons each line has one promotion at most. Those that apply to lines singly (a
percentage, an amount off each unit) compete for each line, and the biggest discount has it. 2.
Those that apply to lines together (n for m, an amount off them all) are applied next, the biggest
saving first: one has all its lines where it saves more there than the first step did. Lines that
one of these has are closed to the next. 3. Then each coupon takes its part of the rest of its
lines: percentages first, n for m, then amounts, which is best for the buyer; among equals by name.

No price falls below zero, and the order in which lines or coupons came changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from domain.kernel.money import round_half_up, share_of_units, split
from domain.pricing.promotions import Promotion, PromotionItem, PromotionKind

DiscountByLine = dict[str, int]
"""Minor units taken off each line."""
AppliedDiscounts = list[tuple[Promotion, DiscountByLine]]
"""The discount of each promotion, in the order in which they applied."""
PRECEDENCE: Final = list(PromotionKind)


def apply_discounts(
    items: Collection[PromotionItem], promotions: Iterable[Promotion], coupons: Iterable[Promotion]
) -> AppliedDiscounts:
    """All discounts together; promotions and coupons that do not apply are removed before."""
    taken = _automatic_discounts(items, list(promotions))
    left = {item.line: item.subtotal for item in items}
    for _, off in taken:
        left = _subtract(left, off)
    for coupon in sorted(coupons, key=lambda one: (PRECEDENCE.index(one.kind), one.promotion)):
        off = _compute_discount(coupon, items, left)
        left = _subtract(left, off)
        taken.append((coupon, off))
    return [(promotion, off) for promotion, off in taken if any(off.values())]


def _automatic_discounts(
    items: Collection[PromotionItem], promotions: list[Promotion]
) -> AppliedDiscounts:
    full = {item.line: item.subtotal for item in items}
    offers = {one.promotion: _compute_discount(one, items, full) for one in promotions}
    best = dict.fromkeys(full, (0, ""))
    for one in sorted(promotions, key=lambda one: one.promotion):
        if not one.spans_lines:
            for line, off in offers[one.promotion].items():
                best[line] = max(best[line], (off, one.promotion), key=lambda offer: offer[0])
    joint = [one for one in promotions if one.spans_lines]
    free = list(items)
    for one in sorted(joint, key=lambda one: (-sum(offers[one.promotion].values()), one.promotion)):
        lines = {item.line for item in free if one.applies_to(item)}
        offer = _compute_discount(one, free, full)
        if sum(offer.values()) > sum(best[line][0] for line in lines):
            best |= {line: (offer.get(line, 0), one.promotion) for line in lines}
            free = [item for item in free if item.line not in lines]
    return [
        (one, {line: off for line, (off, name) in best.items() if name == one.promotion})
        for one in sorted(promotions, key=lambda one: one.promotion)
    ]


def _compute_discount(
    promotion: Promotion, items: Iterable[PromotionItem], left: Mapping[str, int]
) -> DiscountByLine:
    """The discount of a promotion on the remaining price of each line it covers."""
    covered = [item for item in items if promotion.applies_to(item)]
    if promotion.percent is not None:
        part, whole = (Decimal(promotion.percent) / 100).as_integer_ratio()
        return {item.line: round_half_up(left[item.line] * part, whole) for item in covered}
    if promotion.amount is not None:
        return _amount_off(promotion, covered, left)
    return _free_units(promotion, covered, left)


def _amount_off(
    promotion: Promotion, covered: list[PromotionItem], left: Mapping[str, int]
) -> DiscountByLine:
    assert promotion.amount is not None
    amount = promotion.amount.amount
    if promotion.off == "unit":
        return {item.line: min(amount * item.quantity, left[item.line]) for item in covered}
    weights = {item.line: left[item.line] for item in covered}
    return split(min(amount, sum(weights.values())), weights)


def _free_units(
    promotion: Promotion, covered: list[PromotionItem], left: Mapping[str, int]
) -> DiscountByLine:
    """The cheapest units are free, as many as whole bundles make."""
    assert promotion.take is not None
    assert promotion.pay is not None
    bundles = sum(item.quantity for item in covered) // promotion.take
    free = bundles * (promotion.take - promotion.pay)
    off: DiscountByLine = {}
    by_price = sorted(
        covered, key=lambda item: (Fraction(left[item.line], item.quantity), item.line)
    )
    for item in by_price:
        units = min(item.quantity, free)
        off[item.line] = share_of_units(left[item.line], item.quantity, 0, units)
        free -= units
    return off


def _subtract(left: Mapping[str, int], off: Mapping[str, int]) -> dict[str, int]:
    return {line: amount - off.get(line, 0) for line, amount in left.items()}
