"""Live stock for all subscribers: each change is read and encoded once for all of them.

A stream begins with a snapshot, or with the changes missed since a cursor, and continues with every
change. A subscriber joins the others only when it has caught up with them; from then on it has a
queue of its own. Nothing is left out: a subscriber whose queue is full is disconnected, and
reconnects with its cursor. No stream holds a connection to the database.

Each subscriber gets the events of one channel. When a decision changed the whole channel, or a
store, any earlier event may be outdated; then the subscriber gets a reset and a new snapshot.

A change of a component is also one of the kits it belongs to. So that a cut between two events of
one change loses nothing, only the last has its position; the ones before have the position before.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import chain
from typing import Any, Final

import msgspec
import structlog
from litestar import Request
from msgspec import Struct

from adapters.drain import Drain
from adapters.http.inventory.expiring_holds import ExpiringHold, expiry_events, list_expiring_holds
from adapters.poll_loop import PollLoop
from domain.inventory.availability import StockDisplayPolicy
from domain.inventory.change_feed import SnapshotCursor, StockChange, Subscription, Update
from domain.inventory.sales_channels import UnknownChannel
from domain.kernel.errors import Unavailable
from domain.kernel.ids import ChannelId, HoldId, Sku
from service.inventory.change_feed import (
    ChangeReader,
    StockSnapshot,
    load_changes,
    load_snapshot,
    with_kits_parts,
)
from service.inventory.ports import ChangeRelay
from service.shared.unit_of_work import Units

BATCH_SIZE: Final = 1000
PUBLISH_BATCH_SIZE: Final = 50
MAX_SNAPSHOT_ROWS: Final = 10_000
MAX_SNAPSHOT_SKUS: Final = 1000
MIN_SNAPSHOT_SKUS: Final = 10
"""Limits of one snapshot query, which may cover every store."""
POLL_INTERVAL_SECONDS: Final = 1.0
HEARTBEAT_INTERVAL_SECONDS: Final = 10.0
MAX_QUEUED_EVENTS: Final = 10_000
"""Events that a subscriber may be behind."""

HELLO: Final = b"retry: 1000\n\n"
HEARTBEAT: Final = b":\n\n"
RESET_EVENT: Final = b"event: reset\ndata: {}\n\n"
SNAPSHOT_CURSOR: Final = 0
"""The cursor of a client without the whole snapshot: it starts the snapshot again."""
INVALID_CURSOR: Final = -1
CURSOR: Final = re.compile(r"[0-9]{1,18}")

log = structlog.get_logger("hylla.streams")


async def provide_last_event_id(request: Request[Any, Any, Any]) -> int | None:
    """The cursor in `Last-Event-ID`; one that we never gave is none that we know."""
    header = request.headers.get("last-event-id", "").strip()
    if not header:
        return None
    return int(header) if CURSOR.fullmatch(header) else INVALID_CURSOR


class StreamEvent(Struct, frozen=True):
    """A turn as it is sent; `early` where others of the same change follow."""

    update: Update
    intermediate: bytes
    final: bytes


def encode_update(turn: Update, position: int) -> bytes:
    return b"id: %d\nevent: availability\ndata: %b\n\n" % (position, msgspec.json.encode(turn))


def to_events(turns: Iterable[Update], position: int) -> list[StreamEvent]:
    return [
        StreamEvent(turn, encode_update(turn, position - 1), encode_update(turn, position))
        for turn in turns
    ]


def format_cursor(events: Sequence[StreamEvent]) -> list[bytes]:
    """Return the encoded events of one change for one subscriber."""
    return [*(event.intermediate for event in events[:-1]), *(event.final for event in events[-1:])]


def encode_partial_snapshot(turns: list[Update]) -> tuple[bytes, list[Update]]:
    """All but the last as events of a snapshot that goes on, and the last one."""
    return b"".join(encode_update(turn, SNAPSHOT_CURSOR) for turn in turns[:-1]), turns[-1:]


class StreamChunk(Struct, frozen=True):
    """A chunk of the beginning of a stream.

    Only the last chunk has a position to resume from, after everything that was sent; the ones
    before have none, and neither does a chunk after which the sent events are outdated.
    """

    events: bytes
    position: int = INVALID_CURSOR


class Subscriber:
    """One open stream's queue."""

    def __init__(self, following: Subscription, most: int) -> None:
        self.subscription = following
        self.holds: Collection[HoldId] = following.holds
        self.notified: set[tuple[HoldId, datetime]] = set()
        self.is_open = True
        self.needs_resync = False
        self._max_events = most
        self._events: list[bytes] = []
        self._ready = asyncio.Event()

    def enqueue(self, events: Iterable[bytes]) -> None:
        """Add events to the queue; one that is full is closed, and takes none ever after."""
        if not self.is_open:
            return
        self._events.extend(events)
        if len(self._events) > self._max_events:
            self._events.clear()
            self.is_open = False
            log.info("slow subscriber disconnected")
        self._ready.set()

    def close(self) -> None:
        """Close the queue to new events; those already in it are still delivered."""
        self.is_open = False
        self._ready.set()

    def resync(self) -> None:
        """Close the queue, and send a new snapshot once the events in it are delivered."""
        self.needs_resync = True
        self.close()

    async def next_events(self) -> bytes:
        """Everything that waits, as soon as there is something; nothing at the end."""
        while not self._events and self.is_open:
            self._ready.clear()
            await self._ready.wait()
        events, self._events = self._events, []
        return b"".join(events)


class AvailabilityStreams:
    """Tails the feed for all readers of this process."""

    def __init__(
        self,
        units: Units,
        relay: ChangeRelay,
        *,
        stock_display: StockDisplayPolicy,
        aside: Units | None = None,
        heartbeat_s: float = HEARTBEAT_INTERVAL_SECONDS,
        queue_max: int = MAX_QUEUED_EVENTS,
    ) -> None:
        self._units = units
        self._background_pool = aside or units
        self._relay = relay
        self._display_policy = stock_display
        self._heartbeat_interval_seconds = heartbeat_s
        self._max_queued_events = queue_max
        self._poll_loop = PollLoop("streams", self._poll_feed, every_s=POLL_INTERVAL_SECONDS)
        self._is_open = False
        self._position = -1
        self._subscribers: dict[Sku | None, set[Subscriber]] = {}
        """Subscribers by the SKU they follow; under None those of all SKUs."""
        self._subscribers_by_channel = Counter[ChannelId]()
        """The number of subscribers of each channel."""
        relay.listeners.append(self._on_feed_signal)

    @asynccontextmanager
    async def running(self, drain: Drain) -> AsyncIterator[None]:
        """Serve streams until the drain; then they end."""
        async with self._poll_loop:
            self._is_open = True
            beats = asyncio.create_task(self._send_heartbeats(drain), name="heartbeat")
            try:
                yield
            finally:
                self._is_open = False
                beats.cancel()
                await asyncio.wait({beats})

    def _on_feed_signal(self) -> None:
        """Wake the poll loop; without subscribers the periodic poll is soon enough."""
        if self._subscribers:
            self._poll_loop.wake()

    @property
    def count(self) -> int:
        return len(self._all_subscribers())

    async def wait_until_current(self) -> None:
        """Wait until every change that was committed before this call has been published.

        Raises:
            Unavailable: the database does not answer.
        """
        await self._relay.caught_up()
        await self._poll_loop.poll()

    async def ensure_channel(self, channel: ChannelId) -> None:
        """Raises UnknownChannel."""
        async with self._units.read() as unit:
            if channel not in await unit.inventory.sellable_stock.get_terms(()):
                raise UnknownChannel(channel, {"parameter": "channel", "in": "query"})

    async def subscribe(
        self, following: Subscription, cursor: int | None
    ) -> AsyncGenerator[bytes, None]:
        """The stream of a reader who has read up to `cursor`, or nothing yet."""
        yield HELLO
        upset = True
        while upset:
            async for begun in self._initial_chunks(following, cursor):
                if begun.events:
                    yield begun.events
            cursor, position = INVALID_CURSOR, begun.position
            heard = await self._resolve_sku_filter(following)
            upset = position < 0
            while position < self._position and not upset:
                missed, position, upset = await self._read_missed(
                    following, heard, position, until=self._position
                )
                if events := b"".join(chain.from_iterable(map(format_cursor, missed))):
                    yield events
            if upset:
                continue
            # Nothing is awaited between the last look at the position and the joining.
            reader = self._add_subscriber(following)
            try:
                while events := await reader.next_events():
                    yield events
            finally:
                self._remove_subscriber(reader)
            upset = reader.needs_resync

    async def _resume_position(self, cursor: int | None) -> int | None:
        """Return the cursor if all later changes are still stored; None requires a snapshot."""
        if not cursor:
            return None
        async with self._units.read() as unit:
            oldest, newest = await unit.inventory.change_feed.get_span()
        return cursor if oldest - 1 <= cursor <= newest else None

    async def _initial_chunks(
        self, following: Subscription, cursor: int | None
    ) -> AsyncIterator[StreamChunk]:
        """Yield nothing where the stream can resume from a cursor; otherwise a snapshot."""
        position = await self._resume_position(cursor)
        if position is not None:
            yield StreamChunk(b"", position)
            return
        if cursor:
            yield StreamChunk(RESET_EVENT)
        async for begun in self._snapshot_chunks(following):
            yield begun

    async def _snapshot_chunks(self, following: Subscription) -> AsyncIterator[StreamChunk]:
        """Yield a snapshot, and the changes made while it was sent."""
        snapshot, held_back = SnapshotCursor(), list[Update]()
        async for page in self._snapshot_pages(following):
            snapshot.add(page.skus[0] if page.skus else "", page.moment)
            [turns] = page.heard.to(exact=following.exact)
            events, held_back = encode_partial_snapshot(held_back + turns)
            yield StreamChunk(events)
        position, until = snapshot.start, await self._position_after(snapshot)
        heard = await self._resolve_sku_filter(following) if position < until else None
        while position < until:
            missed, position, upset = await self._read_missed(
                following, heard, position, until, snapshot
            )
            if upset:
                return
            turns = [event.update for events in missed for event in events]
            events, held_back = encode_partial_snapshot(held_back + turns)
            yield StreamChunk(events)
        last = b"".join(encode_update(turn, until) for turn in held_back)
        yield StreamChunk(last or b"id: %d\n\n" % until, until)

    async def _snapshot_pages(self, following: Subscription) -> AsyncIterator[StockSnapshot]:
        """Yield the snapshot in pages of SKUs, so that no answer is too long; at least one page."""
        many = (
            min(MAX_SNAPSHOT_SKUS, MAX_SNAPSHOT_ROWS // len(following.stores))
            if following.stores
            else MIN_SNAPSHOT_SKUS
        )
        after: Sku | None = ""
        while after is not None:
            page = await load_snapshot(
                self._units, following, after=after, limit=many, usual=self._display_policy
            )
            yield page
            after = page.skus[-1] if len(page.skus) == many else None

    async def _position_after(self, snapshot: SnapshotCursor) -> int:
        """Return a position after everything that a snapshot contains, and not after our own."""
        if not snapshot.has_pending and snapshot.end <= self._position:
            return snapshot.end
        await self.wait_until_current()
        return self._position

    async def _resolve_sku_filter(self, following: Subscription) -> set[Sku] | None:
        if following.skus is None:
            return None
        return await with_kits_parts(self._units, following.skus)

    async def _read_missed(
        self,
        following: Subscription,
        heard: set[Sku] | None,
        position: int,
        until: int,
        told_by: SnapshotCursor | None = None,
    ) -> tuple[list[list[StreamEvent]], int, bool]:
        """Read the next changes after `position`, how far they go, and whether a resync is needed.

        Each has its events, as far as they are subscribed to and not contained in a snapshot.
        """
        stores = following.stores
        async with self._units.read() as unit:
            if await unit.inventory.change_feed.list_republished(
                position, until, following.channel, stores
            ):
                return [], until, True
            changes = await unit.inventory.change_feed.list_after(
                position, BATCH_SIZE, until=until, skus=heard, stores=stores
            )
        if not changes:
            return [], until, False
        story = await load_changes(self._units, changes, usual=self._display_policy)
        turns = story.heard(following.channel).to(exact=following.exact)
        missed: list[list[StreamEvent]] = []
        for change, mine in zip(changes, turns, strict=True):
            wanted = (
                turn
                for turn in mine
                if following.matches(turn) and not (told_by and told_by.includes(change, turn.sku))
            )
            missed.append(to_events(wanted, change.position))
        far = changes[-1].position if len(changes) == BATCH_SIZE else until
        return missed, far, False

    def _add_subscriber(self, following: Subscription) -> Subscriber:
        reader = Subscriber(following, self._max_queued_events)
        if not self._is_open:
            reader.close()
        self._subscribers_by_channel[following.channel] += 1
        for sku in _subscription_keys(following):
            self._subscribers.setdefault(sku, set()).add(reader)
        return reader

    def _remove_subscriber(self, reader: Subscriber) -> None:
        self._subscribers_by_channel -= Counter([reader.subscription.channel])
        for sku in _subscription_keys(reader.subscription):
            self._subscribers[sku].discard(reader)
            if not self._subscribers[sku]:
                del self._subscribers[sku]

    def _all_subscribers(self) -> set[Subscriber]:
        return set().union(*self._subscribers.values())

    async def _poll_feed(self) -> None:
        """Publish the feed's later changes; without subscribers, only follow its end."""
        if not self._subscribers:
            async with self._background_pool.read() as unit:
                _, newest = await unit.inventory.change_feed.get_span()
            if not self._subscribers:
                self._position = newest
                return
        changes = await self._next_changes()
        while changes:
            story = await load_changes(self._background_pool, changes, usual=self._display_policy)
            for start in range(0, len(changes), PUBLISH_BATCH_SIZE):
                self._publish(story, slice(start, start + PUBLISH_BATCH_SIZE))
                await asyncio.sleep(0)  # lets other tasks run during a large publication
            changes = await self._next_changes() if len(changes) == BATCH_SIZE else []

    async def _next_changes(self) -> list[StockChange]:
        async with self._background_pool.read() as unit:
            return await unit.inventory.change_feed.list_after(self._position, BATCH_SIZE)

    def _publish(self, story: ChangeReader, part: slice) -> None:
        """Put every change into the queues of those who follow it, and be behind it."""
        changes = story.changes[part]
        upset = self._find_resync_positions(changes, story)
        queues: dict[Subscriber, list[bytes]] = {}
        for channel in self._subscribers_by_channel.keys() & story.terms.keys():
            heard = story.heard(channel)
            exact, shown = heard.to(exact=True, part=part), heard.to(exact=False, part=part)
            for change, plain, public in zip(changes, exact, shown, strict=True):
                at = change.position
                audience = self._select_recipients(
                    channel, to_events(plain, at), to_events(public, at)
                )
                for reader, events in audience.items():
                    if at < upset.get(reader, at + 1):
                        queues.setdefault(reader, []).extend(format_cursor(events))
        for reader, written_out in queues.items():
            reader.enqueue(written_out)
        for reader in upset:
            reader.resync()
        self._position = changes[-1].position

    def _find_resync_positions(
        self, changes: Sequence[StockChange], story: ChangeReader
    ) -> dict[Subscriber, int]:
        """Find the subscribers that need a resync, and the position where they became outdated.

        A subscriber to a channel that did not exist yet when the changes were loaded needs one too.
        """
        at = [change for change in changes if change.channel is not None]
        if not at and self._subscribers_by_channel.keys() <= story.terms.keys():
            return {}
        upset: dict[Subscriber, int] = {}
        for reader in self._all_subscribers():
            following = reader.subscription
            if following.channel not in story.terms:
                upset[reader] = changes[0].position
            elif mine := [one.position for one in at if following.needs_resync(one)]:
                upset[reader] = mine[0]
        return upset

    def _select_recipients(
        self, channel: ChannelId, exact: Sequence[StreamEvent], shown: Sequence[StreamEvent]
    ) -> dict[Subscriber, list[StreamEvent]]:
        """Select each subscriber's events of one change, with the quantities that it may see."""
        audience: dict[Subscriber, list[StreamEvent]] = {}
        for plain, public in zip(exact, shown, strict=True):
            for reader in chain(
                self._subscribers.get(None, ()), self._subscribers.get(plain.update.sku, ())
            ):
                following = reader.subscription
                if following.channel == channel and following.matches(plain.update):
                    audience.setdefault(reader, []).append(plain if following.exact else public)
        return audience

    async def _send_heartbeats(self, drain: Drain) -> None:
        """Show every reader that its connection lives; at the drain, let them all go."""
        while await drain.run_until_stopping(asyncio.sleep(self._heartbeat_interval_seconds, True)):
            readers = self._all_subscribers()
            ends = await self._find_expiring_holds(readers)
            for reader in readers:
                reader.enqueue([HEARTBEAT, *expiry_events(reader, ends)])
        self._is_open = False
        for reader in self._all_subscribers():
            reader.close()

    async def _find_expiring_holds(
        self, readers: Collection[Subscriber]
    ) -> dict[HoldId, ExpiringHold]:
        """Of holds that end soon. Whatever goes wrong with that, the heart beats on."""
        try:
            return await list_expiring_holds(self._units, readers)
        except Unavailable:
            log.info("holds cannot be read")
        except Exception:
            log.exception("holds cannot be read")
        return {}


def _subscription_keys(following: Subscription) -> Iterable[Sku | None]:
    return [None] if following.skus is None else following.skus


def in_batches(skus: Sequence[Sku], many: int) -> Iterable[Sequence[Sku]]:
    return (skus[start : start + many] for start in range(0, len(skus), many))
