"""Terms of a cart besides its lines: coupons, and the shipping method."""

from msgspec import UNSET, Struct, UnsetType

from domain.carts.carts import Cart
from domain.foundation.callers import Caller
from domain.kernel.addresses import Address
from domain.kernel.ids import CartId, ShippingMethodId
from domain.pricing.promotions import CouponNotFound, CouponProblem, CouponRejected, normalize_code
from domain.pricing.shipping_methods import ensure_offered
from service.carts.cart_lines import CartChange, apply_change
from service.carts.queries import CartView
from service.shared.unit_of_work import Unit, Units


async def add_coupon(
    units: Units, *, caller: Caller, cart: CartId, code: str, change: CartChange
) -> CartView:
    """Adds a coupon to a cart; a repeat changes nothing.

    A coupon that the cart cannot use yet is accepted with a problem; one that it can never use is
    not.

    Raises:
        CouponNotFound: there is none with this code.
        CouponRejected: it has ended, is used up, or belongs to another customer.
        TooManyCoupons
    """

    async def add(unit: Unit, before: Cart) -> Cart:
        before.ensure_open()
        shown = (normalize_code(code), before.customer)
        _, coupons = await unit.pricing.prices.get_rules([shown])
        coupon = coupons[shown]
        if coupon.promotion is None:
            raise CouponNotFound
        trouble = coupon.find_problem(
            customer=before.customer, items=[], currency=before.currency, now=unit.now
        )
        if (
            trouble not in {None, CouponProblem.NOT_APPLICABLE}
            and coupon.code not in before.coupons
        ):
            raise CouponRejected(coupon.code, trouble)
        return before.with_coupon(coupon.code, unit.now)

    return await apply_change(units, caller, cart, change, add)


async def remove_coupon(
    units: Units, *, caller: Caller, cart: CartId, code: str, change: CartChange
) -> CartView:
    """Take a coupon out; a repeat changes nothing."""

    async def drop(unit: Unit, before: Cart) -> Cart:
        return before.without_coupon(normalize_code(code), unit.now)

    return await apply_change(units, caller, cart, change, drop)


class ShippingChoice(Struct, frozen=True):
    """A shipping method and address; a field left out stays as it was, and None removes it."""

    method: ShippingMethodId | UnsetType | None = UNSET
    address: Address | UnsetType | None = UNSET


async def choose_shipping(
    units: Units, *, caller: Caller, cart: CartId, wish: ShippingChoice, change: CartChange
) -> CartView:
    """Sets the shipping method and address. Raises UnknownShippingMethod."""

    async def decide(unit: Unit, before: Cart) -> Cart:
        method = before.method if wish.method is UNSET else wish.method
        address = before.address if wish.address is UNSET else wish.address
        if method is not None and method != before.method:
            rules, _ = await unit.pricing.prices.get_rules()
            ensure_offered(method, rules.methods, before.currency)
        return before.with_shipping(method, address, unit.now)

    return await apply_change(units, caller, cart, change, decide)
