"""Ports of inventory: stock levels, holds, inbound goods, sales channels and the change feed."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from domain.inventory.change_feed import ANY, FeedPosition, StockChange
from domain.inventory.conditions import Condition, Conditions
from domain.inventory.consignments import Consignment, Incoming
from domain.inventory.deliveries import Delivery
from domain.inventory.holds import Hold, HoldState
from domain.inventory.sales_channels import ChannelPolicy, ChannelTerms, SalesChannel, SkuBuffer
from domain.inventory.stock_levels import (
    StockKey,
    StockLevel,
    StockLevelAsOf,
    StockMovement,
    StockPosting,
)
from domain.inventory.stocktaking import Report
from domain.inventory.walk_ins import WalkInPolicy, WalkInTurn
from domain.kernel.ids import CartId, ChannelId, CustomerId, HoldId, MemberId, Sku, StoreId

C = TypeVar("C", bound=Consignment)
Entry = TypeVar("Entry")


class Consignments(Protocol[C]):
    """Deliveries, or transfers. Units still due from a saved one are `incoming` at once."""

    async def add(self, consignment: C) -> None: ...

    async def get(self, consignment: str) -> C:
        """Raises NotFound."""

    async def get_for_update(self, consignment: str) -> C:
        """The consignment, locked until the unit ends. Raises NotFound."""

    async def update(self, consignment: C) -> None:
        """Write a taken one back."""

    async def list_page(
        self,
        stores: Collection[StoreId] | None,
        states: Collection[StrEnum],
        *,
        after: str | None,
        limit: int,
    ) -> Sequence[C]:
        """Those of these stores, or all, in one of these states; oldest first."""


class Deliveries(Consignments[Delivery], Protocol):
    async def get_reported_for_update(self, external_ids: Collection[str]) -> dict[str, Delivery]:
        """Deliveries reported by files, locked until the unit ends; no other file reports any."""

    async def upsert(self, deliveries: Mapping[str, Delivery]) -> None:
        """Write new and taken ones, by the names that files give them."""


class Supply(Protocol):
    async def list_incoming(
        self,
        skus: Collection[Sku],
        stores: Collection[StoreId] | None = None,
        *,
        by: date | None = None,
    ) -> list[Incoming]:
        """Incoming units of these stores, or of all; the earliest day first, unknown days last.

        With `by`, only units due from the store's own today until that day: late units may or may
        not arrive, until a new day is given for them.
        """


class SellableStock(Protocol):
    """The stock that a channel may sell."""

    async def get_for_channel(
        self,
        channel: ChannelId,
        skus: Collection[Sku],
        stores: Collection[StoreId] | None = None,
    ) -> tuple[ChannelTerms, dict[StockKey, StockLevel]] | None:
        """The stock levels of these SKUs, and a channel's terms; None for an unknown channel."""

    async def get_terms(self, places: Collection[StockKey]) -> dict[ChannelId, ChannelTerms]:
        """The terms on which each existing channel sells at these locations now."""

    async def get_for_update(
        self, places: Collection[StockKey], channels: Collection[ChannelId]
    ) -> tuple[dict[StockKey, StockLevel], dict[ChannelId, ChannelTerms]]:
        """The levels, locked as by `StockLevels`, and the terms of the channels that exist."""


class SalesChannels(Protocol):
    async def list_policies(self) -> dict[ChannelId, ChannelPolicy]:
        """Every channel there is, by its name."""

    async def get_policy_for_update(self, channel: ChannelId) -> ChannelPolicy | None:
        """The channel's policy, locked until the unit ends; None where there is no such channel."""

    async def upsert(self, channel: SalesChannel) -> None:
        """Write the channel, new or known, as it is now."""

    async def get_buffers(self, channel: ChannelId, skus: Collection[Sku]) -> dict[Sku, int]:
        """The buffers that these have of their own in a channel."""

    async def list_buffers(
        self, channel: ChannelId, *, after: Sku, limit: int
    ) -> Sequence[SkuBuffer]:
        """All that SKUs have of their own in a channel, in order, from the one behind `after`."""

    async def set_buffers(self, channel: ChannelId, units: Mapping[Sku, int | None]) -> None:
        """Give SKUs a buffer of their own in a locked channel; None takes it away."""


class StockLevels(Protocol):
    """The one writer of stock."""

    async def list_by_skus(
        self, skus: Collection[Sku], stores: Collection[StoreId] | None = None
    ) -> dict[StockKey, StockLevel]:
        """The current stock levels of these SKUs, in these stores or in all stores."""

    async def create_missing(self, places: Collection[StockKey]) -> None:
        """Creates an empty stock level where there is none; all are locked until the unit ends."""

    async def get_for_update(
        self, places: Collection[StockKey], *, shelve: bool | Collection[StockKey] = False
    ) -> dict[StockKey, StockLevel]:
        """The current stock levels, locked until the unit ends.

        Absent ones are left out, or created empty where `shelve` asks for it, of all or of each.
        """

    async def apply(self, moves: Collection[StockPosting]) -> dict[StockKey, StockLevel]:
        """Adds each change to its locked stock level, and writes the moved goods to the ledger.

        Returns the stock levels after the changes.
        """

    async def republish(self, skus: Collection[Sku]) -> None:
        """Publishes a change of all stock levels of these SKUs: their sellable units have changed.

        Where more units of a tracked SKU are promised than exist, an incident is open from now on.
        """

    async def republish_channel(
        self, *, channel: ChannelId = ANY, stores: Collection[StoreId] = (ANY,)
    ) -> None:
        """Publishes all stock levels of a channel, in these stores, again.

        For changes that affect too many stock levels to publish them one by one.
        """

    async def get_posted(
        self, sources: Collection[tuple[str, StockKey]]
    ) -> dict[tuple[str, StockKey], tuple[str, int, Conditions]]:
        """Of each source that has moved goods at its place: the cause, and by how much."""

    async def get_conditions(
        self,
        skus: Collection[Sku],
        stores: Collection[StoreId] | None = None,
        *,
        at: datetime | None = None,
    ) -> dict[StockKey, dict[Condition, int]]:
        """The units of each that are not for sale, by reason: now, or in the ledger by then."""

    async def list_movements(
        self, sku: Sku, stores: Collection[StoreId] | None, *, before: int | None, limit: int
    ) -> list[StockMovement]:
        """The ledger of a SKU, newest first."""

    async def get_as_of(
        self, sku: Sku, stores: Collection[StoreId] | None, at: datetime
    ) -> list[StockLevelAsOf]:
        """The units that the ledger had recorded by a past instant, store by store."""

    async def sum_since(
        self, moments: Collection[tuple[StockKey, datetime]]
    ) -> dict[tuple[StockKey, datetime], int]:
        """Units added to each place by movements that happened after its moment."""

    async def get_reported(self, places: Collection[StockKey]) -> dict[StockKey, Report]:
        """The last count that a file reported for each location."""

    async def save_reported(self, told: Mapping[StockKey, Report]) -> None:
        """Saves each as the last report of its location; a line of a file stays until the next."""


class ChangeFeed(Protocol):
    """The changes of all stock levels, in the order in which they became visible to all readers."""

    async def relay(self, limit: int) -> int:
        """Give positions to up to `limit` changes that wait for one; how many those were."""

    async def list_after(
        self,
        position: int,
        limit: int,
        *,
        until: int | None = None,
        skus: Collection[Sku] | None = None,
        stores: Collection[StoreId] | None = None,
    ) -> list[StockChange]:
        """The first changes behind a position, of these SKUs and in these stores."""

    async def list_skus_after(self, position: int, limit: int) -> list[tuple[int, Sku]]:
        """Like `after`, but only position and SKU of each change; ANY for a republished channel."""

    async def list_republished(
        self, after: int, until: int, channel: ChannelId, stores: Collection[StoreId] | None
    ) -> bool:
        """Whether a change between these positions invalidated a channel's published levels."""

    async def get_position(self, skus: Collection[Sku]) -> FeedPosition:
        """Which changes the unit sees, as far as they are of these SKUs: see `Units.snapshot`."""

    async def get_span(self) -> tuple[int, int]:
        """The oldest position that is still stored, and the newest."""

    async def purge(self, before: datetime, keep: int, limit: int) -> int:
        """Forget up to `limit` that are older than that, or not among the newest `keep`."""


class Holds(Protocol):
    async def add(self, holds: Collection[Hold]) -> None: ...

    async def get(self, hold: HoldId) -> Hold:
        """Raises NotFound."""

    async def get_for_update(self, hold: HoldId) -> Hold:
        """The hold, locked until the unit ends. Raises NotFound."""

    async def get_many_for_update(self, holds: Collection[HoldId]) -> dict[HoldId, Hold]:
        """These holds, locked until the unit ends."""

    async def update(self, hold: Hold) -> None:
        """Writes a locked hold back, with the units it claims."""

    async def close(self, holds: Collection[HoldId], state: HoldState) -> None:
        """End taken holds; they claim nothing any more."""

    async def get_by_members_for_update(
        self, members: Collection[MemberId], places: Collection[StockKey]
    ) -> list[tuple[MemberId, Hold]]:
        """The members' holds at these locations now, the oldest first, locked until the unit ends.

        Holds with a payment under way elsewhere are left out.
        """

    async def get_by_carts_for_update(self, carts: Collection[CartId]) -> list[Hold]:
        """Active holds of taken carts, locked until the unit ends."""

    async def get_lapsed_for_update(self, now: datetime, limit: int) -> list[Hold]:
        """Expired active holds that no other unit has locked, locked for the caller."""

    async def list_ending(
        self, after: datetime, until: datetime, skus: Collection[Sku] | None = None
    ) -> dict[Sku, datetime]:
        """When, between these two moments, the first hold on each SKU ends."""

    async def get_ends(
        self, holds: Collection[HoldId], *, until: datetime
    ) -> dict[HoldId, datetime]:
        """When those of them that still count will end, where that is by `until`."""

    async def sum_held_by(
        self, customers: Collection[CustomerId], skus: Collection[Sku]
    ) -> dict[tuple[CustomerId, Sku], int]:
        """Units each customer holds of each SKU, everywhere; the customers are locked."""


class WalkInDemand(Protocol):
    """The stock that stores reserve for walk-in customers."""

    async def set_policy(self, store: StoreId, policy: WalkInPolicy) -> None:
        """It is the store's from now on, and the store's turn comes at once."""

    async def get_policy(self, store: StoreId) -> WalkInPolicy:
        """The policy; one that is switched off where none was saved."""

    async def lock_next_turn(self) -> WalkInTurn | None:
        """A store whose stock levels are not set for its hour, locked until the unit ends."""

    async def get_expected(self, turn: WalkInTurn) -> dict[Sku, int]:
        """The average units sold by tills in this hour of the week; only SKUs with sales."""

    async def get_manual(self, store: StoreId) -> dict[Sku, int]:
        """The safety stock of the stock levels before it was raised for walk-in customers."""

    async def save(self, turn: WalkInTurn, raised: Mapping[Sku, int]) -> None:
        """Saves that the hour is set; `raised` are the stock levels above their manual setting."""

    async def purge(self, places: Collection[StockKey]) -> None:
        """Removes the raised values of these stock levels, because they were set by hand."""


class ChangeRelay(Protocol):
    """Gives changes their positions; calls `listeners` whenever the feed may have grown."""

    listeners: list[Callable[[], None]]

    async def caught_up(self) -> None:
        """Until everything that was committed before this has its position. Raises Unavailable."""


class CacheMiss(Exception):
    """The cache has no answer that is certainly true now."""


class AvailabilityCache(Protocol[Entry]):
    """A cache of encoded availability answers in a worker's memory; never used to decide a write.

    `exact` selects the figures that staff see, instead of those of the sales channel.
    """

    def get(self, skus: Sequence[Sku], *, exact: bool) -> Sequence[Entry] | None:
        """The entries of these SKUs where all are fresh; None otherwise."""

    async def load(self, skus: Sequence[Sku], *, exact: bool) -> Sequence[Entry]:
        """The entries of these SKUs, read where they are not fresh; unknown SKUs are left out.

        Raises:
            Unavailable: the database does not answer.
        """

    def as_of(self, shown: Iterable[Entry]) -> datetime:
        """The instant for which an answer made of these entries is true."""

    def encoded(self, shown: Entry, *, exact: bool) -> tuple[bytes, str]:
        """The encoded answer for every store that has stock, and its tag. Raises CacheMiss."""

    def encoded_for(self, shown: Entry, stores: Sequence[StoreId], *, exact: bool) -> bytes:
        """The encoded answer for these stores. Raises CacheMiss."""

    def stores_with_stock(self, shown: Iterable[Entry], *, exact: bool) -> Sequence[StoreId]:
        """The stores that have stock of any of these entries."""
