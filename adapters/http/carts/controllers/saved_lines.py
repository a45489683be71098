"""Lines of a cart that are saved for later."""

from litestar import Controller, Response, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from adapters.http.web.authentication import CART_ROLES, callers
from adapters.http.web.bodies import EmptyBody
from adapters.http.web.etags import with_etag
from domain.carts.cart_lines import FulfilmentMethod
from domain.foundation.callers import Caller
from domain.kernel.ids import CartId, Sku
from service.carts import cart_lines as changing
from service.carts.cart_lines import CartChange
from service.carts.queries import CartView
from service.shared.unit_of_work import Units


class SaveLineBody(Struct, forbid_unknown_fields=True):
    """The line to save: its SKU, and its `fulfilment` where the SKU has several lines."""

    sku: Sku
    fulfilment: FulfilmentMethod | None = None


class SavedLines(Controller):
    path = "/v1/carts/{cart:str}/saved"
    tags = ("carts",)

    @post(
        operation_id="save_cart_line",
        status_code=200,
        **callers(*CART_ROLES),
    )
    async def save_cart_line(
        self,
        cart: FromPath[CartId],
        data: JSONBody[SaveLineBody],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        change: NamedDependency[CartChange],
    ) -> Response[CartView]:
        """Save a line for later: without stock, and in no total. A repeat changes nothing."""
        view = await changing.save_line(
            units, caller=caller, cart=cart, sku=data.sku, at=data.fulfilment, change=change
        )
        return with_etag(view, view.version)

    @post(
        "/{sku:str}/restore",
        operation_id="restore_cart_line",
        status_code=200,
        **callers(*CART_ROLES),
    )
    async def restore_cart_line(
        self,
        cart: FromPath[CartId],
        sku: FromPath[Sku],
        data: JSONBody[EmptyBody],  # noqa: ARG002 - read, so that a misspelt field is named
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        change: NamedDependency[CartChange],
    ) -> Response[CartView]:
        """Move a saved line back into the cart, unchanged. A repeat changes nothing."""
        view = await changing.restore_line(units, caller=caller, cart=cart, sku=sku, change=change)
        return with_etag(view, view.version)

    @delete(
        "/{sku:str}",
        operation_id="delete_saved_line",
        status_code=200,
        **callers(*CART_ROLES),
    )
    async def delete_saved_line(
        self,
        cart: FromPath[CartId],
        sku: FromPath[Sku],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        change: NamedDependency[CartChange],
    ) -> Response[CartView]:
        """Delete a SKU from the saved lines. A repeat changes nothing."""
        view = await changing.delete_saved_line(
            units, caller=caller, cart=cart, sku=sku, change=change
        )
        return with_etag(view, view.version)
