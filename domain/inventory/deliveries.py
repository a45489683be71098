"""Deliveries: goods that a supplier is expected to bring to a store.

    expected → closed | cancelled

Received units are booked as they come, also where they exceed the expected ones: they are there.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Self
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct
from msgspec.structs import replace

from domain.inventory.consignments import Consignment, ConsignmentClosed, ConsignmentLine
from domain.inventory.stock_levels import MAX_UNITS, MovementReason
from domain.kernel.errors import Conflict, Invalid, InvalidField
from domain.kernel.ids import DeliveryId, Sku, StoreId
from domain.stores.stores import Store


class DeliveryState(StrEnum):
    EXPECTED = "expected"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class DeliveryClosed(ConsignmentClosed):
    code = "delivery_closed"


class SkuNotExpected(Invalid):
    """Something has come that this delivery does not name."""

    code = "not_expected"

    def __init__(self, skus: list[Sku]) -> None:
        errors = [{"sku": sku} for sku in skus]
        super().__init__(f"This delivery brings no {', '.join(skus)}.", errors=errors)


class AlreadyReceived(Conflict):
    code = "already_received"

    def __init__(self, delivery: "Delivery") -> None:
        received = {line.sku: line.received for line in delivery.lines if line.received}
        super().__init__("Some of it has come; close it instead.", facts={"received": received})


class DueDate(Struct, frozen=True):
    """The expected time of a delivery: a day of the store's, and an hour where that is known."""

    on: date
    at: datetime | None = None

    @classmethod
    def at_store(cls, store: Store, on: date | None, at: datetime | None) -> Self:
        """At least one of the two is given."""
        day = at.astimezone(ZoneInfo(store.time_zone)).date() if at else on
        assert day is not None, "a delivery has a day or a time"
        return cls(day, at)


class ExpectedDeliveryLine(Struct, frozen=True):
    """A line of a file: units of a SKU that the delivery with this `id`, the retailer's, brings."""

    id: str
    store: StoreId
    sku: Sku
    quantity: Annotated[int, Meta(ge=1, le=MAX_UNITS)]
    due_on: date
    reference: Annotated[str, Meta(max_length=200)] = ""


class Delivery(Consignment, frozen=True, kw_only=True):
    """`external_id` is the id in the retailer's own system, where a file gave it."""

    ARRIVAL_REASON: ClassVar = MovementReason.RECEIVED
    CLOSED_STATE: ClassVar = DeliveryState.CLOSED
    CLOSED_ERROR: ClassVar = DeliveryClosed

    id: DeliveryId
    state: DeliveryState = DeliveryState.EXPECTED
    external_id: str | None = None
    reference: str = ""
    due_at: datetime | None = None
    announced_by: str
    announced_at: datetime

    def receive(self, totals: Mapping[Sku, int], *, last: bool, by: str, now: datetime) -> Self:
        """Raises SkuNotExpected too."""
        expected = {line.sku for line in self.lines}
        if strangers := sorted(totals.keys() - expected):
            raise SkuNotExpected(strangers)
        return super().receive(totals, last=last, by=by, now=now)

    def reschedule(self, due: DueDate) -> Self:
        """It is expected at another time; the same once more changes nothing."""
        if (self.due_on, self.due_at) == (due.on, due.at):
            return self
        if self.is_closed:
            raise DeliveryClosed(self)
        return replace(self, due_on=due.on, due_at=due.at).with_next_version()

    def apply_expected_line(self, line: ExpectedDeliveryLine, *, reference: str) -> Self:
        """The delivery with `line` and its due date; a known state changes nothing.

        Raises:
            InvalidField: it is for another store, and stays so.
            DeliveryClosed: there is news of a closed delivery.
        """
        if line.store != self.destination:
            raise InvalidField("store", "contradiction", f"is {self.destination} for this delivery")
        lines = {one.sku: one for one in self.lines}
        known = lines.get(line.sku, ConsignmentLine(line.sku, line.quantity))
        lines[line.sku] = replace(known, quantity=line.quantity)
        due_at = self.due_at if line.due_on == self.due_on else None
        after = replace(
            self,
            lines=list(lines.values()),
            due_on=line.due_on,
            due_at=due_at,
            reference=reference,
        )
        if after == self:
            return self
        if self.is_closed:
            raise DeliveryClosed(self)
        return after.with_next_version()

    def cancel(self, by: str, now: datetime) -> Self:
        """It will not come; a repeat changes nothing. Raises AlreadyReceived, DeliveryClosed."""
        if self.state is DeliveryState.CANCELLED:
            return self
        if self.is_closed:
            raise DeliveryClosed(self)
        if any(line.received for line in self.lines):
            raise AlreadyReceived(self)
        return self.close(DeliveryState.CANCELLED, by, now)
