"""Cancellation of orders, in full or in part, before the goods have left."""

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from adapters.http.orders.controllers.orders import OrderView, order_response
from adapters.http.web.authentication import ANYONE, callers
from domain.foundation.callers import Caller
from domain.kernel.ids import OrderId
from service.foundation.ports import Codes, IdempotencyKey
from service.orders.cancel_order import OrderCancellation, cancel_order
from service.payments.payment_methods import PaymentMethods
from service.shared.unit_of_work import Units


class Cancellations(Controller):
    path = "/v1/orders/{order:str}/cancellations"
    tags = ("orders",)

    @post(operation_id="cancel_order", status_code=200, **callers(*ANYONE, scope="orders"))
    async def cancel_order(
        self,
        order: FromPath[OrderId],
        data: JSONBody[OrderCancellation],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        cashier: NamedDependency[PaymentMethods],
        key: NamedDependency[IdempotencyKey],
    ) -> Response[OrderView]:
        """Cancel the units of an order that are not yet handed over or shipped, or its `lines`.

        Its buyer and the office may cancel all of it, a location the units that it prepares itself.
        All that is named is cancelled, or nothing. 409 `nothing_to_cancel`, `already_collected` or
        `already_shipped` mean that it is too late.
        """
        seen = await cancel_order(units, caller=caller, order=order, cancellation=data, key=key)
        return order_response(seen, caller, codes, cashier)
