"""Carts that are placed by the use case itself, without HTTP."""

from functools import partial

from service.orders.checkout.build_order import CheckoutCommand
from service.orders.checkout.place_order import PlacedOrder, place_order, place_orders
from service.payments.payment_methods import PaymentMethods
from service.shared.batching import Batcher
from service.shared.unit_of_work import Units


async def place_cart(units: Units, wish: CheckoutCommand) -> PlacedOrder:
    """Its order, in a shop that takes no cards."""
    cashier = PaymentMethods()
    placing = Batcher(partial(place_orders, units, cashier), name=lambda one: one.cart)
    return await place_order(units, cashier, placing, wish)
