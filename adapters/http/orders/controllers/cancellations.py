"""What was ordered is given up before it has left."""

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from adapters.http.orders.controllers.orders import OrderView, answered
from adapters.http.web.authentication import ANYBODY, called_by
from domain.foundation.callers import Caller
from domain.kernel.ids import OrderId
from service.foundation.ports import Codes, RequestKey
from service.orders.cancel_order import OrderCancellation, cancel
from service.payments.payment_methods import Cashier
from service.shared.unit_of_work import Units


class Cancellations(Controller):
    path = "/v1/orders/{order:str}/cancellations"
    tags = ("orders",)

    @post(operation_id="cancel_order", status_code=200, **called_by(*ANYBODY, scope="orders"))
    async def cancel(
        self,
        order: FromPath[OrderId],
        data: JSONBody[OrderCancellation],
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        codes: NamedDependency[Codes],
        cashier: NamedDependency[Cashier],
        key: NamedDependency[RequestKey],
    ) -> Response[OrderView]:
        """Give up what has not been handed over and has not left yet, or the `lines` of it.

        Its buyer and the office may cancel all of it, a location what it prepares itself. All that
        is named is cancelled, or nothing. 409 `nothing_to_cancel`, `already_collected` or
        `already_shipped` say that it is too late.
        """
        seen = await cancel(units, caller=caller, order=order, cancellation=data, key=key)
        return answered(seen, caller, codes, cashier)
