"""The availability cache: encoded answers for the SKUs that shoppers request most.

An entry holds a SKU's stock levels, encoded store by store, until they change: this worker's own
writes invalidate it at once, those of other processes when they appear in the change feed. Each
second, and whenever the feed has grown, a poll of the feed confirms all other entries; that moment
is the `as_of` of every answer. No write is decided from the cache.

An expiring hold frees its units at that instant, so a SKU's entry expires then. The time of pickup
(`ready_from`) depends on the minute, so each store's time is inserted when an answer is assembled.
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

from adapters.poll_loop import PollLoop
from domain.catalogue.products import Product
from domain.inventory.availability import (
    AvailabilityView,
    Catalogue,
    NearbyStore,
    StockDisplayPolicy,
    StoreAvailability,
    component_skus,
    compute_availability,
)
from domain.inventory.change_feed import ANY
from domain.inventory.confidence import uncertain_from
from domain.inventory.sales_channels import ChannelPolicy
from domain.kernel.ids import Sku, StoreId
from domain.stores.stores import Store
from service.inventory.availability import StockView, load_stock
from service.inventory.ports import CacheMiss, ChangeRelay
from service.shared.batching import Batcher
from service.shared.clock import Clock
from service.shared.unit_of_work import Unit, Units

POLL_INTERVAL_SECONDS: Final = 1.0
MIN_PAUSE_SECONDS: Final = 0.05
"""Between two looks, however much changes."""
MAX_AGE: Final = timedelta(seconds=3)
"""How old the last look may be; where it is older, answers are read anew."""
HOLD_LOOKAHEAD: Final = timedelta(seconds=6)
"""How far ahead holds that end are looked for: farther than a look is good for."""
BATCH_SIZE: Final = 200
"""SKUs of one reading."""
MAX_ENCODED: Final = 200_000
DISTANT_PAST: Final = datetime.min.replace(tzinfo=UTC)
DISTANT_FUTURE: Final = datetime.max.replace(tzinfo=UTC)


class EncodedStore(Struct, gc=False):
    """A store's encoded JSON, `before` and `after` its `ready_from`; all in `before` without one.

    SKUs with equal JSON in a store share one object. `encoded` is the whole JSON for `minute`.
    """

    before: bytes
    after: bytes = b""
    encoded: bytes = b""
    minute: datetime | None = None


class EncodedSku(Struct):
    """A SKU encoded for one kind of caller; `full` and its `etag` are valid for `minute`."""

    prefix: bytes
    fragments: dict[StoreId, EncodedStore]
    stores: tuple[StoreId, ...]
    suffix: bytes
    full: bytes = b""
    etag: str = ""
    minute: datetime | None = None

    @property
    def size(self) -> int:
        """Bytes it takes, about, once it has been asked for as a whole."""
        return 1000 + sum(100 + len(one.before) + len(one.after) for one in self.fragments.values())


class CacheEntry(Struct):
    """A SKU as read at `read_at`; it expires at a change or at `valid_until`."""

    product: Product
    kit_parts: Catalogue
    policy: ChannelPolicy
    encoded: dict[bool, EncodedSku]
    read_at: datetime
    valid_until: datetime

    @property
    def size(self) -> int:
        return sum(pane.size for pane in self.encoded.values())


class InMemoryAvailabilityCache:
    """The cache of one worker. Closed, it returns no entry, and every SKU is read anew."""

    def __init__(
        self,
        units: Units,
        relay: ChangeRelay,
        *,
        stock_display: StockDisplayPolicy,
        clock: Clock,
        most_bytes: int,
    ) -> None:
        """Evicts the oldest entries beyond `most_bytes` bytes."""
        self._units = units
        self._relay = relay
        self._clock = clock
        self._max_bytes = most_bytes
        self._poll_loop = PollLoop(
            "window", self._poll, every_s=POLL_INTERVAL_SECONDS, pause_s=MIN_PAUSE_SECONDS
        )
        self._load_batcher = Batcher(self._load_batches, name=id)
        self._is_open = False
        self._position = 0
        self._entries: dict[Sku, CacheEntry] = {}
        self._sizes: dict[Sku, int] = {}
        self._bytes = 0
        self._dependents: dict[Sku, set[Sku]] = {}
        """The cached SKUs that depend on the stock levels of each SKU: itself, and kits."""
        self._invalidated_during_load: dict[object, set[Sku]] = {}
        """The SKUs changed since the start of each load in progress."""
        self._display_policy = stock_display
        self._exact_variants: set[bool] = set()
        """The kinds of callers so far: True for staff, who see exact units, else False."""
        self._stores: dict[StoreId, Store] = {}
        self._stores_version = -1
        self._fragments: dict[bytes, EncodedStore] = {}
        self._minute = DISTANT_PAST
        self._encoded_ready_from: dict[StoreId, bytes] = {}
        """The encoded `ready_from` of an order placed in this minute, by store."""
        self._as_of = DISTANT_PAST

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Opens the cache for the time of the block; the poll loop confirms its entries."""
        async with self._units.read() as unit:
            _, self._position = await unit.inventory.change_feed.get_span()
        self._relay.listeners.append(self._on_change)
        async with self._poll_loop:
            self._is_open = True
            try:
                yield
            finally:
                self._is_open = False
                self._clear()

    def _on_change(self) -> None:
        """Wakes the poll loop; an empty cache waits for its interval."""
        if self._entries:
            self._poll_loop.wake()

    def invalidate(self, skus: Collection[Sku]) -> None:
        """Removes the entries of these SKUs and of kits that contain them; ANY means all."""
        for changed in self._invalidated_during_load.values():
            changed.update(skus)
        if ANY in skus:
            self._clear()
        for sku in skus:
            for shown in self._dependents.pop(sku, ()):
                self._evict(shown)

    def get(self, skus: Sequence[Sku], *, exact: bool) -> list[CacheEntry] | None:
        """Returns the entries, confirmed for one moment, or None where one of them is missing."""
        now, as_of, lies = self._clock(), self._as_of, self._entries
        if not self._is_open or now >= as_of + MAX_AGE:
            return None
        newest = DISTANT_FUTURE if len(skus) == 1 else as_of
        found = []
        for sku in skus:
            shown = lies.get(sku)
            if shown is None or shown.read_at > newest or now >= shown.valid_until:
                return None
            if exact not in shown.encoded:
                return None
            found.append(shown)
        return found

    async def load(self, skus: Sequence[Sku], *, exact: bool) -> list[CacheEntry]:
        """Returns the current entries; SKUs that are not sold are left out.

        Only the missing ones of several are read; a poll then confirms them together.

        Raises:
            Unavailable: the database does not answer.
        """
        self._exact_variants.add(exact)
        lacking = [sku for sku in skus if not self.get([sku], exact=exact)]
        if self._is_open and len(lacking) < len(skus):
            if lacking:
                await self._load_batcher(lacking)
            await self._poll_loop.poll()
            if confirmed := self.get(skus, exact=exact):
                return confirmed
        return await self._load_batcher(skus)

    def as_of(self, shown: Iterable[CacheEntry]) -> datetime:
        """For when an answer of these is true."""
        return max(self._as_of, *(one.read_at for one in shown))

    def encoded(self, shown: CacheEntry, *, exact: bool) -> tuple[bytes, str]:
        """Returns the JSON of every store with stock, and its ETag.

        Raises CacheMiss: a store never opens again.
        """
        pane = shown.encoded[exact]
        if pane.minute is not self._minute:
            pane.full = self._join(pane, pane.stores)
            pane.etag = blake2b(pane.full, digest_size=12).hexdigest()
            pane.minute = self._minute
        return pane.full, pane.etag

    def encoded_for(self, shown: CacheEntry, stores: Sequence[StoreId], *, exact: bool) -> bytes:
        """Returns the JSON of these stores.

        Raises CacheMiss: the cache knows no such store, or it never opens again.
        """
        pane = shown.encoded[exact]
        try:
            return self._join(pane, stores)
        except KeyError:
            for store in set(stores) - pane.fragments.keys():
                pane.fragments[store] = self._encode_empty_store(shown, store, exact=exact)
        return self._join(pane, stores)

    def stores_with_stock(self, shown: Iterable[CacheEntry], *, exact: bool) -> list[StoreId]:
        """The stores that have any of these."""
        return sorted({store for one in shown for store in one.encoded[exact].stores})

    def _join(self, pane: EncodedSku, stores: Iterable[StoreId]) -> bytes:
        minute, at = self._minute, pane.fragments
        parts = [
            part.encoded if (part := at[store]).minute is minute else self._fill(part, store)
            for store in stores
        ]
        return b"%b%b%b" % (pane.prefix, b",".join(parts), pane.suffix)

    def _fill(self, part: EncodedStore, store: StoreId) -> bytes:
        ready = self._encoded_ready_at(store) if part.after else b""
        part.encoded, part.minute = part.before + ready + part.after, self._minute
        return part.encoded

    def _encoded_ready_at(self, store: StoreId) -> bytes:
        if store not in self._encoded_ready_from:
            moment = self._stores[store].ready_at(self._minute)
            if moment is None:
                raise CacheMiss
            self._encoded_ready_from[store] = msgspec.json.encode(moment)
        return self._encoded_ready_from[store]

    async def _load_batches(self, asked: Sequence[Sequence[Sku]]) -> list[list[CacheEntry]]:
        """Loads the SKUs of concurrent callers in batches, bounded so that no caller waits long."""
        answers: list[list[CacheEntry]] = []
        for portion, skus in _batches(asked):
            shown = await self._load_batch(skus)
            answers += [[shown[sku] for sku in each if sku in shown] for each in portion]
        return answers

    async def _load_batch(self, skus: set[Sku]) -> dict[Sku, CacheEntry]:
        """Loads entries; one that changed during the load is returned but not cached."""
        changed, me = set[Sku](), object()
        self._invalidated_during_load[me] = changed
        shown: dict[Sku, CacheEntry] = {}
        try:
            async with self._units.read() as unit:
                lying = await load_stock(unit, skus)
                ending = await unit.inventory.holds.list_ending(
                    unit.now, unit.now + HOLD_LOOKAHEAD, list(lying.levels)
                )
                await self._load_stores(unit)
            self._advance_to(unit.now)
            for sku in skus & lying.catalogue.keys():
                shown[sku] = one = self._encode_entry(lying, sku, ending, unit.now)
                if self._is_open and changed.isdisjoint({ANY, *one.kit_parts}):
                    self._store(sku, one)
                await asyncio.sleep(0)
        finally:
            del self._invalidated_during_load[me]
        return shown

    def _encode_entry(
        self, lying: StockView, sku: Sku, ending: dict[Sku, datetime], now: datetime
    ) -> CacheEntry:
        product = lying.catalogue[sku]
        parts = {
            part: lying.catalogue[part]
            for part in component_skus(product)
            if part in lying.catalogue
        }
        return CacheEntry(
            product=product,
            kit_parts=parts,
            policy=lying.terms.policy,
            encoded={
                exact: self._encode_item(lying, product, exact=exact)
                for exact in self._exact_variants
            },
            read_at=now,
            valid_until=min(self._find_expiries(lying, parts, ending, now), default=DISTANT_FUTURE),
        )

    def _find_expiries(
        self, lying: StockView, parts: Collection[Sku], ending: dict[Sku, datetime], now: datetime
    ) -> Iterator[datetime]:
        """Yields the times at which the answer changes without a write: holds end, doubts begin."""
        below = self._display_policy.low_confidence_threshold
        for part in parts:
            if part in ending:
                yield ending[part]
            for level in lying.levels.get(part, {}).values():
                if (doubted := uncertain_from(level, below)) and doubted > now:
                    yield doubted

    def _encode_item(self, lying: StockView, product: Product, *, exact: bool) -> EncodedSku:
        holders = sorted(
            {store for part in component_skus(product) for store, _ in lying.levels.get(part, ())}
        )
        places = [NearbyStore(self._stores[store]) for store in holders]
        view = self._build_view(lying.terms.policy, exact=exact)
        item = compute_availability(product, lying.catalogue, lying.levels, places, view)
        head, _, tail = msgspec.json.encode(replace(item, stores=[])).partition(b'"stores":[]')
        return EncodedSku(
            prefix=head + b'"stores":[',
            fragments={each.store: self._get_fragment(each) for each in item.stores},
            stores=tuple(holders),
            suffix=b"]" + tail,
        )

    def _encode_empty_store(
        self, shown: CacheEntry, store: StoreId, *, exact: bool
    ) -> EncodedStore:
        """Encodes a store that has no stock."""
        if store not in self._stores:
            raise CacheMiss
        view = self._build_view(shown.policy, exact=exact)
        item = compute_availability(
            shown.product, shown.kit_parts, {}, [NearbyStore(self._stores[store])], view
        )
        return self._get_fragment(item.stores[0])

    def _build_view(self, policy: ChannelPolicy, *, exact: bool) -> AvailabilityView:
        usual = self._display_policy.for_staff if exact else self._display_policy
        return AvailabilityView(now=self._minute, display_policy=policy.to_display_policy(usual))

    def _get_fragment(self, at: StoreAvailability) -> EncodedStore:
        raw = msgspec.json.encode(at)
        before, field, after = raw, b"", b""
        if at.pickup.ready_from is not None:
            before, field, after = raw.partition(b'"ready_from":')
            after = after.removeprefix(msgspec.json.encode(at.pickup.ready_from))
        name = before + field + after
        if name not in self._fragments:
            if len(self._fragments) == MAX_ENCODED:
                self._fragments.clear()
            self._fragments[name] = EncodedStore(before + field, after)
        return self._fragments[name]

    def _store(self, sku: Sku, shown: CacheEntry) -> None:
        self._evict(sku)
        self._entries[sku] = shown
        self._sizes[sku] = shown.size
        self._bytes += shown.size
        for part in shown.kit_parts:
            self._dependents.setdefault(part, set()).add(sku)
        while self._bytes > self._max_bytes:
            self._evict(next(iter(self._entries)))

    def _evict(self, sku: Sku) -> None:
        if self._entries.pop(sku, None):
            self._bytes -= self._sizes.pop(sku)

    def _clear(self) -> None:
        for each in (
            self._entries,
            self._sizes,
            self._dependents,
            self._encoded_ready_from,
            self._fragments,
        ):
            each.clear()
        self._bytes = 0

    async def _load_stores(self, unit: Unit) -> None:
        """Reloads the stores after a change and clears the cache: every answer contains them."""
        stamp = await unit.stores.stores.get_version()
        if stamp != self._stores_version:
            self._clear()
            self._stores, self._stores_version = await unit.stores.stores.list_all(), stamp

    def _advance_to(self, moment: datetime) -> None:
        """Advances the minute: an order placed within a minute starts at its end."""
        minute = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        if minute > self._minute:
            self._minute = minute
            self._encoded_ready_from.clear()

    async def _poll(self) -> None:
        """Invalidates the SKUs that others changed; the rest is valid as of the start."""
        began = self._clock()
        await self._relay.caught_up()
        async with self._units.read() as unit:
            while changed := await unit.inventory.change_feed.list_skus_after(self._position, 1000):
                self._position = changed[-1][0]
                self.invalidate({sku for _, sku in changed})
            await self._load_stores(unit)
            for part, moment in (
                await unit.inventory.holds.list_ending(began, began + HOLD_LOOKAHEAD)
            ).items():
                for sku in self._dependents.get(part, ()):
                    if shown := self._entries.get(sku):
                        shown.valid_until = min(shown.valid_until, moment)
        self._advance_to(began)
        self._as_of = began


def _batches(asked: Sequence[Sequence[Sku]]) -> Iterator[tuple[list[Sequence[Sku]], set[Sku]]]:
    """Yields the requests that one load answers, with all their SKUs."""
    portion: list[Sequence[Sku]] = []
    skus: set[Sku] = set()
    for each in asked:
        if portion and len(skus.union(each)) > BATCH_SIZE:
            yield portion, skus
            portion, skus = [], set()
        portion.append(each)
        skus = skus.union(each)
    yield portion, skus
