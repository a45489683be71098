"""What there is in the plain shop: lines of its ledger, claims on it, and where they lie."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

Place = tuple[str, str]
Units = dict[Place, int]

THERE = ZoneInfo("Europe/Stockholm")
CLOCKS_DIFFER = timedelta(minutes=5)
GRACE = timedelta(minutes=5)
CEILING = timedelta(minutes=60)
LIMIT = 6


class No(Exception):
    """The shop refuses, with this code; nothing has changed."""


@dataclass
class Entry:
    """A line of the ledger."""

    place: Place
    on_hand: int
    happened: datetime
    recorded: datetime
    conditions: Mapping[str, int]
    is_sale: bool

    @property
    def unavailable(self) -> int:
        return sum(self.conditions.values())


@dataclass
class Channel:
    """What it keeps back of everything, or of single skus; and what it shows of a number."""

    buffer: int = 0
    quantities: str = "exact"
    most: int = 10
    low_at: int = 3
    buffers: dict[str, int] = field(default_factory=dict)


@dataclass
class Location:
    state: str = "active"
    channels: tuple[str, ...] | None = None
    walk_ins: tuple[bool, int, int] | None = None
    """Whether it keeps goods back for walk-ins, at least and at most how many."""
    kept_for: datetime | None = None

    def serves(self, channel: str) -> bool:
        return self.state == "active" and (self.channels is None or channel in self.channels)


@dataclass
class Hold:
    lines: list[tuple[str, str, int]]
    units: Units
    created: datetime
    until: datetime
    customer: str | None = None
    open: bool = True
    attempt: str = ""
    pinned_until: datetime | None = None

    def counts(self, now: datetime) -> bool:
        return self.open and now < self.until

    def pinned(self, now: datetime) -> bool:
        return self.counts(now) and self.pinned_until is not None and now < self.pinned_until

    def close(self) -> None:
        self.open, self.units = False, {}

    def extend(self, ttl: timedelta, now: datetime) -> None:
        self.until = max(self.until, min(now + ttl, self.created + CEILING))


@dataclass
class Cart:
    customer: str | None
    lines: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By sku: where it is to be collected, and how many."""
    hold: str | None = None
    is_open: bool = True


@dataclass
class Line:
    """Of a pickup: units of one sku, and what is fetched for each."""

    quantity: int
    parts: dict[str, int]
    is_kit: bool
    picked: int = 0
    missing: int = 0
    cancelled: int = 0
    collected: int = 0
    put_back: int = 0

    @property
    def remaining(self) -> int:
        return self.quantity - self.collected - self.cancelled

    @property
    def staged(self) -> int:
        return self.picked - self.collected - self.put_back

    def cancel(self) -> None:
        self.cancelled = self.quantity - self.collected


@dataclass
class Pickup:
    store: str
    lines: dict[str, Line]
    state: str = "placed"
    collect_by: datetime | None = None


@dataclass
class Consignment:
    """From another store, or from a supplier where it has no origin."""

    origin: str
    destination: str
    sent: dict[str, int]
    due_on: date | None = None
    received: Counter[str] = field(default_factory=Counter)
    closed: bool = False
    cancelled: bool = False

    def missing(self, sku: str) -> int:
        return 0 if self.closed else max(0, self.sent.get(sku, 0) - self.received[sku])


@dataclass
class Shelf:
    on_hand: int
    unavailable: int
    allocated: int
    held: int
    staged: int
    safety_stock: int
