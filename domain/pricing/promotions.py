"""Promotions: discounts for a limited time, for every buyer or with a coupon's code.

A promotion covers all goods, or those it names by SKU or category. The limits of its code (a
customer, so many uses) are checked where it is used.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr, replace

from domain.catalogue.products import Names
from domain.kernel.errors import Conflict, InvalidField, NotFound
from domain.kernel.ids import CustomerId, PromotionId, Sku
from domain.kernel.locales import fallback_chain
from domain.kernel.money import Money
from domain.kernel.patterns import anchored
from domain.kernel.timestamps import Timestamp, ensure_representable
from domain.pricing.price_rules import Category, Percent, check_name
from domain.pricing.shipping_methods import check_price

MAX_COUPONS: Final = 3
"""The most in one cart."""
CouponCode = Annotated[
    str,
    Meta(
        pattern=anchored("[A-Za-z0-9_-]{3,64}"),
        min_length=3,
        max_length=64,
        description="Case counts not",
    ),
]
UseLimit = Annotated[int, Meta(ge=1, le=10**9)]
BundleSize = Annotated[int, Meta(ge=1, le=999)]


class PromotionKind(StrEnum):
    PERCENTAGE = "percentage"
    N_FOR_M = "n_for_m"
    AMOUNT = "amount"


REQUIRED_FIELDS: Final = {
    PromotionKind.PERCENTAGE: ("percent",),
    PromotionKind.N_FOR_M: ("take", "pay"),
    PromotionKind.AMOUNT: ("amount",),
}
"""The fields that each kind requires; it accepts no others."""


class PromotionState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


class PromotionItem(Struct, frozen=True):
    """A line as it is priced: `price` is of one unit, in minor units of the cart's currency.

    `line` names it among its fellows.
    """

    line: str
    sku: Sku
    quantity: int
    price: int
    category: str = ""
    ships: bool = False

    @property
    def subtotal(self) -> int:
        return self.price * self.quantity


class PromotionTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One discount: its kind, its goods, its dates and its buyers.

    - `percentage`: `percent` off.
    - `amount`: `amount` off each unit, or off the lines together.
    - `n_for_m`: a buyer of `take` units pays `pay` of them; the cheapest are free.

    Neither `skus` nor `categories` are all goods. `least_spend` is the least that these goods must
    cost before any discount. With a `code` it is a coupon; only that may be bound to a `customer`,
    and to `uses_max` orders in all or `uses_per_customer` of one.
    """

    kind: PromotionKind
    names: Names = {}
    percent: Percent | None = None
    amount: Money | None = None
    off: Literal["unit", "lines"] = "unit"
    take: BundleSize | None = None
    pay: BundleSize | None = None
    skus: Annotated[tuple[Sku, ...], Meta(max_length=1000)] = ()
    categories: Annotated[tuple[Category, ...], Meta(max_length=200)] = ()
    since: Timestamp | None = field(name="from", default=None)
    until: Timestamp | None = None
    least_spend: Money | None = None
    code: CouponCode | None = None
    customer: CustomerId | None = None
    uses_max: UseLimit | None = None
    uses_per_customer: UseLimit | None = None
    state: PromotionState = PromotionState.ACTIVE

    def __post_init__(self) -> None:
        if self.code:
            force_setattr(self, "code", normalize_code(self.code))
        self._ensure_fields_match_kind()
        ensure_representable("from", self.since)
        ensure_representable("until", self.until)
        if self.since and self.until and self.since >= self.until:
            raise InvalidField("until", "no_length", "must be later than from")
        if self.least_spend:
            check_price("least_spend", self.least_spend)
        for name in ("customer", "uses_max", "uses_per_customer"):
            if getattr(self, name) is not None and self.code is None:
                raise InvalidField(name, "needs_code", "is only for what has a code")

    def _ensure_fields_match_kind(self) -> None:
        for name in ("percent", "amount", "take", "pay"):
            told, needed = getattr(self, name) is not None, name in REQUIRED_FIELDS[self.kind]
            if needed and not told:
                raise InvalidField(name, "required", f"is needed by the kind {self.kind.value}")
            if told and not needed:
                raise InvalidField(name, "unknown_field", f"says nothing of {self.kind.value}")
        if self.amount:
            check_price("amount", self.amount)
        if self.take and self.pay and self.pay >= self.take:
            raise InvalidField("pay", "too_many", "must be fewer than take")
        currencies = {money.currency for money in (self.amount, self.least_spend) if money}
        if len(currencies) > 1:
            rule = "must be in the currency of the amount"
            raise InvalidField("least_spend.currency", "currency_mismatch", rule)

    @property
    def spans_lines(self) -> bool:
        """Whether its discount on one line depends on the other lines."""
        by_lines = self.kind is PromotionKind.AMOUNT and self.off == "lines"
        return by_lines or self.kind is PromotionKind.N_FOR_M

    def applies_to(self, item: PromotionItem) -> bool:
        if not self.skus and not self.categories:
            return True
        return item.sku in self.skus or item.category in self.categories

    def has_started(self, now: datetime) -> bool:
        return self.since is None or self.since <= now

    def has_ended(self, now: datetime) -> bool:
        paused = self.state is not PromotionState.ACTIVE
        return paused or (self.until is not None and self.until <= now)

    def is_applicable(self, items: Iterable[PromotionItem], currency: str) -> bool:
        """Whether its goods are there, and cost enough."""
        if any(one and one.currency != currency for one in (self.amount, self.least_spend)):
            return False
        covered = [item for item in items if self.applies_to(item)]
        least = self.least_spend.amount if self.least_spend else 0
        return bool(covered) and sum(item.subtotal for item in covered) >= least


class Promotion(PromotionTerms, frozen=True, kw_only=True):
    """`uses` are the orders placed with its code."""

    promotion: PromotionId
    version: int = 1
    uses: int = 0

    def __post_init__(self) -> None:
        check_name("promotion", self.promotion)
        super().__post_init__()

    @property
    def name(self) -> str:
        return self.promotion

    def name_in(self, locale: str) -> str:
        """Empty where it has no name."""
        names = (self.names.get(one) for one in fallback_chain(locale))
        return next((name for name in names if name), "")


class CodeTaken(Conflict):
    code = "code_taken"

    def __init__(self, code: str) -> None:
        detail = f"Another promotion has the code {code}."
        error = {"pointer": "/code", "code": self.code, "detail": detail}
        super().__init__(detail, errors=[error])


class PromotionInUse(Conflict):
    """A promotion that orders use is paused or ended, never deleted."""

    code = "promotion_used"

    def __init__(self, promotion: Promotion) -> None:
        super().__init__("Active orders use it; pause it instead.", facts={"uses": promotion.uses})


class CouponNotFound(NotFound):
    code = "unknown_coupon"

    def __init__(self) -> None:
        super().__init__("There is no such coupon.")


class TooManyCoupons(Conflict):
    code = "too_many_coupons"

    def __init__(self) -> None:
        super().__init__(f"A cart takes {MAX_COUPONS} coupons at most.")


class CouponRejected(Conflict):
    """It will not become right by anything that is done to the cart."""

    def __init__(self, coupon: str, trouble: "CouponProblem") -> None:
        super().__init__(COUPON_MESSAGES[trouble], facts={"coupon": coupon}, code=trouble.value)


class CouponProblem(StrEnum):
    """The reason why a coupon gives no discount."""

    ENDED = "coupon_ended"
    NOT_YOURS = "coupon_not_yours"
    USED_UP = "coupon_used_up"
    NOT_APPLICABLE = "coupon_not_applicable"


COUPON_MESSAGES: Final = {
    CouponProblem.ENDED: "This coupon is no longer valid.",
    CouponProblem.NOT_YOURS: "This coupon belongs to a customer who is not logged in here.",
    CouponProblem.USED_UP: "This coupon has been used as often as it may be.",
    CouponProblem.NOT_APPLICABLE: "This coupon takes nothing off what is in the cart now.",
}


def normalize_code(code: str) -> str:
    """Normalises a code as it is stored; case does not matter."""
    return code.upper()


class Coupon(Struct, frozen=True):
    """A code with its promotion, None where it is gone, and how often its bearer has used it."""

    code: str
    promotion: Promotion | None = None
    uses_of_customer: int = 0

    def record_use(self, *, by_bearer: bool) -> "Coupon":
        """The coupon after one more order has used it."""
        told = self.promotion
        assert told is not None, "what is gone takes nothing off"
        return replace(
            self,
            promotion=replace(told, uses=told.uses + 1),
            uses_of_customer=self.uses_of_customer + by_bearer,
        )

    def find_problem(
        self,
        *,
        customer: CustomerId | None,
        items: Iterable[PromotionItem],
        currency: str,
        now: datetime,
    ) -> CouponProblem | None:
        """Gives the reason for no discount; reasons that the buyer cannot fix come first."""
        told = self.promotion
        if told is None or told.has_ended(now):
            return CouponProblem.ENDED
        if told.customer not in {None, customer}:
            return CouponProblem.NOT_YOURS
        if told.uses_per_customer is not None and customer is None:
            return CouponProblem.NOT_YOURS
        if told.uses_max is not None and told.uses >= told.uses_max:
            return CouponProblem.USED_UP
        if told.uses_per_customer is not None and self.uses_of_customer >= told.uses_per_customer:
            return CouponProblem.USED_UP
        fits = told.has_started(now) and told.is_applicable(items, currency)
        return None if fits else CouponProblem.NOT_APPLICABLE
