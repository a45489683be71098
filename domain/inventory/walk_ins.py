"""Walk-in reserve: units of a store that the web does not sell, hour by hour.

reserved = max(by hand, min(cap, max(floor, walk-ins)))

Walk-ins are the units that tills sold in this hour of this weekday, on the average of the last
weeks in which they sold anything then. The floor and the cap bound the learned figure; the reserve
in the retailer's own file is never lowered. Goods that are not bought at this hour are reserved by
hand only.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from domain.inventory.stock_levels import StockDelta, StockKey, StockLevel
from domain.kernel.errors import InvalidField
from domain.kernel.ids import Sku, StoreId

LOOKBACK_WEEKS: Final = 8
"""The period of sales to learn from."""
HOUR: Final = timedelta(hours=1)
WalkInUnits = Annotated[int, Meta(ge=0, le=10_000)]


class WalkInPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a store reserves goods for walk-ins, and within which bounds."""

    active: bool = False
    floor: WalkInUnits = 0
    cap: WalkInUnits = 10

    def __post_init__(self) -> None:
        if self.floor > self.cap:
            raise InvalidField("floor", "above_cap", "must not be above cap")

    def kept_back(self, walk_ins: int, by_hand: int) -> int:
        """The safety stock of a stock level in an hour with so many sales to walk-ins."""
        if not self.active or walk_ins <= 0:
            return by_hand
        return max(by_hand, min(self.cap, max(self.floor, walk_ins)))


class WalkInTurn(Struct, frozen=True):
    """A store whose hour has begun; `hour` is the store's own, without an offset."""

    store: StoreId
    policy: WalkInPolicy
    hour: datetime


def deltas_for(
    turn: WalkInTurn,
    walk_ins: Mapping[Sku, int],
    by_hand: Mapping[Sku, int],
    levels: Mapping[StockKey, StockLevel],
) -> list[StockDelta]:
    """The changes that set each stock level's reserve; `by_hand` are those that were raised."""
    changes = []
    for (store, sku), level in levels.items():
        own = by_hand.get(sku, level.safety_stock)
        wanted = turn.policy.kept_back(walk_ins.get(sku, 0), own)
        changes.append(StockDelta(store, sku, safety_stock=wanted - level.safety_stock))
    return changes


def raise_buffer(
    turn: WalkInTurn,
    walk_ins: Mapping[Sku, int],
    by_hand: Mapping[Sku, int],
    levels: Mapping[StockKey, StockLevel],
) -> dict[Sku, int]:
    """The reserve set by hand where the reserve for walk-ins is higher."""
    owns = {sku: by_hand.get(sku, level.safety_stock) for (_, sku), level in levels.items()}
    return {
        sku: own
        for sku, own in owns.items()
        if turn.policy.kept_back(walk_ins.get(sku, 0), own) > own
    }
