"""Progress of a group of an order, as its buyer follows it."""

from msgspec import Struct

from domain.fulfilment.fulfilments import FulfilmentLine
from domain.fulfilment.shipments import Parcel
from domain.kernel.ids import OrderId, Sku
from domain.orders.orders import Order
from domain.payments.attempts import PaymentAttempt


class FulfilmentState(Struct, frozen=True):
    """A pickup or a shipment, without the fields that only its location needs."""

    id: str
    order: OrderId
    state: str
    lines: list[FulfilmentLine] = []
    parcels: list[Parcel] = []

    def picked_units(self, sku: Sku) -> int:
        """Units that were fetched so far."""
        return sum(line.picked for line in self.lines if line.sku == sku)

    def ready_units(self, sku: Sku) -> int:
        """Units that are ready to be collected."""
        if self.state != "ready":
            return 0
        return sum(line.remaining for line in self.lines if line.sku == sku)


class OrderDetails(Struct, frozen=True):
    """An order, how far its groups are, and the attempt to be paid for it, if it is paid by card.

    A group that its location does not know of yet is left out.
    """

    order: Order
    groups: dict[str, FulfilmentState] = {}
    attempt: PaymentAttempt | None = None


def details_of_new_order(order: Order) -> OrderDetails:
    """An order that needs no payment first, in the moment in which its locations get it."""
    return OrderDetails(
        order, {one.id: FulfilmentState(one.id, order.id, "placed") for one in order.groups}
    )
