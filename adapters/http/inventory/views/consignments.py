"""Views that deliveries and transfers share."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Annotated, Final, TypeVar

from msgspec import Meta, Struct

from domain.foundation.callers import Caller, Role
from domain.fulfilment.fulfilments import RepeatedLine
from domain.inventory.consignments import Consignment
from domain.inventory.stock_levels import MAX_UNITS
from domain.kernel.ids import Sku, StoreId

CONSIGNMENT_ROLES: Final = (Role.ASSOCIATE, Role.OFFICE)
MAX_LINES: Final = 1000

Line = TypeVar("Line")


class NewConsignmentLine(Struct, forbid_unknown_fields=True):
    sku: Sku
    quantity: Annotated[int, Meta(ge=1, le=MAX_UNITS)]


NewConsignmentLines = Annotated[list[NewConsignmentLine], Meta(min_length=1, max_length=MAX_LINES)]


class ReceivedLine(Struct, forbid_unknown_fields=True):
    """Units that have come so far in all, so that a repeat is harmless."""

    sku: Sku
    received: Annotated[int, Meta(ge=0, le=MAX_UNITS)]


class ReceiveConsignmentBody(Struct, forbid_unknown_fields=True):
    """The units received. `close` declares that no more come: missing ones are the discrepancy."""

    lines: Annotated[list[ReceivedLine], Meta(max_length=MAX_LINES)]
    close: bool = False

    @property
    def totals(self) -> dict[Sku, int]:
        """Raises Repeated."""
        return quantities_by_sku((line.sku, line.received) for line in self.lines)


class IncomingView(Struct, frozen=True):
    """Units on their way, and the day they are due; null where that day is unknown."""

    on: date | None
    quantity: int
    source: str


def to_quantities(lines: Iterable[NewConsignmentLine]) -> dict[Sku, int]:
    """Raises Repeated."""
    return quantities_by_sku((line.sku, line.quantity) for line in lines)


def to_line_views(
    consignment: Consignment, line: Callable[[Sku, int, int, int, int], Line]
) -> list[Line]:
    """Return the lines: SKU, and the units expected, received, still to come and never received."""
    return [
        line(
            each.sku,
            each.quantity,
            each.received,
            consignment.outstanding(each),
            consignment.discrepancy(each),
        )
        for each in consignment.lines
    ]


def quantities_by_sku(lines: Iterable[tuple[Sku, int]]) -> dict[Sku, int]:
    """Raises Repeated."""
    units: dict[Sku, int] = {}
    for sku, count in lines:
        if sku in units:
            raise RepeatedLine(sku)
        units[sku] = count
    return units


def own_stores(caller: Caller, stores: list[StoreId] | None) -> list[StoreId] | None:
    """The stores that were named, else one's own; None for all."""
    return sorted(caller.stores) if stores is None and caller.role is not Role.OFFICE else stores
