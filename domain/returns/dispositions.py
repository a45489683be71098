"""What to do with goods that came back: on the shelf here, to a store that lacks them, or aside.

Whoever waits goes first: orders here, then orders elsewhere; then whoever has nothing to sell, here
before elsewhere. Among stores, the nearest.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.inventory.conditions import Condition
from domain.inventory.stock_levels import Shelf
from domain.kernel.ids import Sku, StoreId


class Disposition(StrEnum):
    """What becomes of goods that came back; those that are `missing` did not come at all."""

    SELLABLE = "sellable"
    DAMAGED = "damaged"
    QUARANTINE = "quarantine"
    MISSING = "missing"


NOT_FOR_SALE: Final = {
    Disposition.DAMAGED: Condition.DAMAGED,
    Disposition.QUARANTINE: Condition.QUARANTINE,
}
"""In which condition goods come back that cannot be sold as they are."""


class ToDo(StrEnum):
    SHELF = "shelf"
    TRANSFER = "transfer"
    QUARANTINE = "quarantine"


class Proposal(Struct, frozen=True):
    """For staff: where `quantity` units belong, and why; `store` is where a transfer goes to."""

    sku: Sku
    quantity: int
    to_do: ToDo
    reason: str
    store: StoreId | None = None


class Elsewhere(Struct, frozen=True):
    """The shelf of another store, and how far it is; None where nobody knows."""

    shelf: Shelf
    distance_km: float | None = None


ASIDE: Final = {Disposition.DAMAGED: "damaged", Disposition.QUARANTINE: "to_be_checked"}
"""Why goods are set apart."""


def proposed(
    disposition: Disposition, quantity: int, here: Shelf, others: Iterable[Elsewhere]
) -> Proposal:
    """Where units that came back belong; the shelves are as they were before they came."""
    if reason := ASIDE.get(disposition):
        return Proposal(here.sku, quantity, ToDo.QUARANTINE, reason)
    lacking = sorted((other for other in others if not other.shelf.sellable), key=_need)
    nearest = lacking[0].shelf if lacking else None
    if here.available < 0:
        return Proposal(here.sku, quantity, ToDo.SHELF, "promised_here")
    if nearest and nearest.available < 0:
        return Proposal(here.sku, quantity, ToDo.TRANSFER, "promised_there", nearest.store)
    if not here.sellable:
        return Proposal(here.sku, quantity, ToDo.SHELF, "sold_out_here")
    if nearest:
        return Proposal(here.sku, quantity, ToDo.TRANSFER, "sold_out_there", nearest.store)
    return Proposal(here.sku, quantity, ToDo.SHELF, "enough_everywhere")


def _need(other: Elsewhere) -> tuple[bool, bool, float, StoreId]:
    """Orders that wait go first, then the nearest; who is nowhere goes last."""
    nowhere = other.distance_km is None
    return (other.shelf.available >= 0, nowhere, other.distance_km or 0.0, other.shelf.store)
