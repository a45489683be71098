"""Checkout: a cart becomes an order."""

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody

from adapters.http.orders.controllers.orders import OrderView, order_response
from adapters.http.web.authentication import CART_ROLES, callers
from domain.foundation.callers import Caller
from domain.kernel.ids import CartId
from domain.orders.progress import details_of_new_order
from service.foundation.ports import Codes, IdempotencyKey
from service.orders.checkout.build_order import Checkout, CheckoutCommand
from service.orders.checkout.place_order import PlaceOrderResult, place_order
from service.orders.queries import get_order
from service.payments.payment_methods import PaymentMethods
from service.shared.batching import Batcher
from service.shared.unit_of_work import Units


class Checkouts(Controller):
    path = "/v1/carts"
    tags = ("carts",)

    @post(
        "/{cart:str}/checkout",
        operation_id="checkout_cart",
        responses={200: ResponseSpec(OrderView, description="It was an order before.")},
        **callers(*CART_ROLES),
    )
    async def checkout(
        self,
        cart: FromPath[CartId],
        data: JSONBody[Checkout],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        locale: NamedDependency[str],
        cashier: NamedDependency[PaymentMethods],
        placing: NamedDependency[Batcher[CheckoutCommand, PlaceOrderResult]],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[OrderView]:
        """Order a cart. The same Idempotency-Key always gives the same order.

        Paid by card, its goods are held until the money is authorized: `payment` gives the state of
        that, and the next step for the shopper's page.
        """
        wish = CheckoutCommand(caller, cart, data, locale, key)
        placed = await place_order(units, cashier, placing, wish)
        if placed.new and placed.attempt is None:
            return order_response(details_of_new_order(placed.order), caller, codes, cashier, 201)
        seen = await get_order(units, caller=caller, order=placed.order.id)
        return order_response(seen, caller, codes, cashier, 201 if placed.new else 200)
