"""Carts that are placed by the use case itself, without HTTP."""

from functools import partial

from service.orders.checkout.build_order import CheckoutWish
from service.orders.checkout.place_order import Placed, place, place_all
from service.payments.payment_methods import Cashier
from service.shared.batching import Gathered
from service.shared.unit_of_work import Units


async def place_cart(units: Units, wish: CheckoutWish) -> Placed:
    """Its order, in a shop that takes no cards."""
    cashier = Cashier()
    placing = Gathered(partial(place_all, units, cashier), name=lambda one: one.cart)
    return await place(units, cashier, placing, wish)
