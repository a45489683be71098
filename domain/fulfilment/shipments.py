"""Shipments: groups that are sent to their buyer, in one parcel or several.

    placed → accepted → picking → shipped → delivered

Goods that a location reports as sent have left it, whatever was recorded before. When a part has
left, the rest may still be declined, not found or cancelled; then the sent part is the whole
shipment.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Self

from msgspec import Meta, Struct, structs

from domain.fulfilment.fulfilments import (
    Fulfilment,
    FulfilmentLine,
    InvalidState,
    Transitions,
    UnexpectedItem,
)
from domain.kernel.errors import Conflict, NotFound
from domain.kernel.ids import ShipmentId, Sku


class ShipmentState(StrEnum):
    PLACED = "placed"
    ACCEPTED = "accepted"
    PICKING = "picking"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    DECLINED = "declined"
    SHORT = "short"
    PUT_BACK = "put_back"
    CANCELLED = "cancelled"


_S = ShipmentState
FINAL_STATES: Final = frozenset({_S.DECLINED, _S.SHORT, _S.CANCELLED})
"""Ways to end with goods left."""
TRANSITIONS: Final[Mapping[ShipmentState, frozenset[ShipmentState]]] = {
    _S.PLACED: frozenset({_S.ACCEPTED, _S.PICKING, _S.SHIPPED, _S.DECLINED, _S.CANCELLED}),
    _S.ACCEPTED: frozenset({_S.PICKING, _S.SHIPPED, _S.DECLINED, _S.CANCELLED, _S.SHORT}),
    _S.PICKING: frozenset({_S.PICKING, _S.SHIPPED, _S.DECLINED, _S.CANCELLED, _S.SHORT}),
    _S.SHIPPED: frozenset({_S.DELIVERED}),
    _S.DELIVERED: frozenset(),
    _S.DECLINED: frozenset({_S.PUT_BACK}),
    _S.SHORT: frozenset({_S.PUT_BACK}),
    _S.CANCELLED: frozenset({_S.PUT_BACK}),
    _S.PUT_BACK: frozenset(),
}

TrackingNumber = Annotated[str, Meta(min_length=1, max_length=100)]


class Parcel(Struct, frozen=True):
    """Units of each line that left together; `url` is where its way can be followed."""

    carrier: str
    tracking_number: str
    units: dict[Sku, int]
    sent_at: datetime
    url: str = ""
    delivered_at: datetime | None = None


class Dispatch(Struct, frozen=True):
    """The goods of a parcel, and its tracking; without `units` all that are still to come."""

    carrier: str
    tracking_number: str
    url: str = ""
    units: Mapping[Sku, int] | None = None


class AlreadyShipped(Conflict):
    code = "already_shipped"

    def __init__(self, shipment: "Shipment") -> None:
        super().__init__(
            "This shipment has left before.",
            facts={"store": shipment.store, "parcels": _tracking_numbers(shipment)},
        )


class ParcelAlreadyKnown(Conflict):
    code = "parcel_known"

    def __init__(self, parcel: Parcel) -> None:
        super().__init__(
            f"The parcel {parcel.tracking_number} has left with other goods.",
            facts={"tracking_number": parcel.tracking_number, "units": parcel.units},
        )


class ParcelNotFound(NotFound):
    code = "unknown_parcel"

    def __init__(self, shipment: "Shipment", number: str) -> None:
        super().__init__(
            f"No parcel {number!r} has left.", facts={"parcels": _tracking_numbers(shipment)}
        )


class Shipment(Fulfilment, frozen=True, kw_only=True):
    """`method` is the shipping method that was chosen; either end of the promise may be open."""

    KIND: ClassVar[str] = "shipment"
    MOVES: ClassVar[Transitions] = TRANSITIONS

    id: ShipmentId
    state: ShipmentState
    method: str = ""
    promised_from: datetime | None = None
    promised_until: datetime | None = None
    parcels: list[Parcel] = []  # noqa: RUF012 - msgspec copies an empty list
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None

    def cancel(self, reason: str, now: datetime) -> Self:
        """The buyer no longer wants the unsent goods; picked goods wait to be put back.

        A repeat changes nothing.
        """
        self._ensure_not_shipped()
        return self.transition_to("cancelled", now, lines=self.cancelled_lines(), reason=reason)

    def cancel_units(self, units: Mapping[Sku, int], reason: str, now: datetime) -> Self:
        """The buyer no longer wants some of it.

        Raises:
            AlreadyShipped: it is too late.
            Unexpected: a line that is not here, or more of it than is still to come.
        """
        self._ensure_not_shipped()
        lines = self.lines_without(units)
        if any(line.remaining for line in lines):
            if ShipmentState.CANCELLED not in TRANSITIONS[self.state]:
                raise InvalidState(self, ShipmentState.CANCELLED)
            return self.with_changes(now, lines=lines)
        return self.transition_to("cancelled", now, lines=lines, reason=reason)

    def send_parcel(self, leaving: Dispatch, now: datetime) -> Self:
        """A parcel leaves; the same one again changes nothing.

        Raises:
            ParcelAlreadyKnown: its number has left with other goods.
            AlreadyShipped: nothing is left to send.
            Unexpected: a line that is not here, or more of it than is still to come.
        """
        known = next(
            (one for one in self.parcels if one.tracking_number == leaving.tracking_number), None
        )
        if known:
            if leaving.units is not None and dict(leaving.units) != known.units:
                raise ParcelAlreadyKnown(known)
            return self
        self._ensure_shippable()
        units = self._units_to_ship(leaving.units)
        lines = [_ship_line(line, units.get(line.sku, 0)) for line in self.lines]
        parcel = Parcel(leaving.carrier, leaving.tracking_number, units, now, leaving.url)
        parcels = [*self.parcels, parcel]
        if any(line.remaining for line in lines):
            return self.transition_to("picking", now, lines=lines, parcels=parcels)
        return self.transition_to("shipped", now, lines=lines, parcels=parcels, shipped_at=now)

    def deliver_parcel(self, tracking_number: str, now: datetime) -> Self:
        """A parcel has reached its buyer; a repeat changes nothing. Raises ParcelNotFound."""
        if tracking_number not in _tracking_numbers(self):
            raise ParcelNotFound(self, tracking_number)
        parcels = [
            structs.replace(one, delivered_at=now)
            if one.tracking_number == tracking_number and one.delivered_at is None
            else one
            for one in self.parcels
        ]
        if parcels == self.parcels:
            return self
        if self.state is ShipmentState.SHIPPED and all(one.delivered_at for one in parcels):
            return self.transition_to("delivered", now, parcels=parcels, delivered_at=now)
        return self.with_changes(now, parcels=parcels)

    def transition_to(self, state: str, now: datetime, **changes: object) -> Self:
        """As any group; one that has left in part ends as shipped."""
        if state in FINAL_STATES and any(line.given for line in self.lines):
            return self._end_partly_shipped(now, **changes)
        return super().transition_to(state, now, **changes)

    def _end_partly_shipped(self, now: datetime, **changes: object) -> Self:
        """Nothing more will leave: it is sent, or has arrived where all of its parcels have."""
        last = max(parcel.sent_at for parcel in self.parcels)
        sent = super().transition_to("shipped", now, shipped_at=last, **changes)
        arrived = [parcel.delivered_at for parcel in self.parcels if parcel.delivered_at]
        if len(arrived) < len(self.parcels):
            return sent
        return structs.replace(sent, state=ShipmentState.DELIVERED, delivered_at=max(arrived))

    def _ensure_not_shipped(self) -> None:
        if self.state in {ShipmentState.SHIPPED, ShipmentState.DELIVERED}:
            raise AlreadyShipped(self)

    def _ensure_shippable(self) -> None:
        self._ensure_not_shipped()
        if ShipmentState.SHIPPED not in TRANSITIONS[self.state]:
            raise InvalidState(self, ShipmentState.SHIPPED)

    def _units_to_ship(self, units: Mapping[Sku, int] | None) -> dict[Sku, int]:
        if units is None:
            return {line.sku: line.remaining for line in self.lines if line.remaining}
        self.ensure_lines(units)
        remaining = {line.sku: line.remaining for line in self.lines}
        wrong = sorted(sku for sku in units if not 0 < units[sku] <= remaining[sku])
        if wrong:
            raise UnexpectedItem(
                f"More of {', '.join(wrong)} than is still to come.",
                facts={"remaining": remaining},
            )
        return dict(units)


def _ship_line(line: FulfilmentLine, units: int) -> FulfilmentLine:
    given = line.given + units
    return structs.replace(line, given=given, picked=max(line.picked, given + line.put_back))


def _tracking_numbers(shipment: Shipment) -> list[str]:
    return [parcel.tracking_number for parcel in shipment.parcels]
