"""Checkout: a cart becomes an order."""

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody

from adapters.http.orders.controllers.orders import OrderView, answered
from adapters.http.web.authentication import AT_CARTS, called_by
from domain.foundation.callers import Caller
from domain.kernel.ids import CartId
from domain.orders.progress import just_placed
from service.foundation.ports import Codes, RequestKey
from service.orders.checkout.build_order import Checkout, CheckoutWish
from service.orders.checkout.place_order import Served, place
from service.orders.queries import look
from service.payments.payment_methods import Cashier
from service.shared.batching import Gathered
from service.shared.unit_of_work import Units


class Checkouts(Controller):
    path = "/v1/carts"
    tags = ("carts",)

    @post(
        "/{cart:str}/checkout",
        operation_id="checkout_cart",
        responses={200: ResponseSpec(OrderView, description="It was an order before.")},
        **called_by(*AT_CARTS),
    )
    async def checkout(
        self,
        cart: FromPath[CartId],
        data: JSONBody[Checkout],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        locale: NamedDependency[str],
        cashier: NamedDependency[Cashier],
        placing: NamedDependency[Gathered[CheckoutWish, Served]],
        key: NamedDependency[RequestKey],
    ) -> Response[OrderView]:
        """Order a cart. The same Idempotency-Key always gives the same order.

        Paid by card, its goods are held until the money is reserved: `payment` says how that
        stands, and what the shopper's page has to do.
        """
        wish = CheckoutWish(caller, cart, data, locale, key)
        placed = await place(units, cashier, placing, wish)
        if placed.new and placed.attempt is None:
            return answered(just_placed(placed.order), caller, codes, cashier, 201)
        seen = await look(units, caller=caller, order=placed.order.id)
        return answered(seen, caller, codes, cashier, 201 if placed.new else 200)
