"""Stock corrections by people and feeds: an adjustment, a setting, a count as of a time.

No figure is set blindly: an adjustment adds, a setting names the version it has seen, and a count
names its time, so that later movements can be applied again.
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
        super().__init__(f"The reference {reference!r} already belongs to another adjustment.")


class Adjustment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Adds or removes `delta` units, for a reason.

    `damaged` goods are gone; `blocked` and `unblocked` move that many units out of and into the
    sellable stock: into `quality_check`, or the `condition` that is named. With any other reason, a
    `condition` gives the one of the goods that come or go. A `reference` makes a repeat harmless,
    for ever.
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
        """The units that it adds in each condition."""
        if self.reason in BLOCKING_SIGNS:
            return {
                self.condition or Condition.QUALITY_CHECK: BLOCKING_SIGNS[self.reason] * self.delta
            }
        return {self.condition: self.delta} if self.condition else {}


def apply_adjustment(line: Adjustment, blocked: Conditions) -> StockDelta:
    """Computes the change that an adjustment makes to a stock level with so many units blocked.

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
    """The quantity on hand, set by a person who has read the stock level at `if_version`."""

    store: StoreId
    sku: Sku
    on_hand: Annotated[int, Meta(ge=0, le=10**9)]
    if_version: int

    @property
    def stock_key(self) -> StockKey:
        return (self.store, self.sku)


class StockVersionMismatch(PreconditionFailed):
    def __init__(self, level: StockLevel) -> None:
        super().__init__(f"The stock level has changed; its version is {level.version}.")


def apply_setting(line: StockSetting, level: StockLevel) -> StockDelta:
    """Computes the change that sets the seen quantity. Raises StockVersionMismatch."""
    if line.if_version != level.version:
        raise StockVersionMismatch(level)
    return StockDelta(line.store, line.sku, on_hand=line.on_hand - level.on_hand)


class StockCount(Struct, frozen=True, kw_only=True):
    """The quantity counted at a place: at `counted_at`, or when the count arrived."""

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
    """The last total recorded for a place: its time, and the line of the file."""

    as_of: datetime
    line: StockCount | None = None
    stated_at: datetime | None = None
    """The time that a count named, by a clock that may be ahead."""

    def covers(self, as_of: datetime, stated_at: datetime | None) -> bool:
        """Whether a count repeats the last one, or is older than the recorded one."""
        return as_of <= self.as_of or (stated_at is not None and stated_at == self.stated_at)

    def covers_line(self, line: StockCount) -> bool:
        """Whether a line of a file repeats the last one, or is older than the recorded one."""
        return line == self.line or self.is_after(line.counted_at)

    def is_after(self, moment: datetime | None) -> bool:
        return moment is not None and moment < self.as_of


def apply_count(count: StockCount, level: StockLevel, moved_since: int) -> StockDelta:
    """Computes the change that sets `level` to the count, with later movements applied again."""
    safety = level.safety_stock if count.safety_stock is None else count.safety_stock
    return StockDelta(
        count.store,
        count.sku,
        on_hand=count.on_hand + moved_since - level.on_hand,
        safety_stock=safety - level.safety_stock,
    )


def apply_late_report(
    moves: Iterable[StockPosting], counted: Mapping[StockKey, Report]
) -> list[StockPosting]:
    """Adds a reversal to each move that happened before the last count of its stock level.

    Goods that were sold or lost before the count were not counted: the count was right, and its
    difference is smaller than it looked.
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
