"""Carts that are placed by the use case itself, without HTTP."""

from functools import partial

from service.gathering import Gathered
from service.orders.drafting import CheckoutWish
from service.orders.placing import Placed, place, place_all
from service.payments.cashier import Cashier
from service.ports.unit import Units


async def place_cart(units: Units, wish: CheckoutWish) -> Placed:
    """Its order, in a shop that takes no cards."""
    cashier = Cashier()
    placing = Gathered(partial(place_all, units, cashier), name=lambda one: one.cart)
    return await place(units, cashier, placing, wish)
