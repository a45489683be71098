"""Coupons and shipping: the terms that change a cart's price besides its lines."""

from litestar import Controller, Response, delete, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Struct, UnsetType

from adapters.http.web.authentication import CART_ROLES, callers
from adapters.http.web.etags import with_etag
from domain.foundation.callers import Caller
from domain.kernel.addresses import Address
from domain.kernel.ids import CartId, ShippingMethodId
from service.carts import cart_terms as terms
from service.carts.cart_lines import CartChange
from service.carts.cart_terms import ShippingChoice
from service.carts.queries import CartView
from service.shared.unit_of_work import Units


class CartShippingUpdate(Struct, forbid_unknown_fields=True):
    """A field that is left out does not change; null removes its value."""

    method: ShippingMethodId | UnsetType | None = UNSET
    address: Address | UnsetType | None = UNSET


class CartTerms(Controller):
    path = "/v1/carts/{cart:str}"
    tags = ("carts",)

    @put(
        "/coupons/{code:str}",
        operation_id="put_cart_coupon",
        **callers(*CART_ROLES, strict=True),
    )
    async def apply_cart_coupon(
        self,
        cart: FromPath[CartId],
        code: FromPath[str],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        change: NamedDependency[CartChange],
    ) -> Response[CartView]:
        """Apply a coupon to a cart, at most three; its case is ignored.

        A coupon that gives no discount yet stays in the cart, and the cart's `problems` report it.
        404 `unknown_coupon`; 409 `coupon_ended`, `coupon_used_up`, `coupon_not_yours`.
        """
        view = await terms.add_coupon(units, caller=caller, cart=cart, code=code, change=change)
        return with_etag(view, view.version)

    @delete(
        "/coupons/{code:str}",
        operation_id="delete_cart_coupon",
        status_code=200,
        **callers(*CART_ROLES),
    )
    async def delete_cart_coupon(
        self,
        cart: FromPath[CartId],
        code: FromPath[str],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        change: NamedDependency[CartChange],
    ) -> Response[CartView]:
        """Remove a coupon. A repeat changes nothing."""
        view = await terms.remove_coupon(units, caller=caller, cart=cart, code=code, change=change)
        return with_etag(view, view.version)

    @put("/shipping", operation_id="put_cart_shipping", **callers(*CART_ROLES))
    async def update_cart_shipping(
        self,
        cart: FromPath[CartId],
        data: JSONBody[CartShippingUpdate],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        change: NamedDependency[CartChange],
    ) -> Response[CartView]:
        """Set the shipping method and the address of the lines that are to be sent.

        Until a method is chosen it is the cheapest that reaches the address.
        """
        wish = ShippingChoice(data.method, data.address)
        view = await terms.choose_shipping(
            units, caller=caller, cart=cart, wish=wish, change=change
        )
        return with_etag(view, view.version)
