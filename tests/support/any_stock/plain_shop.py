"""The shop once more, as plainly as it can be told: what any row of commands must lead to.

Nothing is counted up here. A shelf is the sum of its ledger and of whatever claims it, summed anew
whenever somebody looks; so there is no counter that could drift with the one in the database.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from tests.support.any_stock.plain_things import (
    LIMIT,
    THERE,
    Cart,
    Channel,
    Consignment,
    Entry,
    Hold,
    Location,
    No,
    Pickup,
    Place,
    Shelf,
    Units,
)


class PlainShop:
    """What each command does to it stands with the command, in the modules beside."""

    def __init__(
        self,
        now: datetime,
        stores: Iterable[str],
        kits: Mapping[str, Mapping[str, int]],
        services: set[str],
    ):
        self.now = now
        self.kits = kits
        self.services = set(services)
        self.untracked = set(services)
        self.retired: set[str] = set()
        self.ledger: list[Entry] = []
        self.safety: Units = {}
        self.raised: Units = {}
        """What is kept back for walk-ins, where that is more than by hand."""
        self.channels: dict[str, Channel] = {"web": Channel()}
        self.stores: dict[str, Location] = {store: Location() for store in stores}
        self.holds: dict[str, Hold] = {}
        self.carts: dict[str, Cart] = {}
        self.pickups: dict[str, Pickup] = {}
        self.transfers: dict[str, Consignment] = {}
        self.deliveries: dict[str, Consignment] = {}
        self.receipts: dict[str, tuple[str, Any]] = {}
        self.references: dict[tuple[str, Place], Any] = {}
        self.told: dict[Place, datetime] = {}
        self.said: dict[Place, datetime] = {}
        """The time that the last count named, by a clock that may be ahead."""
        self.files: dict[Place, Any] = {}

    @property
    def today(self) -> date:
        """In the stores."""
        return self.now.astimezone(THERE).date()

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
        conditions: Mapping[str, int] | None = None,
        *,
        is_sale: bool = False,
    ) -> None:
        if on_hand or conditions:
            entry = Entry(place, on_hand, happened, self.now, dict(conditions or {}), is_sale)
            self.ledger.append(entry)

    def conditions(self, place: Place) -> Counter[str]:
        sums: Counter[str] = Counter()
        for entry in self.ledger:
            if entry.place == place:
                sums.update(entry.conditions)
        return sums

    def incoming(self, place: Place, due: Callable[[Consignment], bool] = lambda _: True) -> int:
        store, sku = place
        coming = [*self.transfers.values(), *self.deliveries.values()]
        return sum(one.missing(sku) for one in coming if one.destination == store and due(one))

    def level(self, place: Place) -> Shelf:
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
            safety_stock=self.raised.get(place, self.safety.get(place, 0)),
        )

    def available(self, place: Place) -> int:
        """Without what is held by holds that are over, swept or not."""
        level = self.level(place)
        counting = [hold for hold in self.holds.values() if hold.counts(self.now)]
        held = sum(hold.units.get(place, 0) for hold in counting)
        return level.on_hand - level.unavailable - level.allocated - held

    def sellable(self, place: Place, channel: str | None, mine: int = 0, due: int = 0) -> int:
        """Through a channel, if it is sold by one, to somebody who holds some already."""
        store, sku = place
        free = self.available(place) + mine + due
        kept_back, serves = self.level(place).safety_stock, True
        if channel:
            terms = self.channels[channel]
            kept_back += terms.buffers.get(sku, terms.buffer)
            serves = self.stores[store].serves(channel)
        return max(0, free - kept_back if serves else 0, min(mine, free))

    def must_serve(
        self, channel: str, stores: Collection[str], held_at: Collection[str] = ()
    ) -> None:
        others = [one for one in stores if not self.stores[one].serves(channel)]
        if not set(others) <= set(held_at):
            raise No("not_served")

    def must_cover(
        self, wanted: Units, own: Units | None = None, channel: str | None = None
    ) -> None:
        for place, count in wanted.items():
            if self.sellable(place, channel, (own or {}).get(place, 0)) < count:
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


def of_sku(units: Mapping[Place, int], sku: str) -> int:
    return sum(count for (_, named), count in units.items() if named == sku)
