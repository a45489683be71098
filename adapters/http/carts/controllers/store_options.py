"""Where a whole cart can be collected."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from adapters.http.web.authentication import CART_ROLES, callers
from adapters.http.web.geo import Near, RadiusKm, parse_search_area
from adapters.http.web.paging import Limit
from domain.foundation.callers import Caller
from domain.kernel.ids import CartId
from service.carts.store_options import StoreOptions, plan_store_options
from service.shared.unit_of_work import Units


class CartStoreOptions(Controller):
    path = "/v1/carts/{cart:str}/stores"
    tags = ("carts",)

    @get(operation_id="plan_cart", **callers(*CART_ROLES))
    async def get_cart_store_options(
        self,
        cart: FromPath[CartId],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        near: Near = None,
        radius_km: RadiusKm = None,
        limit: Limit = 50,
    ) -> StoreOptions:
        """List the stores that can serve the whole cart, and the best split over two.

        That serves the most units, then the earliest, then on the shortest way. At most 50 stores
        are compared: the nearest, or without `near` those with the most of the cart. Nothing is
        held.
        """
        place = parse_search_area(near, radius_km)
        return await plan_store_options(units, caller=caller, cart=cart, around=place, limit=limit)
