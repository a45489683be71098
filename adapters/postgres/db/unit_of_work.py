"""The unit of work: one pooled connection, one transaction of asyncpg's own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
from uuid_utils import uuid7

from adapters.postgres.administration.repositories.audit import PATIENCE, PostgresAudit
from adapters.postgres.administration.repositories.job_runs import PostgresSlots
from adapters.postgres.administration.repositories.outbox import PostgresOutbox
from adapters.postgres.administration.repositories.webhooks import PostgresWebhooks
from adapters.postgres.carts.repositories.carts import PostgresCarts
from adapters.postgres.carts.repositories.recently_viewed import PostgresViewed
from adapters.postgres.catalogue.repository import PostgresProducts
from adapters.postgres.contact.repository import PostgresConsents, PostgresPreferences
from adapters.postgres.customers.repository import PostgresCustomers
from adapters.postgres.db.urls import for_asyncpg
from adapters.postgres.follow_ups.repository import PostgresMessages
from adapters.postgres.foundation.repositories.access_denials import PostgresTrespasses
from adapters.postgres.foundation.repositories.api_keys import PostgresKeys
from adapters.postgres.foundation.repositories.idempotency import PostgresRequests
from adapters.postgres.fulfilment.repositories.allocations import PostgresAllocations
from adapters.postgres.fulfilment.repositories.fulfilments import PostgresGroups
from adapters.postgres.fulfilment.repositories.pickups import PostgresPickups
from adapters.postgres.fulfilment.repositories.shipments import PostgresShipments
from adapters.postgres.inventory.repositories.change_feed import PostgresFeed
from adapters.postgres.inventory.repositories.consignments import (
    DELIVERIES,
    TRANSFERS,
    PostgresConsignments,
    PostgresDeliveries,
    PostgresSupply,
)
from adapters.postgres.inventory.repositories.holds import PostgresHolds
from adapters.postgres.inventory.repositories.sales_channels import PostgresSalesChannels
from adapters.postgres.inventory.repositories.sellable_stock import PostgresSelling
from adapters.postgres.inventory.repositories.stock_levels import PostgresStock
from adapters.postgres.inventory.repositories.walk_ins import PostgresWalkIns
from adapters.postgres.loyalty.repositories.points import SHIPPED, PostgresPoints
from adapters.postgres.loyalty.repositories.rewards import PostgresRewards
from adapters.postgres.orders.repositories.orders import PostgresOrders
from adapters.postgres.orders.repositories.store_closing import PostgresClosing
from adapters.postgres.orders.repositories.timeline import PostgresTimeline
from adapters.postgres.payments.repository import PostgresAttempts
from adapters.postgres.pos.repositories.incidents import PostgresIncidents
from adapters.postgres.pos.repositories.receipts import PostgresSales
from adapters.postgres.pricing.repositories.price_rules import PostgresPriceRules
from adapters.postgres.pricing.repositories.prices import KnownRules, PostgresPrices
from adapters.postgres.returns.repository import PostgresReturns
from adapters.postgres.stores.repository import PostgresStores
from domain.carts.cart_rules import USUAL, CartRules
from domain.inventory.transfers import Transfer
from domain.kernel.errors import Busy, GaveWay, Locked
from domain.kernel.ids import Sku, spell
from domain.loyalty.points import Programme
from service.administration.ports import Audit, Outbox, Slots, Webhooks
from service.carts.ports import Carts, Viewed
from service.catalogue.ports import Products
from service.contact.ports import Consents, Preferences
from service.customers.ports import Customers
from service.follow_ups.ports import Messages
from service.foundation.ports import Keys, Requests, Trespasses
from service.fulfilment.ports import Allocations, Pickups, Shipments
from service.inventory.ports import (
    Consignments,
    Deliveries,
    Feed,
    Holds,
    SalesChannels,
    Selling,
    Stock,
    Supply,
    WalkIns,
)
from service.loyalty.ports import Points, Rewards
from service.orders.ports import Closing, Groups, Orders, Timeline
from service.payments.ports import Attempts
from service.pos.ports import Incidents, Sales
from service.pricing.ports import PriceRules, Prices, Rule
from service.returns.ports import Returns
from service.shared.unit_of_work import Unit
from service.stores.ports import Stores

Connection = Any
"""An asyncpg connection; the library has no types."""

LIMITS: Final = {
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "application_name": "hylla",
}
_UNDONE: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_TRANSIENT: Final = (
    asyncpg.OperatorInterventionError,  # it took too long, or the server is going down
    asyncpg.PostgresConnectionError,
)
_AWAY: Final = (
    OSError,  # nobody listens, or no connection is free in time
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


PATIENCE_S: Final = 10
"""How long to wait for a connection while all are in use."""
ONE_MOMENT: Final = {"isolation": "repeatable_read", "readonly": True}
LACKING: Final = "select to_regclass('alembic_version') is null"


def utc_now() -> datetime:
    return datetime.now(UTC)


class PostgresUnit:
    """One transaction, or one look, with every port on its connection."""

    def __init__(
        self,
        connection: Connection,
        now: datetime,
        *,
        programme: Programme,
        rules: CartRules,
        known: KnownRules,
        patience: timedelta,
    ) -> None:
        self.connection = connection
        self.now = now
        self.cart_rules = rules
        self.requests: Requests = PostgresRequests(connection, now)
        self.stores: Stores = PostgresStores(connection)
        self.closing: Closing = PostgresClosing(connection)
        self.sales_channels: SalesChannels = PostgresSalesChannels(connection)
        self.products: Products = PostgresProducts(connection)
        self.incidents: Incidents = PostgresIncidents(connection, now, self.new_id)
        self.sales: Sales = PostgresSales(connection, now)
        self.shelves = PostgresStock(connection, now, self.incidents)
        self.stock: Stock = self.shelves
        self.selling: Selling = PostgresSelling(connection, now)
        self.feed: Feed = PostgresFeed(connection)
        self.allocations: Allocations = PostgresAllocations(connection)
        self.holds: Holds = PostgresHolds(connection, now)
        self.prices: Prices = PostgresPrices(connection, known)
        self.carts: Carts = PostgresCarts(connection, now)
        self.viewed: Viewed = PostgresViewed(connection, now)
        self.orders: Orders = PostgresOrders(connection, now)
        self.groups: Groups = PostgresGroups(connection)
        self.pickups: Pickups = PostgresPickups(connection)
        self.shipments: Shipments = PostgresShipments(connection)
        self.attempts: Attempts = PostgresAttempts(connection, now)
        self.returns: Returns = PostgresReturns(connection)
        self.timeline: Timeline = PostgresTimeline(connection)
        self.transfers: Consignments[Transfer] = PostgresConsignments(connection, TRANSFERS)
        self.deliveries: Deliveries = PostgresDeliveries(connection, DELIVERIES)
        self.walk_ins: WalkIns = PostgresWalkIns(connection, now)
        self.supply: Supply = PostgresSupply(connection, now)
        self.customers: Customers = PostgresCustomers(connection, now, self.new_id)
        self.points: Points = PostgresPoints(connection, now, self.new_id, programme)
        self.rewards: Rewards = PostgresRewards(connection, now, programme)
        self.outbox: Outbox = PostgresOutbox(connection, now)
        self.keys: Keys = PostgresKeys(connection)
        self.webhooks: Webhooks = PostgresWebhooks(connection, now)
        self.trespasses: Trespasses = PostgresTrespasses(connection, now)
        self.preferences: Preferences = PostgresPreferences(connection, now)
        self.consents: Consents = PostgresConsents(connection)
        self.messages: Messages = PostgresMessages(connection)
        self.slots: Slots = PostgresSlots(connection)
        self.audit: Audit = PostgresAudit(connection, now, self.new_id, self.incidents, patience)

    def price_rules(self, kind: type[Rule]) -> PriceRules[Rule]:
        return PostgresPriceRules(self.connection, kind)

    @staticmethod
    def new_id(prefix: str) -> str:
        return spell(prefix, uuid7().int)


class PostgresUnits:
    """Opens units on connections. `clock` is the only clock the use cases see.

    `audit_patience` is how long an audit may look at one invariant.
    """

    def __init__(
        self,
        connections: "Connections",
        clock: Callable[[], datetime] = utc_now,
        programme: Programme = SHIPPED,
        cart_rules: CartRules = USUAL,
        audit_patience: timedelta = PATIENCE,
    ) -> None:
        self._connections = connections
        self._clock = clock
        self._programme = programme
        self._cart_rules = cart_rules
        self._audit_patience = audit_patience
        self._known = KnownRules()
        self.after_stock: list[Callable[[Collection[Sku]], None]] = []
        """Told which SKUs have changed whenever a transaction that changed stock was committed."""

    def begin(self) -> AbstractAsyncContextManager[Unit]:
        return self._open({})

    def read(self) -> AbstractAsyncContextManager[Unit]:
        return self._open(None)

    def snapshot(self) -> AbstractAsyncContextManager[Unit]:
        return self._open(ONE_MOMENT)

    @asynccontextmanager
    async def _open(self, transaction: Mapping[str, Any] | None) -> AsyncIterator[PostgresUnit]:
        """A unit in a transaction of that kind, or in none."""
        async with AsyncExitStack() as stack:
            try:
                raw = await stack.enter_async_context(self._connections.one())
            except _AWAY as trouble:
                raise Busy("The database cannot be reached; please try again.") from trouble
            try:
                unit = PostgresUnit(
                    raw,
                    self._clock(),
                    programme=self._programme,
                    rules=self._cart_rules,
                    known=self._known,
                    patience=self._audit_patience,
                )
                if transaction is None:
                    yield unit
                else:
                    async with raw.transaction(**transaction):
                        yield unit
            except _UNDONE as trouble:
                raise GaveWay("Somebody else is at it; please try again.") from trouble
            except asyncpg.LockNotAvailableError as trouble:
                raise Locked("Somebody else is at it; please try again.") from trouble
            except _TRANSIENT as trouble:
                raise Busy("Somebody else is at it; please try again.") from trouble
            except _AWAY as trouble:
                if not _is_lost(raw):
                    raise
                # Whether a commit was still heard nobody knows; a repeat with the same key does.
                raise Busy("The database went away; please try again.") from trouble
        if unit.shelves.changed:
            for listener in self.after_stock:
                listener(unit.shelves.changed)

    async def trouble(self) -> str | None:
        """Why nobody can work with the database; None when it answers with tables of ours."""
        try:
            async with self._open(None) as unit:
                lacking = await unit.connection.fetchval(LACKING)
        except (Busy, *_AWAY) as trouble:
            return type(trouble.__cause__ or trouble).__name__
        return "not_migrated" if lacking else None

    async def close(self) -> None:
        await self._connections.close()


class Connections:
    """The one pool of a process. It is opened in the event loop that first needs it."""

    def __init__(self, url: str, most: int) -> None:
        self._url = for_asyncpg(url)
        self._most = most
        self._pool: Any = None

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Connection]:
        """A connection for as long as it is needed; one that the server has closed is made anew.

        Raises:
            TimeoutError: none is free in time.
        """
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                self._url,
                min_size=0,
                max_size=self._most,
                max_inactive_connection_lifetime=0,
                server_settings=LIMITS,
                reset=_as_it_is,
            )
        async with asyncio.timeout(PATIENCE_S):
            connection = await self._pool.acquire()
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()


def _is_lost(connection: Connection) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool has taken back what is of no use any more
        return True


async def _as_it_is(_: Connection) -> None:
    """Nothing of a unit is left in its session: its settings end with its transaction."""


def connect(url: str, *, pool_size: int = 16) -> Connections:
    """Up to so many connections, made when they are needed."""
    return Connections(url, pool_size)
