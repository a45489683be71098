"""Views that pickups and shipments share."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from domain.catalogue.products import parse_gtin
from domain.fulfilment.fulfilments import FulfilmentLine, PickedQuantities
from domain.kernel.errors import InvalidField
from domain.kernel.ids import Sku
from service.orders.apply_transition import ScannedItem

Reason = Annotated[str, Meta(min_length=1, max_length=200)]
PickedQuantity = Annotated[int, Meta(ge=0, le=1_000_000)]


class FulfilmentLineView(Struct, frozen=True, kw_only=True):
    """`missing` units were not found by the store; they are `cancelled` too."""

    sku: Sku
    name: str
    gtin: str | None
    quantity: int
    picked: int
    missing: int
    cancelled: int
    parts: dict[Sku, int]


def to_line_fields(line: FulfilmentLine) -> dict[str, Any]:
    """Return the fields of a line that every kind of fulfilment shows."""
    return {name: getattr(line, name) for name in FulfilmentLineView.__struct_fields__}


class Decline(Struct, forbid_unknown_fields=True):
    """The reason, and the lines that are declined; without `lines` all of them."""

    reason: Reason
    lines: Annotated[list[Sku], Meta(min_length=1, max_length=200)] | None = None


class PickedLine(Struct, forbid_unknown_fields=True):
    """Units fetched so far of a line, by its sku or the barcode; `short`: the rest is not there."""

    quantity: PickedQuantity
    sku: Sku | None = None
    gtin: str | None = None
    short: bool = False

    def __post_init__(self) -> None:
        if (self.sku is None) == (self.gtin is None):
            raise InvalidField("sku", "sku_or_gtin", "name the line by its sku or by its gtin")
        if self.gtin is not None:
            self.gtin = parse_gtin(self.gtin)


class Picking(Struct, forbid_unknown_fields=True):
    lines: Annotated[list[PickedLine], Meta(min_length=1, max_length=200)]

    def to_scanned(self) -> list[ScannedItem]:
        return [
            ScannedItem(PickedQuantities(line.quantity, line.short), line.sku, line.gtin)
            for line in self.lines
        ]


class Cancellation(Struct, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(max_length=200)] = "customer"
