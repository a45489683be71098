"""What lies where, who claims it, and how others learn of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.conditions import Condition, Conditions
from domain.feed import ANY, Changed, Moment
from domain.groups import Allocation
from domain.holds import Hold, HoldState
from domain.ids import (
    CartId,
    ChannelId,
    CustomerId,
    HoldId,
    MemberId,
    Sku,
    StoreId,
)
from domain.incidents import (
    Claim,
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    Short,
    Stranger,
)
from domain.sales import Book, Kept, ReceiptId, Trade
from domain.stock import Move, Movement, PastShelf, Place, Shelf
from domain.stocktaking import Told
from domain.walk_ins import Policy, Turn


class Stock(Protocol):
    """The one writer of stock."""

    async def of(
        self, skus: Collection[Sku], stores: Collection[StoreId] | None = None
    ) -> dict[Place, Shelf]:
        """The shelves of these SKUs, in these stores or everywhere, as they are now."""

    async def shelve(self, places: Collection[Place]) -> None:
        """Make an empty shelf wherever there is none; all are kept until the unit ends."""

    async def lock(
        self, places: Collection[Place], *, shelve: bool | Collection[Place] = False
    ) -> dict[Place, Shelf]:
        """The shelves as they are now, kept so until the unit ends.

        Absent ones are left out, or made empty where `shelve` says so, of all or of each.
        """

    async def apply(self, moves: Collection[Move]) -> dict[Place, Shelf]:
        """Add each change to its locked shelf, and write the goods that move to the ledger.

        Answers the shelves as they are after.
        """

    async def retell(self, skus: Collection[Sku]) -> None:
        """Tell of every shelf of these as of a change, since what is sold of it has changed.

        Where more is promised than is there of what is tracked, that is an incident from now on.
        """

    async def restate(
        self, *, channel: ChannelId = ANY, stores: Collection[StoreId] = (ANY,)
    ) -> None:
        """Have everything that was told of a channel, in these stores, told anew.

        For what changes more shelves than can be told of one by one.
        """

    async def moved_by(
        self, sources: Collection[tuple[str, Place]]
    ) -> dict[tuple[str, Place], tuple[str, int, Conditions]]:
        """Of each source that has moved goods at its place: the cause, and by how much."""

    async def conditions(
        self,
        skus: Collection[Sku],
        stores: Collection[StoreId] | None = None,
        *,
        at: datetime | None = None,
    ) -> dict[Place, dict[Condition, int]]:
        """How much of each is not for sale, and why: now, or as the ledger had it by then."""

    async def movements(
        self, sku: Sku, stores: Collection[StoreId] | None, *, before: int | None, limit: int
    ) -> list[Movement]:
        """The ledger of a SKU, newest first."""

    async def as_of(
        self, sku: Sku, stores: Collection[StoreId] | None, at: datetime
    ) -> list[PastShelf]:
        """What the ledger had recorded by a past instant, store by store."""

    async def moved_since(
        self, moments: Collection[tuple[Place, datetime]]
    ) -> dict[tuple[Place, datetime], int]:
        """Units added to each place by movements that happened after its moment."""

    async def told(self, places: Collection[Place]) -> dict[Place, Told]:
        """The last count that a file told of each place."""

    async def remember(self, told: Mapping[Place, Told]) -> None:
        """Keep each as what was last said of its place; a line of a file stays until the next."""


class Feed(Protocol):
    """The changes of all shelves, in the order in which they became true for everybody."""

    async def relay(self, limit: int) -> int:
        """Give positions to up to `limit` changes that wait for one; how many those were."""

    async def after(
        self,
        position: int,
        limit: int,
        *,
        until: int | None = None,
        skus: Collection[Sku] | None = None,
        stores: Collection[StoreId] | None = None,
    ) -> list[Changed]:
        """The first changes behind a position, of these SKUs and in these stores."""

    async def skus_after(self, position: int, limit: int) -> list[tuple[int, Sku]]:
        """As `after`, but only what has changed: position and SKU; ANY for what is told anew."""

    async def restated(
        self, after: int, until: int, channel: ChannelId, stores: Collection[StoreId] | None
    ) -> bool:
        """Whether something between these positions made what was told of a channel untrue."""

    async def moment(self, skus: Collection[Sku]) -> Moment:
        """Which changes the unit sees, as far as they are of these SKUs: see `Units.snapshot`."""

    async def span(self) -> tuple[int, int]:
        """The oldest position that is still kept, and the newest."""

    async def forget(self, before: datetime, keep: int, limit: int) -> int:
        """Forget up to `limit` that are older than that, or not among the newest `keep`."""


class Allocations(Protocol):
    async def write(self, allocations: Collection[Allocation]) -> None:
        """Keep each allocation as it is now; new ones are added."""


class Holds(Protocol):
    async def add(self, holds: Collection[Hold]) -> None: ...

    async def get(self, hold: HoldId) -> Hold:
        """Raises Missing."""

    async def take(self, hold: HoldId) -> Hold:
        """The hold, locked until the unit ends. Raises Missing."""

    async def take_all(self, holds: Collection[HoldId]) -> dict[HoldId, Hold]:
        """These holds, locked until the unit ends."""

    async def keep(self, hold: Hold) -> None:
        """Write a taken hold back, with what it claims."""

    async def close(self, holds: Collection[HoldId], state: HoldState) -> None:
        """End taken holds; they claim nothing any more."""

    async def take_of(
        self, members: Collection[MemberId], places: Collection[Place]
    ) -> list[tuple[MemberId, Hold]]:
        """What members hold at these places now, the oldest first, locked until the unit ends.

        What they are paying for elsewhere is left out.
        """

    async def take_of_carts(self, carts: Collection[CartId]) -> list[Hold]:
        """Active holds of taken carts, locked until the unit ends."""

    async def take_lapsed(self, now: datetime, limit: int) -> list[Hold]:
        """Active ones whose time is over and that nobody has locked, locked for us."""

    async def ending(
        self, after: datetime, until: datetime, skus: Collection[Sku] | None = None
    ) -> dict[Sku, datetime]:
        """When, between these two moments, the first hold on each SKU ends."""

    async def ends(self, holds: Collection[HoldId], *, until: datetime) -> dict[HoldId, datetime]:
        """When those of them that still count will end, where that is by `until`."""

    async def held_by(
        self, customers: Collection[CustomerId], skus: Collection[Sku]
    ) -> dict[tuple[CustomerId, Sku], int]:
        """Units each customer holds of each SKU, everywhere; the customers are locked."""


class Sales(Protocol):
    """Receipts of tills, each of them once and for ever."""

    async def record(self, books: Collection[Book]) -> set[ReceiptId]:
        """Write down receipts, each id once; answers those that are new.

        Each is locked until the unit ends, and so is each sale that a return names.
        """

    async def kept(self, receipts: Collection[ReceiptId]) -> dict[ReceiptId, Kept]:
        """What is known under these ids."""

    async def returned(self, sales: Collection[ReceiptId]) -> set[ReceiptId]:
        """Which of these sales a return has named."""

    async def trades(self, sales: Collection[ReceiptId]) -> Sequence[Trade]:
        """These sales, and every return that names one of them."""


class WalkIns(Protocol):
    """What stores keep back for people who walk in."""

    async def decide(self, store: StoreId, policy: Policy) -> None:
        """It is the store's from now on, and the store's turn comes at once."""

    async def policy(self, store: StoreId) -> Policy:
        """The one that is switched off, where nobody has decided."""

    async def take_turn(self) -> Turn | None:
        """A store whose shelves are not set for its hour, locked until the unit ends."""

    async def expected(self, turn: Turn) -> dict[Sku, int]:
        """What tills sold on average in this hour of the week; nothing of what they did not."""

    async def by_hand(self, store: StoreId) -> dict[Sku, int]:
        """The safety stock that shelves had before more was kept back for walk-ins."""

    async def keep(self, turn: Turn, raised: Mapping[Sku, int]) -> None:
        """The shelves are set for the hour; `raised` are now those with more than by hand."""

    async def forget(self, places: Collection[Place]) -> None:
        """Somebody has set these by hand."""


class Incidents(Protocol):
    """What is out of order. `Stock.apply` opens and settles the incidents of what is oversold."""

    async def meet(self, strangers: Collection[Stranger]) -> None:
        """Open an incident for each thing that nobody knows, or add to the one that is open."""

    async def open(self, kind: IncidentKind, places: Collection[Place]) -> None:
        """Open an incident at each place where none of the kind is open."""

    async def settle(self, kind: IncidentKind, well: Mapping[Place, datetime | None]) -> None:
        """What was open at these places was in order again: at a moment of each, or by now."""

    async def get(self, incident: IncidentId) -> Incident:
        """Raises IncidentMissing."""

    async def take(self, incident: IncidentId) -> Incident:
        """The incident, locked until the unit ends. Raises IncidentMissing."""

    async def keep(self, incident: Incident) -> None:
        """Write a taken incident back."""

    async def page(
        self,
        store: StoreId,
        states: Collection[IncidentState],
        *,
        after: IncidentId | None,
        limit: int,
    ) -> Sequence[Incident]:
        """A store's incidents in one of these states, oldest first."""

    async def claims(self, places: Collection[Place]) -> Sequence[Claim]:
        """What orders wait for at these places."""

    async def short(self, places: Collection[Place]) -> Sequence[Short]:
        """Those of these shelves, of what is tracked, where less lies than orders are promised."""
