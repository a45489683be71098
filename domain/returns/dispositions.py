"""Dispositions of returned goods: into stock here, to a store that lacks them, or set aside.

Open claims go first: orders here, then orders elsewhere; then stores without stock, here before
elsewhere. Among stores, the nearest.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.inventory.conditions import Condition
from domain.inventory.stock_levels import StockLevel
from domain.kernel.ids import Sku, StoreId


class Disposition(StrEnum):
    """The disposition of returned goods; those that are `missing` did not come at all."""

    SELLABLE = "sellable"
    DAMAGED = "damaged"
    QUARANTINE = "quarantine"
    MISSING = "missing"


CONDITION_BY_DISPOSITION: Final = {
    Disposition.DAMAGED: Condition.DAMAGED,
    Disposition.QUARANTINE: Condition.QUARANTINE,
}
"""The condition of returned goods that cannot be sold as they are."""


class ProposedAction(StrEnum):
    SHELF = "shelf"
    TRANSFER = "transfer"
    QUARANTINE = "quarantine"


class DispositionProposal(Struct, frozen=True):
    """For staff: where `quantity` units belong, and why; `store` is where a transfer goes to."""

    sku: Sku
    quantity: int
    to_do: ProposedAction
    reason: str
    store: StoreId | None = None


class OtherLocation(Struct, frozen=True):
    """The stock level of another store, and its distance; None where it is unknown."""

    stock_level: StockLevel
    distance_km: float | None = None


NOT_SELLABLE: Final = {Disposition.DAMAGED: "damaged", Disposition.QUARANTINE: "to_be_checked"}
"""The reason why goods are set aside."""


def propose(
    disposition: Disposition, quantity: int, here: StockLevel, others: Iterable[OtherLocation]
) -> DispositionProposal:
    """Decides the disposition of returned units; the stock levels are those before the return."""
    if reason := NOT_SELLABLE.get(disposition):
        return DispositionProposal(here.sku, quantity, ProposedAction.QUARANTINE, reason)
    lacking = sorted((other for other in others if not other.stock_level.sellable), key=_priority)
    nearest = lacking[0].stock_level if lacking else None
    if here.available < 0:
        return DispositionProposal(here.sku, quantity, ProposedAction.SHELF, "promised_here")
    if nearest and nearest.available < 0:
        return DispositionProposal(
            here.sku, quantity, ProposedAction.TRANSFER, "promised_there", nearest.store
        )
    if not here.sellable:
        return DispositionProposal(here.sku, quantity, ProposedAction.SHELF, "sold_out_here")
    if nearest:
        return DispositionProposal(
            here.sku, quantity, ProposedAction.TRANSFER, "sold_out_there", nearest.store
        )
    return DispositionProposal(here.sku, quantity, ProposedAction.SHELF, "enough_everywhere")


def _priority(other: OtherLocation) -> tuple[bool, bool, float, StoreId]:
    """Orders that wait go first, then the nearest; who is nowhere goes last."""
    nowhere = other.distance_km is None
    return (
        other.stock_level.available >= 0,
        nowhere,
        other.distance_km or 0.0,
        other.stock_level.store,
    )
