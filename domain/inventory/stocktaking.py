"""What people and feeds tell of stock: an adjustment, a setting, a count as of a time.

Nobody sets a figure blindly: an adjustment adds, a setting names the version it has seen, and a
count names its time, so that what has moved since then can be applied again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from domain.inventory.conditions import Condition, Conditions, ensure_blocked
from domain.inventory.stock_levels import (
    MovementReason,
    StockDelta,
    StockKey,
    StockLevel,
    StockPosting,
)
from domain.kernel.errors import Invalid, InvalidField, PreconditionFailed
from domain.kernel.ids import Sku, StoreId
from domain.kernel.timestamps import Timestamp, ensure_representable

AdjustmentReason = Literal[
    "received",
    "found",
    "lost",
    "damaged",
    "written_off",
    "correction",
    "blocked",
    "unblocked",
]
INCREASING_REASONS: Final = frozenset({"received", "found", "blocked", "unblocked"})
BLOCKING_SIGNS: Final = {"blocked": 1, "unblocked": -1}
DECREASING_REASONS: Final = frozenset({"lost", "damaged", "written_off"})


class WrongAdjustmentSign(Invalid):
    code = "wrong_sign"

    def __init__(self, reason: str, sign: str) -> None:
        super().__init__(f"The delta of {reason!r} must be {sign} 0.")


class ReferenceReused(Invalid):
    code = "reference_reused"

    def __init__(self, reference: str) -> None:
        super().__init__(f"The reference {reference!r} already stands for another adjustment.")


class Adjustment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`delta` units more or fewer, for a reason.

    `damaged` goods are gone; `blocked` and `unblocked` move that many units out of and into what
    may be sold: into `quality_check`, or the `condition` that is named. With any other reason, a
    `condition` says in which one the goods are that come or go. A `reference` makes a repeat
    harmless, for ever.
    """

    store: StoreId
    sku: Sku
    delta: Annotated[int, Meta(ge=-(10**9), le=10**9)]
    reason: AdjustmentReason
    condition: Condition | None = None
    reference: Annotated[str, Meta(max_length=200)] = ""
    occurred_at: Timestamp | None = None

    def __post_init__(self) -> None:
        if self.delta == 0:
            raise InvalidField("delta", "nothing", "must not be 0")
        ensure_representable("occurred_at", self.occurred_at)

    @property
    def stock_key(self) -> StockKey:
        return (self.store, self.sku)

    @property
    def source_id(self) -> str:
        return f"adjustment:{self.reference}"

    @property
    def conditions(self) -> dict[Condition, int]:
        """What it adds to the units in each condition."""
        if self.reason in BLOCKING_SIGNS:
            return {
                self.condition or Condition.QUALITY_CHECK: BLOCKING_SIGNS[self.reason] * self.delta
            }
        return {self.condition: self.delta} if self.condition else {}


def apply_adjustment(line: Adjustment, blocked: Conditions) -> StockDelta:
    """What an adjustment does to a shelf on which so much is blocked.

    Raises WrongAdjustmentSign, InsufficientBlockedUnits.
    """
    if line.reason in INCREASING_REASONS and line.delta < 0:
        raise WrongAdjustmentSign(line.reason, "above")
    if line.reason in DECREASING_REASONS and line.delta > 0:
        raise WrongAdjustmentSign(line.reason, "below")
    ensure_blocked(line.conditions, blocked)
    on_hand = 0 if line.reason in BLOCKING_SIGNS else line.delta
    unavailable = sum(line.conditions.values())
    return StockDelta(line.store, line.sku, on_hand=on_hand, unavailable=unavailable)


class StockSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is on hand, told by somebody who has seen the shelf at `if_version`."""

    store: StoreId
    sku: Sku
    on_hand: Annotated[int, Meta(ge=0, le=10**9)]
    if_version: int

    @property
    def stock_key(self) -> StockKey:
        return (self.store, self.sku)


class StockVersionMismatch(PreconditionFailed):
    def __init__(self, shelf: StockLevel) -> None:
        super().__init__(f"The shelf has changed since; it is at version {shelf.version}.")


def apply_setting(line: StockSetting, shelf: StockLevel) -> StockDelta:
    """What makes the shelf what was seen. Raises StockVersionMismatch."""
    if line.if_version != shelf.version:
        raise StockVersionMismatch(shelf)
    return StockDelta(line.store, line.sku, on_hand=line.on_hand - shelf.on_hand)


class StockCount(Struct, frozen=True, kw_only=True):
    """What lay at a place when it was counted: at `counted_at`, or when the count came in."""

    store: StoreId
    sku: Sku
    on_hand: Annotated[int, Meta(ge=0, le=10**9)]
    safety_stock: Annotated[int, Meta(ge=0, le=10**9)] | None = None
    counted_at: datetime | None = None

    def __post_init__(self) -> None:
        ensure_representable("counted_at", self.counted_at)

    @property
    def stock_key(self) -> StockKey:
        return (self.store, self.sku)


class Report(Struct, frozen=True):
    """What was last said of a place as a whole: for which moment, and by which line of a file."""

    as_of: datetime
    line: StockCount | None = None
    stated_at: datetime | None = None
    """The time that a count named, by a clock that may be ahead."""

    def covers(self, as_of: datetime, said_at: datetime | None) -> bool:
        """Whether a count is the last one once more, or older than what is known."""
        return as_of <= self.as_of or (said_at is not None and said_at == self.stated_at)

    def covers_line(self, line: StockCount) -> bool:
        """Whether a line of a file is the last one once more, or older than what is known."""
        return line == self.line or self.is_after(line.counted_at)

    def is_after(self, moment: datetime | None) -> bool:
        return moment is not None and moment < self.as_of


def apply_count(count: StockCount, shelf: StockLevel, moved_since: int) -> StockDelta:
    """The change that makes `shelf` what was counted, with later movements applied again."""
    safety = shelf.safety_stock if count.safety_stock is None else count.safety_stock
    return StockDelta(
        count.store,
        count.sku,
        on_hand=count.on_hand + moved_since - shelf.on_hand,
        safety_stock=safety - shelf.safety_stock,
    )


def apply_late_report(
    moves: Iterable[StockPosting], counted: Mapping[StockKey, Report]
) -> list[StockPosting]:
    """The moves, and beside each that happened before the last count of its shelf what undoes it.

    Whoever counted did not find the goods that were sold or lost before: the count had it right,
    and its difference is smaller than it looked.
    """
    booked = []
    for move in moves:
        booked.append(move)
        count = counted.get(move.delta.key)
        if count and move.source.occurred_at <= count.as_of and move.delta.on_hand:
            change = StockDelta(move.delta.store, move.delta.sku, on_hand=-move.delta.on_hand)
            source = replace(
                move.source,
                reason=MovementReason.COUNT,
                id=f"count:{move.source.id}",
                occurred_at=count.as_of,
            )
            booked.append(StockPosting(change, source))
    return booked
