"""What lies where, and what of it is promised.

    available = on_hand - unavailable - allocated - held
    sellable  = max(0, available - safety_stock)        what a remote channel may sell

`on_hand` changes only by a movement, `allocated` only with an allocation; so both can be rebuilt.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, to_builtins

from domain.ids import Sku, StoreId
from domain.refusals import Conflict

Place = tuple[StoreId, Sku]
"""One SKU in one store. Rows are locked in the order of places, everywhere."""


class Shelf(Struct, frozen=True):
    """One SKU in one store, counted in sellable units.

    `on_hand` may fall below `allocated`, even below zero: a till reports what has already left the
    store, and a sale that happened cannot be refused. `staged` is the part of `allocated` that is
    picked and lies ready.
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

    @property
    def available(self) -> int:
        """Units nobody has been promised; negative when more is promised than is there."""
        return self.on_hand - self.unavailable - self.allocated - self.held

    @property
    def sellable(self) -> int:
        """Units a remote channel may sell."""
        return max(0, self.available - self.safety_stock)


class Cause(StrEnum):
    """Why goods moved."""

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
    HANDOVER = "handover"
    SHORT_PICK = "short_pick"


class Change(Struct, frozen=True):
    """What is added to a shelf; negative for goods gone or a promise ended."""

    store: StoreId
    sku: Sku
    on_hand: int = 0
    unavailable: int = 0
    allocated: int = 0
    held: int = 0
    staged: int = 0
    safety_stock: int = 0

    @property
    def place(self) -> Place:
        return (self.store, self.sku)

    @property
    def moves_goods(self) -> bool:
        return bool(self.on_hand or self.unavailable)

    @property
    def is_nothing(self) -> bool:
        return not (
            self.moves_goods or self.allocated or self.held or self.staged or self.safety_stock
        )


def summed(changes: Iterable[Change]) -> list[Change]:
    """One change a place, in the order in which rows are locked; empty ones left out."""
    sums: dict[Place, Change] = {}
    for change in changes:
        before = sums.get(change.place, Change(change.store, change.sku))
        sums[change.place] = Change(
            change.store,
            change.sku,
            before.on_hand + change.on_hand,
            before.unavailable + change.unavailable,
            before.allocated + change.allocated,
            before.held + change.held,
            before.staged + change.staged,
            before.safety_stock + change.safety_stock,
        )
    return [sums[place] for place in sorted(sums) if not sums[place].is_nothing]


class Source(Struct, frozen=True):
    """Where a movement comes from. A second movement of one source at one place is refused."""

    cause: Cause
    id: str
    actor: str
    occurred_at: datetime


class Move(Struct, frozen=True):
    """A change, and where it comes from; its goods become a line of the ledger."""

    change: Change
    source: Source


def moves_of(changes: Iterable[Change], source: Source) -> list[Move]:
    """The changes of one source, one a place."""
    return [Move(change, source) for change in summed(changes)]


class Count(Struct, frozen=True, kw_only=True):
    """What lay at a place when it was counted: at `counted_at`, or when the count came in."""

    store: StoreId
    sku: Sku
    on_hand: Annotated[int, Meta(ge=0, le=10**9)]
    safety_stock: Annotated[int, Meta(ge=0, le=10**9)] | None = None
    counted_at: datetime | None = None

    @property
    def place(self) -> Place:
        return (self.store, self.sku)


class Told(Count, frozen=True, kw_only=True):
    """The last count that a file told of a place, and the moment it stands for."""

    as_of: datetime

    def says_again(self, count: Count) -> bool:
        """Whether `count` is the same line once more, or is older than what is known."""
        same = (self.on_hand, self.safety_stock, self.counted_at)
        if same == (count.on_hand, count.safety_stock, count.counted_at):
            return True
        return count.counted_at is not None and count.counted_at < self.as_of


def recounted(count: Count, shelf: Shelf, moved_since: int) -> Change:
    """The change that makes `shelf` what was counted, with later movements applied again."""
    safety = shelf.safety_stock if count.safety_stock is None else count.safety_stock
    return Change(
        count.store,
        count.sku,
        on_hand=count.on_hand + moved_since - shelf.on_hand,
        safety_stock=safety - shelf.safety_stock,
    )


class Status(StrEnum):
    IN_STOCK = "in_stock"
    LOW_STOCK = "low_stock"
    OUT_OF_STOCK = "out_of_stock"


def status_of(quantity: int, low_at: int) -> Status:
    if quantity <= 0:
        return Status.OUT_OF_STOCK
    return Status.LOW_STOCK if quantity <= low_at else Status.IN_STOCK


class Shortage(Struct, frozen=True):
    sku: Sku
    store: StoreId
    wanted: int
    available: int


class NotEnoughStock(Conflict):
    code = "insufficient_stock"

    def __init__(self, shortages: list[Shortage]) -> None:
        names = ", ".join(f"{shortage.sku} at {shortage.store}" for shortage in shortages)
        super().__init__(f"There is too little of {names}.", errors=to_builtins(shortages))


def shortages(wanted: Mapping[Place, int], shelves: Mapping[Place, Shelf]) -> list[Shortage]:
    """What `shelves` cannot cover, in the order of places; empty when everything fits."""
    free = {place: shelves[place].sellable if place in shelves else 0 for place in wanted}
    return [
        Shortage(sku, store, wanted[store, sku], free[store, sku])
        for store, sku in sorted(wanted)
        if free[store, sku] < wanted[store, sku]
    ]
