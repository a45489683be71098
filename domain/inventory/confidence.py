"""Stock confidence: the estimated probability that recorded units are really there.

    confidence = freshness x picks x honesty                                    from 0 to 1

    freshness  = STALE + (1 - STALE) / 2 ** (time since the goods were last seen / HALF_LIFE)
    picks      = 1 / 2 ** (failed picks since the stock level was last confirmed)
    honesty    = 1 - shrink, the part of the goods that the last counts found to be lost

Goods that were never seen raise no doubt: a shop that has just been loaded trusts its file. Time
alone never takes confidence below STALE; that needs a failed pick or a lower count. The reasons are
in docs/decisions/0010-stock-confidence-score.md.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import log2
from typing import Final

from msgspec import Struct

from domain.inventory.stock_levels import MovementReason, StockKey, StockLevel, StockPosting

HALF_LIFE: Final = timedelta(days=90)
"""Time after which half of the part that freshness can lose is lost."""
STALE_AFTER: Final = 0.5
"""The confidence that remains however much time passes."""
MANUAL_REASONS: Final = "cnt_"
"""The prefix of the id of a manual count; file counts are not read twice."""
IMPORT_REASONS: Final = "imp_"
SIGHTED_REASONS: Final = frozenset(
    {
        MovementReason.SET,
        MovementReason.RECEIVED,
        MovementReason.FOUND,
        MovementReason.SALE,
        MovementReason.RETURN,
        MovementReason.TRANSFER_IN,
        MovementReason.TRANSFER_OUT,
    }
)
"""The sources of these movements handle the goods or see their place."""


class Confidence(Struct, frozen=True):
    """The score, and the facts behind it."""

    score: float
    seen_at: datetime | None
    misses: int
    shrink: float


class Sighting(Struct, frozen=True):
    """The evidence in movements beside their quantities: sightings of goods, and failed picks.

    `cleared_at` is when the stock level itself was confirmed. A count also gives the units lost.
    """

    seen_at: datetime | None = None
    cleared_at: datetime | None = None
    missed_at: datetime | None = None
    misses: int = 0
    counted: bool = False

    def merge(self, other: "Sighting") -> "Sighting":
        return Sighting(
            _latest(self.seen_at, other.seen_at),
            _latest(self.cleared_at, other.cleared_at),
            _latest(self.missed_at, other.missed_at),
            self.misses + other.misses,
            self.counted or other.counted,
        )


def assess_confidence(level: StockLevel, now: datetime) -> Confidence:
    """The confidence in a stock level and its factors, in three digits."""
    shrink = round(level.shrink, 3)
    return Confidence(round(confidence_score(level, now), 3), level.seen_at, level.misses, shrink)


def confidence_score(level: StockLevel, now: datetime) -> float:
    """Computes the confidence in a stock level: time, failed picks and shrink lower it."""
    if level.seen_at is None:
        return _fresh_score(level)
    age = max(now - level.seen_at, timedelta()) / HALF_LIFE
    freshness: float = STALE_AFTER + (1 - STALE_AFTER) * 0.5**age
    return freshness * _fresh_score(level)


def uncertain_from(level: StockLevel, below: float) -> datetime | None:
    """The time at which age alone lowers a score below the threshold; None if never."""
    fresh = _fresh_score(level)
    if level.seen_at is None or not STALE_AFTER * fresh < below <= fresh:
        return None
    return level.seen_at - log2((below / fresh - STALE_AFTER) / (1 - STALE_AFTER)) * HALF_LIFE


def _fresh_score(level: StockLevel) -> float:
    return float(0.5**level.misses * (1 - level.shrink))


def to_sightings(moves: Iterable[StockPosting]) -> dict[StockKey, Sighting]:
    """Collects the evidence of each place; places that only claims have touched have none."""
    found: dict[StockKey, Sighting] = {}
    for move in moves:
        if sight := _to_observation(move):
            place = move.delta.key
            found[place] = found[place].merge(sight) if place in found else sight
    return found


def _to_observation(move: StockPosting) -> Sighting | None:
    change, cause, at = move.delta, move.source.reason, move.source.occurred_at
    if cause is MovementReason.COUNT:
        return _count_observation(move.source.id, at)
    if cause in SIGHTED_REASONS:
        return Sighting(at, at)
    if cause is MovementReason.SHORT_PICK and change.on_hand < 0:
        return Sighting(at if change.staged > 0 else None, missed_at=at, misses=1)
    if cause is MovementReason.SHORT_PICK and change.staged:
        return Sighting(at, at)  # picked whole, or put back
    if cause is MovementReason.HANDOVER:
        return Sighting(at)  # the goods, not the place they came from
    return None


def _count_observation(source: str, at: datetime) -> Sighting | None:
    """A file may repeat the recorded figure; the reversal of a late receipt is not a count."""
    if source.startswith(MANUAL_REASONS):
        return Sighting(at, at, counted=True)
    return Sighting(at) if source.startswith(IMPORT_REASONS) else None


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each), default=None)
