"""The shop window: what shoppers ask for most in the web, kept ready until it changes.

What a worker has read of a SKU's shelves stays here, written out store by store, until somebody
changes it: this worker's own writes take it out at once, those of others when the feed tells of
them. Each second, and whenever the feed has grown, a look at the feed confirms that all the rest
is as it was; that moment is the `as_of` of every answer. What lies here never decides a write.

A hold whose time ends frees its units at that very instant, so a SKU leaves the window then. From
when it can be collected depends on the minute, so each store's moment is put in when an answer is
put together.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from adapters.poll_loop import Rounds
from domain.catalogue.products import Product
from domain.inventory.availability import (
    AtStore,
    Catalogue,
    Nearby,
    Telling,
    View,
    available,
    needed,
)
from domain.inventory.change_feed import ANY
from domain.inventory.confidence import doubted_from
from domain.inventory.sales_channels import Policy
from domain.kernel.ids import Sku, StoreId
from domain.stores.stores import Store
from service.inventory.availability import Lying, what_lies
from service.inventory.ports import CacheMiss, Relay
from service.shared.batching import Gathered
from service.shared.clock import Clock
from service.shared.unit_of_work import Unit, Units

LOOK_S: Final = 1.0
PAUSE_S: Final = 0.05
"""Between two looks, however much changes."""
FRESH: Final = timedelta(seconds=3)
"""How old the last look may be; where it is older, answers are read anew."""
AHEAD: Final = timedelta(seconds=6)
"""How far ahead holds that end are looked for: farther than a look is good for."""
AT_ONCE: Final = 200
"""SKUs of one reading."""
MOST_PARTS: Final = 200_000
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Part(Struct, gc=False):
    """What is told of a store, before and behind its `ready_from`; whole where it has none.

    Many SKUs are told alike in a store, and share it. `filled` is as it is sent in a `minute`.
    """

    before: bytes
    after: bytes = b""
    filled: bytes = b""
    minute: datetime | None = None


class Pane(Struct):
    """One SKU as a kind of caller is told of it; `whole` and its `tag` are those of a `minute`."""

    head: bytes
    at: dict[StoreId, Part]
    holders: tuple[StoreId, ...]
    tail: bytes
    whole: bytes = b""
    tag: str = ""
    minute: datetime | None = None

    @property
    def size(self) -> int:
        """Bytes it takes, about, once it has been asked for as a whole."""
        return 1000 + sum(100 + len(one.before) + len(one.after) for one in self.at.values())


class Shown(Struct):
    """One SKU as it lay at `read_at`, and lies until a change or until `until`."""

    product: Product
    parts: Catalogue
    policy: Policy
    panes: dict[bool, Pane]
    read_at: datetime
    until: datetime

    @property
    def size(self) -> int:
        return sum(pane.size for pane in self.panes.values())


class Window:
    """What lies in the window of one worker. Closed, it shows nothing, and all is read anew."""

    def __init__(
        self,
        units: Units,
        relay: Relay,
        *,
        telling: Telling,
        clock: Clock,
        most_bytes: int,
    ) -> None:
        """Beyond `most_bytes`, what has lain there longest makes room."""
        self._units = units
        self._relay = relay
        self._clock = clock
        self._most_bytes = most_bytes
        self._rounds = Rounds("window", self._look, every_s=LOOK_S, pause_s=PAUSE_S)
        self._reading = Gathered(self._read, name=id)
        self._open = False
        self._position = 0
        self._shown: dict[Sku, Shown] = {}
        self._sizes: dict[Sku, int] = {}
        self._bytes = 0
        self._decided_by: dict[Sku, set[Sku]] = {}
        """What is shown and depends on the shelves of each SKU: itself, and kits."""
        self._under_way: dict[object, set[Sku]] = {}
        """What has changed since each reading that is under way began."""
        self._telling = telling
        self._wanted: set[bool] = set()
        """Whether anybody has asked as staff, who learn exact numbers, and as a shopper."""
        self._stores: dict[StoreId, Store] = {}
        self._stamp = -1
        self._parts: dict[bytes, Part] = {}
        self._minute = LONG_AGO
        self._ready: dict[StoreId, bytes] = {}
        """From when an order of this minute can be collected, as it is written."""
        self._as_of = LONG_AGO

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Show what is confirmed."""
        async with self._units.read() as unit:
            _, self._position = await unit.feed.span()
        self._relay.listeners.append(self._hear)
        async with self._rounds:
            self._open = True
            try:
                yield
            finally:
                self._open = False
                self._empty()

    def _hear(self) -> None:
        """While nothing lies here, the clock is soon enough."""
        if self._shown:
            self._rounds.nudge()

    def take_out(self, skus: Collection[Sku]) -> None:
        """What is said of these, and of kits they are part of, is true no more; ANY is all."""
        for changed in self._under_way.values():
            changed.update(skus)
        if ANY in skus:
            self._empty()
        for sku in skus:
            for shown in self._decided_by.pop(sku, ()):
                self._remove(shown)

    def see(self, skus: Sequence[Sku], *, exact: bool) -> list[Shown] | None:
        """These, where all of them lie here, confirmed for one moment; else they must be read."""
        now, as_of, lies = self._clock(), self._as_of, self._shown
        if not self._open or now >= as_of + FRESH:
            return None
        newest = NEVER if len(skus) == 1 else as_of
        found = []
        for sku in skus:
            shown = lies.get(sku)
            if shown is None or shown.read_at > newest or now >= shown.until:
                return None
            if exact not in shown.panes:
                return None
            found.append(shown)
        return found

    async def read(self, skus: Sequence[Sku], *, exact: bool) -> list[Shown]:
        """These as they lie now; what nobody sells is left out.

        Of several, only those are read that do not lie here; a look then confirms them together.

        Raises:
            Busy: the database does not answer.
        """
        self._wanted.add(exact)
        lacking = [sku for sku in skus if not self.see([sku], exact=exact)]
        if self._open and len(lacking) < len(skus):
            if lacking:
                await self._reading(lacking)
            await self._rounds.round()
            if confirmed := self.see(skus, exact=exact):
                return confirmed
        return await self._reading(skus)

    def moment(self, shown: Iterable[Shown]) -> datetime:
        """For when an answer of these is true."""
        return max(self._as_of, *(one.read_at for one in shown))

    def whole(self, shown: Shown, *, exact: bool) -> tuple[bytes, str]:
        """What is told of every store that has any, and its tag.

        Raises CacheMiss: a store opens never again.
        """
        pane = shown.panes[exact]
        if pane.minute is not self._minute:
            pane.whole = self._joined(pane, pane.holders)
            pane.tag = blake2b(pane.whole, digest_size=12).hexdigest()
            pane.minute = self._minute
        return pane.whole, pane.tag

    def item(self, shown: Shown, stores: Sequence[StoreId], *, exact: bool) -> bytes:
        """What is told of these stores.

        Raises CacheMiss: there is no such store, as far as is known here, or it opens never again.
        """
        pane = shown.panes[exact]
        try:
            return self._joined(pane, stores)
        except KeyError:
            for store in set(stores) - pane.at.keys():
                pane.at[store] = self._without(shown, store, exact=exact)
        return self._joined(pane, stores)

    def holders(self, shown: Iterable[Shown], *, exact: bool) -> list[StoreId]:
        """The stores that have any of these."""
        return sorted({store for one in shown for store in one.panes[exact].holders})

    def _joined(self, pane: Pane, stores: Iterable[StoreId]) -> bytes:
        minute, at = self._minute, pane.at
        parts = [
            part.filled if (part := at[store]).minute is minute else self._filled(part, store)
            for store in stores
        ]
        return b"%b%b%b" % (pane.head, b",".join(parts), pane.tail)

    def _filled(self, part: Part, store: StoreId) -> bytes:
        ready = self._ready_at(store) if part.after else b""
        part.filled, part.minute = part.before + ready + part.after, self._minute
        return part.filled

    def _ready_at(self, store: StoreId) -> bytes:
        if store not in self._ready:
            moment = self._stores[store].ready_at(self._minute)
            if moment is None:
                raise CacheMiss
            self._ready[store] = msgspec.json.encode(moment)
        return self._ready[store]

    async def _read(self, asked: Sequence[Sequence[Sku]]) -> list[list[Shown]]:
        """For all who ask meanwhile, so many at a time that nobody else waits long."""
        answers: list[list[Shown]] = []
        for portion, skus in _portions(asked):
            shown = await self._read_at_once(skus)
            answers += [[shown[sku] for sku in each if sku in shown] for each in portion]
        return answers

    async def _read_at_once(self, skus: set[Sku]) -> dict[Sku, Shown]:
        """What changed under the reading is answered, not kept."""
        changed, me = set[Sku](), object()
        self._under_way[me] = changed
        shown: dict[Sku, Shown] = {}
        try:
            async with self._units.read() as unit:
                lying = await what_lies(unit, skus)
                ending = await unit.holds.ending(unit.now, unit.now + AHEAD, list(lying.shelves))
                await self._know_stores(unit)
            self._turn_to(unit.now)
            for sku in skus & lying.catalogue.keys():
                shown[sku] = one = self._painted(lying, sku, ending, unit.now)
                if self._open and changed.isdisjoint({ANY, *one.parts}):
                    self._keep(sku, one)
                await asyncio.sleep(0)
        finally:
            del self._under_way[me]
        return shown

    def _painted(self, lying: Lying, sku: Sku, ending: dict[Sku, datetime], now: datetime) -> Shown:
        product = lying.catalogue[sku]
        parts = {part: lying.catalogue[part] for part in needed(product) if part in lying.catalogue}
        return Shown(
            product=product,
            parts=parts,
            policy=lying.terms.policy,
            panes={exact: self._pane(lying, product, exact=exact) for exact in self._wanted},
            read_at=now,
            until=min(self._ends(lying, parts, ending, now), default=NEVER),
        )

    def _ends(
        self, lying: Lying, parts: Collection[Sku], ending: dict[Sku, datetime], now: datetime
    ) -> Iterator[datetime]:
        """When, without anybody's doing, something else is true: holds end, and doubts begin."""
        below = self._telling.doubt_below
        for part in parts:
            if part in ending:
                yield ending[part]
            for shelf in lying.shelves.get(part, {}).values():
                if (doubted := doubted_from(shelf, below)) and doubted > now:
                    yield doubted

    def _pane(self, lying: Lying, product: Product, *, exact: bool) -> Pane:
        holders = sorted(
            {store for part in needed(product) for store, _ in lying.shelves.get(part, ())}
        )
        places = [Nearby(self._stores[store]) for store in holders]
        view = self._view(lying.terms.policy, exact=exact)
        item = available(product, lying.catalogue, lying.shelves, places, view)
        head, _, tail = msgspec.json.encode(replace(item, stores=[])).partition(b'"stores":[]')
        return Pane(
            head=head + b'"stores":[',
            at={each.store: self._part(each) for each in item.stores},
            holders=tuple(holders),
            tail=b"]" + tail,
        )

    def _without(self, shown: Shown, store: StoreId, *, exact: bool) -> Part:
        """What is told of a store that has none."""
        if store not in self._stores:
            raise CacheMiss
        view = self._view(shown.policy, exact=exact)
        item = available(shown.product, shown.parts, {}, [Nearby(self._stores[store])], view)
        return self._part(item.stores[0])

    def _view(self, policy: Policy, *, exact: bool) -> View:
        usual = self._telling.to_staff if exact else self._telling
        return View(now=self._minute, telling=policy.telling(usual))

    def _part(self, at: AtStore) -> Part:
        raw = msgspec.json.encode(at)
        before, field, after = raw, b"", b""
        if at.pickup.ready_from is not None:
            before, field, after = raw.partition(b'"ready_from":')
            after = after.removeprefix(msgspec.json.encode(at.pickup.ready_from))
        name = before + field + after
        if name not in self._parts:
            if len(self._parts) == MOST_PARTS:
                self._parts.clear()
            self._parts[name] = Part(before + field, after)
        return self._parts[name]

    def _keep(self, sku: Sku, shown: Shown) -> None:
        self._remove(sku)
        self._shown[sku] = shown
        self._sizes[sku] = shown.size
        self._bytes += shown.size
        for part in shown.parts:
            self._decided_by.setdefault(part, set()).add(sku)
        while self._bytes > self._most_bytes:
            self._remove(next(iter(self._shown)))

    def _remove(self, sku: Sku) -> None:
        if self._shown.pop(sku, None):
            self._bytes -= self._sizes.pop(sku)

    def _empty(self) -> None:
        for each in (self._shown, self._sizes, self._decided_by, self._ready, self._parts):
            each.clear()
        self._bytes = 0

    async def _know_stores(self, unit: Unit) -> None:
        """A store that is told otherwise is told so in every answer."""
        stamp = await unit.stores.stamp()
        if stamp != self._stamp:
            self._empty()
            self._stores, self._stamp = await unit.stores.all(), stamp

    def _turn_to(self, moment: datetime) -> None:
        """What is ordered within a minute is begun at its end."""
        minute = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        if minute > self._minute:
            self._minute = minute
            self._ready.clear()

    async def _look(self) -> None:
        """Take out what others changed; then all the rest is true as of when this began."""
        began = self._clock()
        await self._relay.caught_up()
        async with self._units.read() as unit:
            while changed := await unit.feed.skus_after(self._position, 1000):
                self._position = changed[-1][0]
                self.take_out({sku for _, sku in changed})
            await self._know_stores(unit)
            for part, moment in (await unit.holds.ending(began, began + AHEAD)).items():
                for sku in self._decided_by.get(part, ()):
                    if shown := self._shown.get(sku):
                        shown.until = min(shown.until, moment)
        self._turn_to(began)
        self._as_of = began


def _portions(asked: Sequence[Sequence[Sku]]) -> Iterator[tuple[list[Sequence[Sku]], set[Sku]]]:
    """Those who are answered by one reading, and what they ask for."""
    portion: list[Sequence[Sku]] = []
    skus: set[Sku] = set()
    for each in asked:
        if portion and len(skus.union(each)) > AT_ONCE:
            yield portion, skus
            portion, skus = [], set()
        portion.append(each)
        skus = skus.union(each)
    yield portion, skus
