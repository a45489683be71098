"""Rewards as a member sees them: the balance, the points that expire and when, and the entries."""

from datetime import date, datetime

from msgspec import Struct

from domain.kernel.errors import NotFound
from domain.kernel.ids import MemberId
from domain.loyalty.points import EntryId, EntryKind, PointsBalance


class NotMember(NotFound):
    code = "not_a_member"

    def __init__(self) -> None:
        super().__init__("There is no member of the programme here.")


class ExpiringPoints(Struct, frozen=True):
    """So many points can be used through the day `on`, and not after it."""

    points: int
    on: date


class NextTier(Struct, frozen=True):
    name: str
    missing: int


class Tier(Struct, frozen=True):
    """A level of the programme; `next` is absent at the top."""

    name: str
    qualifying: int
    next: NextTier | None = None


class RewardBalance(Struct, frozen=True):
    """The status of a member. `tier` is null where the programme has none."""

    member: MemberId
    balance: PointsBalance
    expiring: list[ExpiringPoints]
    tier: Tier | None
    as_of: datetime


class PointsStatementEntry(Struct, frozen=True):
    """One entry as its member reads it: the event, its time, and the change of each account."""

    id: EntryId
    kind: EntryKind
    purchase: str
    occurred_at: datetime
    change: PointsBalance
