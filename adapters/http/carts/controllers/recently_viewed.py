"""Recently viewed products of a customer, or of a guest with a cart."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from adapters.http.web.authentication import SHOPPER_ROLES, callers
from domain.carts.recently_viewed import MAX_VIEWED
from domain.foundation.callers import Caller, Role
from domain.inventory.availability import StockDisplayPolicy
from domain.kernel.ids import CartId, Sku
from service.carts.recently_viewed import ViewedItems, list_recently_viewed, record_viewed
from service.foundation.ports import IdempotencyKey
from service.shared.unit_of_work import Units


class NewRecentlyViewed(Struct, forbid_unknown_fields=True):
    """The products that were viewed, the newest first."""

    skus: Annotated[list[Sku], Meta(min_length=1, max_length=MAX_VIEWED)]


class MyRecentlyViewed(Controller):
    path = "/v1/me/viewed"
    tags = ("carts",)

    @get(operation_id="list_my_viewed", **callers(Role.CUSTOMER))
    async def list_my_recently_viewed(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        stock_display: NamedDependency[StockDisplayPolicy],
        locale: NamedDependency[str],
    ) -> ViewedItems:
        """List the 50 products that the customer viewed last, on any device."""
        return await list_recently_viewed(
            units, caller=caller, cart=None, stock_display=stock_display, locale=locale
        )

    @post(operation_id="note_my_viewed", status_code=204, **callers(Role.CUSTOMER))
    async def record_my_recently_viewed(
        self,
        data: JSONBody[NewRecentlyViewed],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> None:
        """Record viewed products, the newest first. A repeat moves a product to the top again."""
        await record_viewed(units, caller=caller, cart=None, skus=data.skus, key=optional_key)


class CartRecentlyViewed(Controller):
    path = "/v1/carts/{cart:str}/viewed"
    tags = ("carts",)

    @get(operation_id="list_cart_viewed", **callers(*SHOPPER_ROLES))
    async def list_cart_recently_viewed(
        self,
        cart: FromPath[CartId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        stock_display: NamedDependency[StockDisplayPolicy],
        locale: NamedDependency[str],
    ) -> ViewedItems:
        """List the products that a guest viewed; at log-in they become the customer's."""
        return await list_recently_viewed(
            units, caller=caller, cart=cart, stock_display=stock_display, locale=locale
        )

    @post(operation_id="note_cart_viewed", status_code=204, **callers(*SHOPPER_ROLES))
    async def record_cart_recently_viewed(
        self,
        cart: FromPath[CartId],
        data: JSONBody[NewRecentlyViewed],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        optional_key: NamedDependency[IdempotencyKey | None],
    ) -> None:
        """Record the products that a guest viewed, the newest first."""
        await record_viewed(units, caller=caller, cart=cart, skus=data.skus, key=optional_key)
