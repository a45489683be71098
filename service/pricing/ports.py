"""Ports of pricing: the office's rules, and the rules as every cart reads them."""

from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar

from domain.kernel.ids import CustomerId
from domain.pricing.markets import Market
from domain.pricing.prices import PricingRules
from domain.pricing.promotions import Coupon, Promotion
from domain.pricing.shipping_methods import ShippingMethod

Rule = TypeVar("Rule", Market, Promotion, ShippingMethod)


class PriceRules(Protocol[Rule]):
    """Every rule of one kind, by name."""

    async def get(self, name: str) -> Rule:
        """Raises PriceRuleNotFound."""

    async def list_page(self, after: str, limit: int) -> Sequence[Rule]:
        """In the order of their names, from the one behind `after` on."""

    async def lock(self, name: str) -> Rule | None:
        """Returns the rule, locked until the unit ends; other writers of rules wait."""

    async def upsert(self, rule: Rule) -> None:
        """Write a locked rule. Raises CodeTaken: another promotion has the code."""

    async def delete(self, rule: Rule) -> None:
        """Take a locked rule away."""


PriceScope = tuple[str, CustomerId | None]
"""A coupon's code in capitals, and its customer; None for a guest."""


class Prices(Protocol):
    async def get_rules(
        self, shown: Collection[PriceScope] = ()
    ) -> tuple[PricingRules, dict[PriceScope, Coupon]]:
        """Returns the current price rules, and the coupons of the codes.

        One statement. A code without a promotion has a coupon without one.
        """

    async def lock(self, shown: Collection[PriceScope]) -> dict[PriceScope, Coupon]:
        """The coupons that are shown, as they are until the unit ends."""
