"""The shop once more, as plainly as it can be told: what any row of commands must lead to.

Nothing is counted up here. A shelf is the sum of its ledger and of whatever claims it, summed anew
whenever somebody looks; so there is no counter that could drift with the one in the database.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Place = tuple[str, str]
Units = dict[Place, int]

CLOCKS_DIFFER = timedelta(minutes=5)
GRACE = timedelta(minutes=5)
CEILING = timedelta(minutes=60)
LIMIT = 6


class No(Exception):  # noqa: N818 - an answer, not an error
    """The shop refuses, with this code; nothing has changed."""


@dataclass
class Entry:
    """A line of the ledger."""

    place: Place
    on_hand: int
    unavailable: int
    happened: datetime
    recorded: datetime
    checked: int = 0
    """Of what is unavailable: what is blocked to be checked."""


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
class Transfer:
    origin: str
    destination: str
    sent: dict[str, int]
    received: Counter[str] = field(default_factory=Counter)
    closed: bool = False


@dataclass
class Shelf:
    on_hand: int
    unavailable: int
    allocated: int
    held: int
    staged: int
    safety_stock: int


class PlainShop:
    """What each command does to it stands with the command, in the modules beside."""

    def __init__(self, now: datetime, kits: Mapping[str, Mapping[str, int]], services: set[str]):
        self.now = now
        self.kits = kits
        self.services = set(services)
        self.untracked = set(services)
        self.retired: set[str] = set()
        self.ledger: list[Entry] = []
        self.safety: Units = {}
        self.holds: dict[str, Hold] = {}
        self.carts: dict[str, Cart] = {}
        self.pickups: dict[str, Pickup] = {}
        self.transfers: dict[str, Transfer] = {}
        self.receipts: dict[str, tuple[str, Any]] = {}
        self.references: dict[tuple[str, Place], tuple[str, int]] = {}
        self.told: dict[Place, datetime] = {}
        self.files: dict[Place, Any] = {}

    def parts(self, sku: str) -> dict[str, int]:
        """What of one unit can run out."""
        booked = self.booked(sku).items()
        return {part: each for part, each in booked if part not in self.untracked}

    def booked(self, sku: str) -> dict[str, int]:
        """What of one unit lies on a shelf: goods do, tracked or not, and services never."""
        made_of = self.kits.get(sku, {sku: 1})
        return {part: each for part, each in made_of.items() if part not in self.services}

    def tracked(self, units: Units) -> Units:
        return {place: count for place, count in units.items() if place[1] not in self.untracked}

    def units_of(self, lines: Iterable[tuple[str, str, int]]) -> Units:
        units: Counter[Place] = Counter()
        for sku, store, quantity in lines:
            for part, each in self.parts(sku).items():
                units[store, part] += each * quantity
        return dict(units)

    def book(
        self,
        place: Place,
        on_hand: int,
        happened: datetime,
        unavailable: int = 0,
        *,
        checked: int = 0,
    ) -> None:
        if on_hand or unavailable:
            entry = Entry(place, on_hand, unavailable, happened, self.now, checked)
            self.ledger.append(entry)

    def shelf(self, place: Place) -> Shelf:
        store, sku = place
        mine = [entry for entry in self.ledger if entry.place == place]
        waiting = [
            (line, line.parts[sku])
            for pickup in self.pickups.values()
            if pickup.store == store
            for line in pickup.lines.values()
            if sku in line.parts
        ]
        return Shelf(
            on_hand=sum(entry.on_hand for entry in mine),
            unavailable=sum(entry.unavailable for entry in mine),
            allocated=sum(max(line.remaining, line.staged) * each for line, each in waiting),
            held=sum(hold.units.get(place, 0) for hold in self.holds.values()),
            staged=sum(line.staged * each for line, each in waiting),
            safety_stock=self.safety.get(place, 0),
        )

    def available(self, place: Place) -> int:
        """Without what is held by holds that are over, swept or not."""
        shelf = self.shelf(place)
        counting = [hold for hold in self.holds.values() if hold.counts(self.now)]
        held = sum(hold.units.get(place, 0) for hold in counting)
        return shelf.on_hand - shelf.unavailable - shelf.allocated - held

    def sellable(self, place: Place) -> int:
        return max(0, self.available(place) - self.safety.get(place, 0))

    def must_cover(self, wanted: Units, own: Units | None = None) -> None:
        for place, count in wanted.items():
            mine = (own or {}).get(place, 0)
            free = self.available(place) + mine
            if max(0, free - self.safety.get(place, 0), min(mine, free)) < count:
                raise No("insufficient_stock")

    def covers(self, wanted: Units, own: Units) -> bool:
        try:
            self.must_cover(wanted, own)
        except No:
            return False
        return True

    def must_be_within_limit(self, customer: str | None, wanted: Units, own: Units) -> None:
        if customer is None:
            return
        counting = [
            hold
            for hold in self.holds.values()
            if hold.counts(self.now) and hold.customer == customer
        ]
        for sku in {sku for _, sku in wanted}:
            held = sum(of_sku(hold.units, sku) for hold in counting) - of_sku(own, sku)
            if held + of_sku(wanted, sku) > LIMIT:
                raise No("hold_limit")

    def as_of(self, sku: str, at: datetime) -> dict[str, tuple[int, int]]:
        """On hand and unavailable in each store, as it was known then."""
        sums: dict[str, tuple[int, int]] = {}
        for entry in self.ledger:
            if entry.place[1] == sku and entry.recorded <= at:
                on_hand, unavailable = sums.get(entry.place[0], (0, 0))
                sums[entry.place[0]] = (on_hand + entry.on_hand, unavailable + entry.unavailable)
        return sums

    # --- stocktaking

    def adjust(self, place: Place, reason: str, delta: int, happened: datetime, ref: str) -> str:
        if ref:
            first = self.references.get((ref, place))
            if first:
                return "duplicate" if first == (reason, delta) else "reference_reused"
        blocked = {"blocked": delta, "unblocked": -delta}.get(reason, 0)
        checked = sum(entry.checked for entry in self.ledger if entry.place == place)
        if checked + blocked < 0:
            return "not_blocked"
        self.book(place, 0 if blocked else delta, happened, blocked, checked=blocked)
        if ref:
            self.references[ref, place] = (reason, delta)
        return "applied"

    def set(self, place: Place, on_hand: int) -> str:
        self.book(place, on_hand - self.shelf(place).on_hand, self.now)
        self.tell(place, self.now)
        return "applied"

    def count(self, place: Place, counted: int, at: datetime) -> str:
        if place in self.told and at <= self.told[place]:
            return "duplicate"
        self.recount(place, counted, at)
        return "applied"

    def bring_in(self, place: Place, on_hand: int, safety: int | None, at: datetime | None) -> None:
        line = (on_hand, safety, at)
        is_old = at is not None and place in self.told and at < self.told[place]
        if self.files.get(place) == line or is_old:
            return
        self.recount(place, on_hand, at or self.now)
        self.files[place] = line
        if safety is not None:
            self.safety[place] = safety

    def recount(self, place: Place, counted: int, at: datetime) -> None:
        since = sum(e.on_hand for e in self.ledger if e.place == place and e.happened > at)
        self.book(place, counted + since - self.shelf(place).on_hand, at)
        self.tell(place, at)

    def tell(self, place: Place, at: datetime) -> None:
        self.told[place] = max(at, self.told.get(place, at))

    # --- transfers

    def send(self, transfer: Transfer) -> Transfer:
        for sku, count in transfer.sent.items():
            if max(0, self.available((transfer.origin, sku))) < count:
                raise No("insufficient_stock")
        for sku, count in transfer.sent.items():
            self.book((transfer.origin, sku), -count, self.now)
        return transfer

    def receive(self, transfer: Transfer, totals: Mapping[str, int], *, last: bool) -> None:
        if any(total > transfer.sent.get(sku, 0) for sku, total in totals.items()):
            raise No("not_sent")
        more = {sku: max(0, total - transfer.received[sku]) for sku, total in totals.items()}
        if transfer.closed:
            if any(more.values()):
                raise No("transfer_closed")
            return
        for sku, count in more.items():
            transfer.received[sku] += count
            self.book((transfer.destination, sku), count, self.now)
        transfer.closed = last or transfer.received == Counter(transfer.sent)


def of_sku(units: Mapping[Place, int], sku: str) -> int:
    return sum(count for (_, named), count in units.items() if named == sku)
