"""The coupons of orders, decided under their locks."""

from collections.abc import Sequence
from datetime import datetime

from domain.kernel.errors import TransactionConflict
from domain.pricing.promotions import COUPON_MESSAGES, Coupon
from service.carts.price_cart import price_scope_of
from service.orders.checkout.checkout_context import CheckoutDraft, NotOrderable
from service.pricing.ports import PriceScope
from service.shared.unit_of_work import Unit


class CouponRedemption:
    """The coupons of drafts under their locks, as the orders before have used them."""

    def __init__(self, coupons: dict[PriceScope, Coupon], now: datetime) -> None:
        self._coupons = coupons
        self._now = now

    @classmethod
    async def locked(cls, unit: Unit, drafts: Sequence[CheckoutDraft]) -> "CouponRedemption":
        shown = {shown for draft in drafts for shown in price_scope_of(draft.cart)}
        return cls(await unit.pricing.prices.lock(shown) if shown else {}, unit.now)

    def must_hold(self, draft: CheckoutDraft) -> None:
        """Checks the coupons of an order again, under their locks.

        Raises:
            NotOrderable: another order has had the last use.
            TransactionConflict: the office has just changed one; a retry prices by the change.
        """
        order, errors = draft.order, []
        for seen in draft.priced.coupons:
            coupon = self._coupons[seen.code, order.customer]
            assert seen.promotion, "only what there is takes anything off"
            if coupon.promotion is None or coupon.promotion.version != seen.promotion.version:
                raise TransactionConflict("A coupon has just been changed.")
            trouble = coupon.find_problem(
                customer=order.customer,
                items=draft.priced.items,
                currency=order.currency,
                now=self._now,
            )
            if trouble:
                told = {"code": trouble.value, "detail": COUPON_MESSAGES[trouble]}
                errors.append({"coupon": seen.code, **told})
        if errors:
            raise NotOrderable(errors)

    def use(self, draft: CheckoutDraft) -> None:
        used = {coupon.code for coupon in draft.priced.coupons}
        for (code, customer), coupon in self._coupons.items():
            if code in used:
                same = customer is not None and customer == draft.order.customer
                self._coupons[code, customer] = coupon.record_use(by_bearer=same)
