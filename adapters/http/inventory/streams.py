"""Live stock for everybody who listens: each change is read and written out once for all of them.

A stream begins with how things stand, or with what was missed since a cursor, and goes on with
every change. A reader joins the others only when it has caught up with them; from then on it has a
queue of its own. Nothing is left out: a reader whose queue is full is sent away, and comes back
with its cursor. No stream holds a connection to the database.

Each reader hears of one channel. When something was decided of the whole channel, or of a store,
what was told before may be wrong everywhere; then the reader is told so, and how all stands now.

A change of a part is also one of the kits it belongs to. So that a cut between two events of one
change loses nothing, only the last bears its position; the ones before bear the position before.
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
from adapters.http.inventory.expiring_holds import Expiring, expiring, warnings
from adapters.poll_loop import PollLoop
from domain.inventory.availability import StockDisplayPolicy
from domain.inventory.change_feed import Snapshot, StockChange, Subscription, Update
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

BATCH: Final = 1000
AT_ONCE: Final = 50
SHELVES_MAX: Final = 10_000
SKUS_MAX: Final = 1000
SKUS_MIN: Final = 10
"""How much one question for a snapshot asks for, which may be of every store."""
POLL_S: Final = 1.0
HEARTBEAT_S: Final = 10.0
QUEUE_MAX: Final = 10_000
"""Events that a reader may be behind."""

HELLO: Final = b"retry: 1000\n\n"
HEARTBEAT: Final = b":\n\n"
RESET: Final = b"event: reset\ndata: {}\n\n"
UNFINISHED: Final = 0
"""The cursor of one who has not seen the whole snapshot yet: it brings the snapshot again."""
INVALID_CURSOR: Final = -1
CURSOR: Final = re.compile(r"[0-9]{1,18}")

log = structlog.get_logger("hylla.streams")


async def provide_last_event(request: Request[Any, Any, Any]) -> int | None:
    """The cursor in `Last-Event-ID`; one that we never gave is none that we know."""
    header = request.headers.get("last-event-id", "").strip()
    if not header:
        return None
    return int(header) if CURSOR.fullmatch(header) else INVALID_CURSOR


class Event(Struct, frozen=True):
    """A turn as it is sent; `early` where others of the same change follow."""

    turn: Update
    early: bytes
    last: bytes


def written(turn: Update, position: int) -> bytes:
    return b"id: %d\nevent: availability\ndata: %b\n\n" % (position, msgspec.json.encode(turn))


def events_of(turns: Iterable[Update], position: int) -> list[Event]:
    return [Event(turn, written(turn, position - 1), written(turn, position)) for turn in turns]


def format_cursor(events: Sequence[Event]) -> list[bytes]:
    """The events of one change that a reader is told of."""
    return [*(event.early for event in events[:-1]), *(event.last for event in events[-1:])]


def unfinished(turns: list[Update]) -> tuple[bytes, list[Update]]:
    """All but the last as events of a snapshot that goes on, and the last one."""
    return b"".join(written(turn, UNFINISHED) for turn in turns[:-1]), turns[-1:]


class StreamChunk(Struct, frozen=True):
    """A piece of a stream's beginning.

    Only its end bears a position to go on from, behind everything that was told; there is none
    before, nor where what was told is no longer true.
    """

    events: bytes
    position: int = INVALID_CURSOR


class Subscriber:
    """One open stream's queue."""

    def __init__(self, following: Subscription, most: int) -> None:
        self.following = following
        self.holds: Collection[HoldId] = following.holds
        self.warned: set[tuple[HoldId, datetime]] = set()
        self.open = True
        self.upset = False
        self._most = most
        self._events: list[bytes] = []
        self._ready = asyncio.Event()

    def put(self, events: Iterable[bytes]) -> None:
        """Add events to the queue; one that is full is closed, and takes none ever after."""
        if not self.open:
            return
        self._events.extend(events)
        if len(self._events) > self._most:
            self._events.clear()
            self.open = False
            log.info("a slow reader is sent away")
        self._ready.set()

    def close(self) -> None:
        """No more will come; what stands in the queue is still taken."""
        self.open = False
        self._ready.set()

    def begin_anew(self) -> None:
        """What stands in the queue is taken, and then all is to be told once more."""
        self.upset = True
        self.close()

    async def take(self) -> bytes:
        """Everything that waits, as soon as there is something; nothing at the end."""
        while not self._events and self.open:
            self._ready.clear()
            await self._ready.wait()
        events, self._events = self._events, []
        return b"".join(events)


class Streams:
    """Tails the feed for all readers of this process."""

    def __init__(
        self,
        units: Units,
        relay: ChangeRelay,
        *,
        telling: StockDisplayPolicy,
        aside: Units | None = None,
        heartbeat_s: float = HEARTBEAT_S,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self._units = units
        self._aside = aside or units
        self._relay = relay
        self._telling = telling
        self._heartbeat_s = heartbeat_s
        self._queue_max = queue_max
        self._rounds = PollLoop("streams", self._tail, every_s=POLL_S)
        self._open = False
        self._position = -1
        self._readers: dict[Sku | None, set[Subscriber]] = {}
        """By each SKU they follow; under None those who follow all."""
        self._channels = Counter[ChannelId]()
        """How many follow each."""
        relay.listeners.append(self._hear)

    @asynccontextmanager
    async def running(self, drain: Drain) -> AsyncIterator[None]:
        """Serve streams until the drain; then they end."""
        async with self._rounds:
            self._open = True
            beats = asyncio.create_task(self._beat(drain), name="heartbeat")
            try:
                yield
            finally:
                self._open = False
                beats.cancel()
                await asyncio.wait({beats})

    def _hear(self) -> None:
        """With nobody here, the clock is soon enough."""
        if self._readers:
            self._rounds.nudge()

    @property
    def count(self) -> int:
        return len(self._all())

    async def caught_up(self) -> None:
        """Until every change that was committed before this has been told.

        Raises:
            Busy: the database does not answer.
        """
        await self._relay.caught_up()
        await self._rounds.poll()

    async def must_know(self, channel: ChannelId) -> None:
        """Raises NoSuchChannel."""
        async with self._units.read() as unit:
            if channel not in await unit.inventory.sellable_stock.get_terms(()):
                raise UnknownChannel(channel, {"parameter": "channel", "in": "query"})

    async def follow(
        self, following: Subscription, cursor: int | None
    ) -> AsyncGenerator[bytes, None]:
        """The stream of a reader who has read up to `cursor`, or nothing yet."""
        yield HELLO
        upset = True
        while upset:
            async for begun in self._begun(following, cursor):
                if begun.events:
                    yield begun.events
            cursor, position = INVALID_CURSOR, begun.position
            heard = await self._heard(following)
            upset = position < 0
            while position < self._position and not upset:
                missed, position, upset = await self._missed(
                    following, heard, position, until=self._position
                )
                if events := b"".join(chain.from_iterable(map(format_cursor, missed))):
                    yield events
            if upset:
                continue
            # Nothing is awaited between the last look at the position and the joining.
            reader = self._join(following)
            try:
                while events := await reader.take():
                    yield events
            finally:
                self._leave(reader)
            upset = reader.upset

    async def _resumed(self, cursor: int | None) -> int | None:
        """The cursor, if everything behind it is still kept; None where a snapshot is needed."""
        if not cursor:
            return None
        async with self._units.read() as unit:
            oldest, newest = await unit.inventory.change_feed.get_span()
        return cursor if oldest - 1 <= cursor <= newest else None

    async def _begun(
        self, following: Subscription, cursor: int | None
    ) -> AsyncIterator[StreamChunk]:
        """Nothing where a cursor is good to go on from; otherwise how everything stands."""
        position = await self._resumed(cursor)
        if position is not None:
            yield StreamChunk(b"", position)
            return
        if cursor:
            yield StreamChunk(RESET)
        async for begun in self._afresh(following):
            yield begun

    async def _afresh(self, following: Subscription) -> AsyncIterator[StreamChunk]:
        """How everything stands, and what changed while that was told."""
        snapshot, held_back = Snapshot(), list[Update]()
        async for page in self._pages(following):
            snapshot.add(page.skus[0] if page.skus else "", page.moment)
            [turns] = page.heard.to(exact=following.exact)
            events, held_back = unfinished(held_back + turns)
            yield StreamChunk(events)
        position, until = snapshot.begin, await self._behind(snapshot)
        heard = await self._heard(following) if position < until else None
        while position < until:
            missed, position, upset = await self._missed(
                following, heard, position, until, snapshot
            )
            if upset:
                return
            turns = [event.turn for events in missed for event in events]
            events, held_back = unfinished(held_back + turns)
            yield StreamChunk(events)
        last = b"".join(written(turn, until) for turn in held_back)
        yield StreamChunk(last or b"id: %d\n\n" % until, until)

    async def _pages(self, following: Subscription) -> AsyncIterator[StockSnapshot]:
        """How everything stood, so many SKUs at a time that no answer is too long; one at least."""
        many = min(SKUS_MAX, SHELVES_MAX // len(following.stores)) if following.stores else SKUS_MIN
        after: Sku | None = ""
        while after is not None:
            page = await load_snapshot(
                self._units, following, after=after, limit=many, usual=self._telling
            )
            yield page
            after = page.skus[-1] if len(page.skus) == many else None

    async def _behind(self, snapshot: Snapshot) -> int:
        """A position behind everything a snapshot told, and not behind our own."""
        if not snapshot.waited and snapshot.end <= self._position:
            return snapshot.end
        await self.caught_up()
        return self._position

    async def _heard(self, following: Subscription) -> set[Sku] | None:
        if following.skus is None:
            return None
        return await with_kits_parts(self._units, following.skus)

    async def _missed(
        self,
        following: Subscription,
        heard: set[Sku] | None,
        position: int,
        until: int,
        told_by: Snapshot | None = None,
    ) -> tuple[list[list[Event]], int, bool]:
        """The next changes behind `position`, how far they go, and whether all is told anew.

        Each with its events, as far as they are wanted and a snapshot has not told them.
        """
        stores = following.stores
        async with self._units.read() as unit:
            if await unit.inventory.change_feed.list_republished(
                position, until, following.channel, stores
            ):
                return [], until, True
            changes = await unit.inventory.change_feed.list_after(
                position, BATCH, until=until, skus=heard, stores=stores
            )
        if not changes:
            return [], until, False
        story = await load_changes(self._units, changes, usual=self._telling)
        turns = story.heard(following.channel).to(exact=following.exact)
        missed: list[list[Event]] = []
        for change, mine in zip(changes, turns, strict=True):
            wanted = (
                turn
                for turn in mine
                if following.wants(turn) and not (told_by and told_by.knows(change, turn.sku))
            )
            missed.append(events_of(wanted, change.position))
        far = changes[-1].position if len(changes) == BATCH else until
        return missed, far, False

    def _join(self, following: Subscription) -> Subscriber:
        reader = Subscriber(following, self._queue_max)
        if not self._open:
            reader.close()
        self._channels[following.channel] += 1
        for sku in _names(following):
            self._readers.setdefault(sku, set()).add(reader)
        return reader

    def _leave(self, reader: Subscriber) -> None:
        self._channels -= Counter([reader.following.channel])
        for sku in _names(reader.following):
            self._readers[sku].discard(reader)
            if not self._readers[sku]:
                del self._readers[sku]

    def _all(self) -> set[Subscriber]:
        return set().union(*self._readers.values())

    async def _tail(self) -> None:
        """Tell what the feed has behind our position; with nobody here, only follow its end."""
        if not self._readers:
            async with self._aside.read() as unit:
                _, newest = await unit.inventory.change_feed.get_span()
            if not self._readers:
                self._position = newest
                return
        changes = await self._next()
        while changes:
            story = await load_changes(self._aside, changes, usual=self._telling)
            for start in range(0, len(changes), AT_ONCE):
                self._tell(story, slice(start, start + AT_ONCE))
                await asyncio.sleep(0)  # let others work while much is told to many
            changes = await self._next() if len(changes) == BATCH else []

    async def _next(self) -> list[StockChange]:
        async with self._aside.read() as unit:
            return await unit.inventory.change_feed.list_after(self._position, BATCH)

    def _tell(self, story: ChangeReader, part: slice) -> None:
        """Put every change into the queues of those who follow it, and be behind it."""
        changes = story.changes[part]
        upset = self._upset(changes, story)
        queues: dict[Subscriber, list[bytes]] = {}
        for channel in self._channels.keys() & story.terms.keys():
            heard = story.heard(channel)
            exact, shown = heard.to(exact=True, part=part), heard.to(exact=False, part=part)
            for change, plain, public in zip(changes, exact, shown, strict=True):
                at = change.position
                audience = self._audience(channel, events_of(plain, at), events_of(public, at))
                for reader, events in audience.items():
                    if at < upset.get(reader, at + 1):
                        queues.setdefault(reader, []).extend(format_cursor(events))
        for reader, written_out in queues.items():
            reader.put(written_out)
        for reader in upset:
            reader.begin_anew()
        self._position = changes[-1].position

    def _upset(self, changes: Sequence[StockChange], story: ChangeReader) -> dict[Subscriber, int]:
        """Who is to begin anew, and at which position what was told became untrue.

        So does whoever follows a channel that was not there yet when the story was written.
        """
        at = [change for change in changes if change.channel is not None]
        if not at and self._channels.keys() <= story.terms.keys():
            return {}
        upset: dict[Subscriber, int] = {}
        for reader in self._all():
            following = reader.following
            if following.channel not in story.terms:
                upset[reader] = changes[0].position
            elif mine := [one.position for one in at if following.is_upset_by(one)]:
                upset[reader] = mine[0]
        return upset

    def _audience(
        self, channel: ChannelId, exact: Sequence[Event], shown: Sequence[Event]
    ) -> dict[Subscriber, list[Event]]:
        """What each reader is told of one change, in words that it may hear."""
        audience: dict[Subscriber, list[Event]] = {}
        for plain, public in zip(exact, shown, strict=True):
            for reader in chain(self._readers.get(None, ()), self._readers.get(plain.turn.sku, ())):
                following = reader.following
                if following.channel == channel and following.wants(plain.turn):
                    audience.setdefault(reader, []).append(plain if following.exact else public)
        return audience

    async def _beat(self, drain: Drain) -> None:
        """Show every reader that its connection lives; at the drain, let them all go."""
        while await drain.first(asyncio.sleep(self._heartbeat_s, True)):
            readers = self._all()
            ends = await self._ends(readers)
            for reader in readers:
                reader.put([HEARTBEAT, *warnings(reader, ends)])
        self._open = False
        for reader in self._all():
            reader.close()

    async def _ends(self, readers: Collection[Subscriber]) -> dict[HoldId, Expiring]:
        """Of holds that end soon. Whatever goes wrong with that, the heart beats on."""
        try:
            return await expiring(self._units, readers)
        except Unavailable:
            log.info("holds are not looked at")
        except Exception:
            log.exception("holds are not looked at")
        return {}


def _names(following: Subscription) -> Iterable[Sku | None]:
    return [None] if following.skus is None else following.skus


def batched(skus: Sequence[Sku], many: int) -> Iterable[Sequence[Sku]]:
    return (skus[start : start + many] for start in range(0, len(skus), many))
