"""Stock levels: the units in each place, and those that are promised.

    available            = on_hand - unavailable - allocated - held
    sellable (a channel) = max(0, available - safety_stock - buffer)   where the location serves it
                         = 0                                           elsewhere
    sellable (network)   = the sum over all locations

A till sells any unit that is there.

`on_hand` changes only by a movement, `allocated` only with an allocation; so both can be rebuilt.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct, to_builtins

from domain.inventory.conditions import Conditions
from domain.kernel.errors import Conflict, Invalid
from domain.kernel.ids import Sku, StoreId

StockKey = tuple[StoreId, Sku]
"""One SKU in one store. Rows are locked in the order of places, everywhere."""


MAX_UNITS: Final = 10**9
"""The most units that one stock level can hold, or lack."""


class QuantityTooLarge(Invalid):
    code = "too_much"

    def __init__(self) -> None:
        super().__init__(f"A stock level has at most {MAX_UNITS} units.")


class StockLevel(Struct, frozen=True, gc=False):
    """One SKU in one store, counted in sellable units.

    `on_hand` may fall below `allocated`, even below zero: a till reports goods that have already
    left the store, and a sale that happened cannot be refused. `staged` is the part of `allocated`
    that is picked and ready. `seen_at`, `misses` and `shrink` are evidence, computed in
    `domain/inventory/confidence.py`; only a read of a stock level has them. `buffer` and `serves`
    are those of the channel that asks: the units it reserves here, and whether the location sells
    through it.
    """

    store: StoreId
    sku: Sku
    on_hand: int = 0
    unavailable: int = 0
    allocated: int = 0
    held: int = 0
    staged: int = 0
    safety_stock: int = 0
    version: int = 0
    seen_at: datetime | None = None
    misses: int = 0
    shrink: float = 0.0
    buffer: int = 0
    serves: bool = True

    @property
    def available(self) -> int:
        """Units that are not promised; negative when more is promised than is there."""
        return self.on_hand - self.unavailable - self.allocated - self.held

    @property
    def sellable(self) -> int:
        """Units that the channel that looks may sell."""
        return max(0, self.available - self.safety_stock - self.buffer) if self.serves else 0

    def ensure_capacity(self, change: "StockDelta") -> None:
        """Raises TooMuch where the result is above the limit of a stock level."""
        after = self.apply(change)
        if max(abs(after.on_hand), after.unavailable) > MAX_UNITS:
            raise QuantityTooLarge

    def sellable_for(self, holding: int) -> int:
        """Units for an owner who holds `holding` of them already; those stay with the owner."""
        available = self.available + holding
        fresh = available - self.safety_stock - self.buffer if self.serves else 0
        return max(0, fresh, min(holding, available))

    def apply(self, change: "StockDelta") -> "StockLevel":
        """Applies a change and returns the new stock level; its version grows by one."""
        return StockLevel(
            self.store,
            self.sku,
            self.on_hand + change.on_hand,
            self.unavailable + change.unavailable,
            self.allocated + change.allocated,
            self.held + change.held,
            self.staged + change.staged,
            self.safety_stock + change.safety_stock,
            self.version + 1,
            self.seen_at,
            self.misses,
            self.shrink,
            self.buffer,
            self.serves,
        )


class MovementReason(StrEnum):
    """The reason why goods moved."""

    RECEIVED = "received"
    FOUND = "found"
    LOST = "lost"
    DAMAGED = "damaged"
    WRITTEN_OFF = "written_off"
    CORRECTION = "correction"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    SET = "set"
    COUNT = "count"
    ORDER = "order"
    HOLD = "hold"
    HANDOVER = "handover"
    SHIPMENT = "shipment"
    SHORT_PICK = "short_pick"
    SALE = "sale"
    RETURN = "return"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    WALK_INS = "walk_ins"
    REPAIR = "repair"


class StockDelta(Struct, frozen=True, gc=False):
    """The quantities to add to a stock level; negative for goods gone or a promise ended."""

    store: StoreId
    sku: Sku
    on_hand: int = 0
    unavailable: int = 0
    allocated: int = 0
    held: int = 0
    staged: int = 0
    safety_stock: int = 0

    @property
    def key(self) -> StockKey:
        return (self.store, self.sku)

    def plus(self, other: "StockDelta") -> "StockDelta":
        """Adds two changes of the same stock level."""
        return StockDelta(
            self.store,
            self.sku,
            self.on_hand + other.on_hand,
            self.unavailable + other.unavailable,
            self.allocated + other.allocated,
            self.held + other.held,
            self.staged + other.staged,
            self.safety_stock + other.safety_stock,
        )

    @property
    def changes_quantity(self) -> bool:
        return bool(self.on_hand or self.unavailable)

    @property
    def is_empty(self) -> bool:
        return not (
            self.changes_quantity or self.allocated or self.held or self.staged or self.safety_stock
        )


def sum_by_key(changes: Iterable[StockDelta]) -> list[StockDelta]:
    """One change a place, in the order in which rows are locked; empty ones left out."""
    sums: dict[StockKey, StockDelta] = {}
    for change in changes:
        place = change.key
        before = sums.get(place)
        sums[place] = before.plus(change) if before else change
    return [sums[place] for place in sorted(sums) if not sums[place].is_empty]


class PostingSource(Struct, frozen=True, gc=False):
    """The source of a movement. A second movement of one source at one place is refused."""

    reason: MovementReason
    id: str
    actor: str
    occurred_at: datetime


class StockPosting(Struct, frozen=True, gc=False):
    """A change and its source; its goods become a line of the ledger.

    `unavailable` is the sum of its `conditions`.
    """

    delta: StockDelta
    source: PostingSource
    conditions: Conditions = {}


class RepairedFigure(Struct, frozen=True):
    """The figure of a counter, and the figure of its ledger."""

    was: int
    set_to: int


class StockMovement(Struct, frozen=True, omit_defaults=True):
    """A line of the ledger: goods moved, the reason, the actor, the time, and the time of record.

    In a `repair` nothing moved: `repaired` names the figures of the stock level, or the conditions
    of its goods, that were corrected.
    """

    id: int
    store: StoreId
    sku: Sku
    kind: str
    on_hand: int
    unavailable: int
    conditions: Conditions
    cause: str
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    repaired: dict[str, RepairedFigure] = {}


class StockLevelAsOf(Struct, frozen=True):
    """The ledger's balance of a stock level at an instant."""

    store: StoreId
    on_hand: int
    unavailable: int


def to_postings(changes: Iterable[StockDelta], source: PostingSource) -> list[StockPosting]:
    """The changes of one source, one a place."""
    return [StockPosting(change, source) for change in sum_by_key(changes)]


class StockStatus(StrEnum):
    IN_STOCK = "in_stock"
    LOW_STOCK = "low_stock"
    OUT_OF_STOCK = "out_of_stock"


def stock_status(quantity: int, low_at: int) -> StockStatus:
    if quantity <= 0:
        return StockStatus.OUT_OF_STOCK
    return StockStatus.LOW_STOCK if quantity <= low_at else StockStatus.IN_STOCK


class Shortage(Struct, frozen=True):
    """`store` is null for goods to be sent: then `available` is the sum over all locations."""

    sku: Sku
    store: StoreId | None
    wanted: int
    available: int


class InsufficientStock(Conflict):
    """The shortage names the parts in stock, its `lines` the SKUs as requested."""

    code = "insufficient_stock"

    def __init__(
        self,
        shortages: list[Shortage],
        takers: Mapping[tuple[StoreId | None, Sku], Collection[Sku]],
    ) -> None:
        """`takers` are the lines that take from each place: of a kit, from those of its parts."""
        names = ", ".join(
            f"{one.sku} at {one.store}" if one.store else one.sku for one in shortages
        )
        errors = [
            {**to_builtins(short), "lines": sorted(takers[short.store, short.sku])}
            for short in shortages
        ]
        super().__init__(f"There is too little of {names}.", errors=errors)


def lines_by_stock_key(
    lines: Iterable[tuple[StoreId, Sku, Iterable[Sku]]],
) -> dict[tuple[StoreId | None, Sku], set[Sku]]:
    """Which lines, each with its store and its parts, take from which place."""
    takers: dict[tuple[StoreId | None, Sku], set[Sku]] = {}
    for store, line, parts in lines:
        for part in parts:
            takers.setdefault((store, part), set()).add(line)
    return takers


def shortages(
    wanted: Mapping[StockKey, int],
    levels: Mapping[StockKey, StockLevel],
    own: Mapping[StockKey, int] | None = None,
) -> list[Shortage]:
    """Lists units that `levels` cannot cover, in the order of places; empty when everything fits.

    `own` are the units the caller holds already. They never count against the caller, and are
    honoured even where more is reserved since, or the location serves the channel no longer.
    """
    mine = own or {}
    free = {
        place: levels[place].sellable_for(mine.get(place, 0)) if place in levels else 0
        for place in wanted
    }
    return [
        Shortage(sku, store, wanted[store, sku], free[store, sku])
        for store, sku in sorted(wanted)
        if free[store, sku] < wanted[store, sku]
    ]
