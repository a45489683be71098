"""The unit of work: one pooled connection, one transaction of asyncpg's own.

The engine is in AUTOCOMMIT and the transaction is opened on the raw connection, so that constant
SQL text and SQLAlchemy statements share it and nothing slips out of it.
"""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from uuid_utils import uuid7

from adapters.postgres.allocations import PostgresAllocations
from adapters.postgres.audit import PostgresAudit
from adapters.postgres.carts import PostgresCarts
from adapters.postgres.consignments import (
    DELIVERIES,
    TRANSFERS,
    PostgresConsignments,
    PostgresSupply,
)
from adapters.postgres.customers import PostgresCustomers
from adapters.postgres.feed import PostgresFeed
from adapters.postgres.holds import PostgresHolds
from adapters.postgres.incidents import PostgresIncidents
from adapters.postgres.keys import PostgresKeys
from adapters.postgres.messages import PostgresMessages
from adapters.postgres.orders import PostgresOrders
from adapters.postgres.outbox import PostgresOutbox
from adapters.postgres.pickups import PostgresPickups
from adapters.postgres.points import SHIPPED, PostgresPoints
from adapters.postgres.preferences import PostgresConsents, PostgresPreferences
from adapters.postgres.products import PostgresProducts
from adapters.postgres.requests import PostgresRequests
from adapters.postgres.rewards import PostgresRewards
from adapters.postgres.sales import PostgresSales
from adapters.postgres.slots import PostgresSlots
from adapters.postgres.stock import PostgresStock
from adapters.postgres.stores import PostgresStores
from adapters.postgres.trespasses import PostgresTrespasses
from adapters.postgres.walk_ins import PostgresWalkIns
from adapters.postgres.webhooks import PostgresWebhooks
from domain.deliveries import Delivery
from domain.ids import Sku, spell
from domain.points import Programme
from domain.refusals import Busy, GaveWay
from domain.transfers import Transfer
from service.ports.callers import Keys, Trespasses
from service.ports.catalogue import Products, Stores
from service.ports.following import Messages, Outbox, Slots, Webhooks
from service.ports.incoming import Consignments, Supply
from service.ports.people import Consents, Customers, Points, Preferences, Rewards
from service.ports.requests import Requests
from service.ports.shopping import Carts, Orders, Pickups
from service.ports.stock import Allocations, Feed, Holds, Incidents, Sales, Stock, WalkIns
from service.ports.unit import Audit, Unit

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
    asyncpg.LockNotAvailableError,
    asyncpg.OperatorInterventionError,  # it took too long, or the server is going down
    asyncpg.PostgresConnectionError,
)
_AWAY: Final = (
    OSError,
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


LACKING: Final = "select to_regclass('alembic_version') is null"


def utc_now() -> datetime:
    return datetime.now(UTC)


class PostgresUnit:
    """One transaction, or one look, with every port on its connection."""

    def __init__(self, connection: Connection, now: datetime, programme: Programme) -> None:
        self.connection = connection
        self.now = now
        self.requests: Requests = PostgresRequests(connection, now)
        self.stores: Stores = PostgresStores(connection)
        self.products: Products = PostgresProducts(connection)
        self.incidents: Incidents = PostgresIncidents(connection, now, self.new_id)
        self.sales: Sales = PostgresSales(connection, now)
        self.shelves = PostgresStock(connection, now, self.incidents)
        self.stock: Stock = self.shelves
        self.feed: Feed = PostgresFeed(connection)
        self.allocations: Allocations = PostgresAllocations(connection)
        self.holds: Holds = PostgresHolds(connection, now)
        self.carts: Carts = PostgresCarts(connection)
        self.orders: Orders = PostgresOrders(connection)
        self.pickups: Pickups = PostgresPickups(connection)
        self.transfers: Consignments[Transfer] = PostgresConsignments(connection, TRANSFERS)
        self.deliveries: Consignments[Delivery] = PostgresConsignments(connection, DELIVERIES)
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
        self.audit: Audit = PostgresAudit(connection, now)

    @staticmethod
    def new_id(prefix: str) -> str:
        return spell(prefix, uuid7().int)


class PostgresUnits:
    """Opens units on one engine. `clock` is the only clock the use cases see."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Callable[[], datetime] = utc_now,
        programme: Programme = SHIPPED,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._programme = programme
        self.after_stock: list[Callable[[Collection[Sku]], None]] = []
        """Told which SKUs have changed whenever a transaction that changed stock was committed."""

    def begin(self) -> AbstractAsyncContextManager[Unit]:
        return self._open(transaction=True)

    def read(self) -> AbstractAsyncContextManager[Unit]:
        return self._open(transaction=False)

    @asynccontextmanager
    async def _open(self, *, transaction: bool) -> AsyncIterator[PostgresUnit]:
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(self._engine.connect())
                raw = await _alive(connection)
            except _AWAY as trouble:
                raise Busy("The database cannot be reached; please try again.") from trouble
            try:
                unit = PostgresUnit(raw, self._clock(), self._programme)
                if transaction:
                    async with raw.transaction():
                        yield unit
                else:
                    yield unit
            except _UNDONE as trouble:
                raise GaveWay("Somebody else is at it; please try again.") from trouble
            except _TRANSIENT as trouble:
                raise Busy("Somebody else is at it; please try again.") from trouble
            except _AWAY as trouble:
                if not raw.is_closed():
                    raise
                # Whether a commit was still heard nobody knows; a repeat with the same key does.
                raise Busy("The database went away; please try again.") from trouble
        if unit.shelves.changed:
            for listener in self.after_stock:
                listener(unit.shelves.changed)

    async def trouble(self) -> str | None:
        """Why nobody can work with the database; None when it answers with tables of ours."""
        try:
            async with self._open(transaction=False) as unit:
                lacking = await unit.connection.fetchval(LACKING)
        except (Busy, *_AWAY) as trouble:
            return type(trouble.__cause__ or trouble).__name__
        return "not_migrated" if lacking else None

    async def close(self) -> None:
        await self._engine.dispose()


async def _alive(connection: AsyncConnection) -> Connection:
    """The raw connection. Pooled ones that the server has closed meanwhile are thrown away."""
    raw = (await connection.get_raw_connection()).driver_connection
    while raw is not None and raw.is_closed():
        await connection.invalidate()
        raw = (await connection.get_raw_connection()).driver_connection
    return raw


def connect(url: str, *, pool_size: int = 16) -> AsyncEngine:
    """The one engine of a process. `url` is in SQLAlchemy's form."""
    return create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        connect_args={"server_settings": LIMITS},
        json_deserializer=str,  # documents stay text until msgspec decodes them as what they are
    )
