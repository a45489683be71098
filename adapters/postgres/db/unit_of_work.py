"""The unit of work: one pooled connection, one transaction of asyncpg's own."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import asyncpg
from uuid_utils import uuid7

from adapters.postgres.administration.repositories.audit import PATIENCE
from adapters.postgres.db import repositories
from adapters.postgres.db.pool import ConnectionPool, is_lost
from adapters.postgres.loyalty.repositories.points import SHIPPED
from adapters.postgres.pricing.repositories.prices import KnownRules
from domain.carts.cart_rules import DEFAULT_CART_RULES, CartRules
from domain.kernel.errors import Locked, TransactionConflict, Unavailable
from domain.kernel.ids import Sku, format_id
from domain.loyalty.points import LoyaltyProgramme
from service.shared import unit_of_work as ports
from service.shared.unit_of_work import Unit

_CONFLICTS: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_TRANSIENT: Final = (
    asyncpg.OperatorInterventionError,  # a statement timeout, or the server is shutting down
    asyncpg.PostgresConnectionError,
)
_UNREACHABLE: Final = (
    OSError,  # the server does not listen, or no connection is free in time
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
SNAPSHOT: Final = {"isolation": "repeatable_read", "readonly": True}
NOT_MIGRATED: Final = "select to_regclass('alembic_version') is null"
RETRY: Final = "The resource is locked by another request; please try again."
"""A client may send the same request again, with the same Idempotency-Key."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class PostgresUnit:
    """One transaction, or one read, with the repositories of every context."""

    def __init__(self, session: repositories.Session, cart_rules: CartRules) -> None:
        self.session = session
        self.connection = session.connection
        self.now = session.now
        self.cart_rules = cart_rules

    @staticmethod
    def new_id(prefix: str) -> str:
        return format_id(prefix, uuid7().int)

    @cached_property
    def foundation(self) -> ports.FoundationRepositories:
        return repositories.PostgresFoundation(self.session)

    @cached_property
    def catalogue(self) -> ports.CatalogueRepositories:
        return repositories.PostgresCatalogue(self.session)

    @cached_property
    def stores(self) -> ports.StoresRepositories:
        return repositories.PostgresStoreRepositories(self.session)

    @cached_property
    def customers(self) -> ports.CustomersRepositories:
        return repositories.PostgresCustomerRepositories(self.session)

    @cached_property
    def contact(self) -> ports.ContactRepositories:
        return repositories.PostgresContact(self.session)

    @cached_property
    def loyalty(self) -> ports.LoyaltyRepositories:
        return repositories.PostgresLoyalty(self.session)

    @cached_property
    def inventory(self) -> ports.InventoryRepositories:
        return repositories.PostgresInventory(self.session)

    @cached_property
    def pricing(self) -> ports.PricingRepositories:
        return repositories.PostgresPricing(self.session)

    @cached_property
    def payments(self) -> ports.PaymentsRepositories:
        return repositories.PostgresPayments(self.session)

    @cached_property
    def fulfilment(self) -> ports.FulfilmentRepositories:
        return repositories.PostgresFulfilment(self.session)

    @cached_property
    def carts(self) -> ports.CartsRepositories:
        return repositories.PostgresCartRepositories(self.session)

    @cached_property
    def orders(self) -> ports.OrdersRepositories:
        return repositories.PostgresOrderRepositories(self.session)

    @cached_property
    def pos(self) -> ports.PosRepositories:
        return repositories.PostgresPos(self.session)

    @cached_property
    def returns(self) -> ports.ReturnsRepositories:
        return repositories.PostgresReturnRepositories(self.session)

    @cached_property
    def follow_ups(self) -> ports.FollowUpsRepositories:
        return repositories.PostgresFollowUps(self.session)

    @cached_property
    def administration(self) -> ports.AdministrationRepositories:
        return repositories.PostgresAdministration(self.session)


class PostgresUnits:
    """Opens units of work. `clock` is the only clock that use cases see.

    `audit_timeout` is how long the audit may check one invariant.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        clock: Callable[[], datetime] = utc_now,
        programme: LoyaltyProgramme = SHIPPED,
        cart_rules: CartRules = DEFAULT_CART_RULES,
        audit_timeout: timedelta = PATIENCE,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._programme = programme
        self._cart_rules = cart_rules
        self._audit_timeout = audit_timeout
        self._known_rules = KnownRules()
        self.after_stock_change: list[Callable[[Collection[Sku]], None]] = []
        """Called with the changed SKUs after each commit of a unit that changed stock."""

    def begin(self) -> AbstractAsyncContextManager[Unit]:
        return self._open({})

    def read(self) -> AbstractAsyncContextManager[Unit]:
        return self._open(None)

    def snapshot(self) -> AbstractAsyncContextManager[Unit]:
        return self._open(SNAPSHOT)

    @asynccontextmanager
    async def _open(self, transaction: Mapping[str, Any] | None) -> AsyncIterator[PostgresUnit]:
        """A unit in a transaction with these settings, or without a transaction."""
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(self._pool.acquire())
            except _UNREACHABLE as error:
                raise Unavailable("The database cannot be reached; please try again.") from error
            unit = self._unit(connection)
            with _domain_errors(connection):
                if transaction is None:
                    yield unit
                else:
                    async with connection.transaction(**transaction):
                        yield unit
        if unit.session.changed_skus:
            for listener in self.after_stock_change:
                listener(unit.session.changed_skus)

    def _unit(self, connection: Any) -> PostgresUnit:
        session = repositories.Session(
            connection,
            self._clock(),
            PostgresUnit.new_id,
            self._programme,
            self._known_rules,
            self._audit_timeout,
        )
        return PostgresUnit(session, self._cart_rules)

    async def get_health_problem(self) -> str | None:
        """Returns the reason the database is unusable, or None where it answers and is migrated."""
        try:
            async with self._open(None) as unit:
                not_migrated = await unit.connection.fetchval(NOT_MIGRATED)
        except (Unavailable, *_UNREACHABLE) as error:
            return type(error.__cause__ or error).__name__
        return "not_migrated" if not_migrated else None

    async def close(self) -> None:
        await self._pool.close()


@contextmanager
def _domain_errors(connection: Any) -> Iterator[None]:
    """Raises the domain's error for a transient error of PostgreSQL."""
    try:
        yield
    except _CONFLICTS as error:
        raise TransactionConflict(RETRY) from error
    except asyncpg.LockNotAvailableError as error:
        raise Locked(RETRY) from error
    except _TRANSIENT as error:
        raise Unavailable(RETRY) from error
    except _UNREACHABLE as error:
        if not is_lost(connection):
            raise
        # The commit may have succeeded; a repeat with the same Idempotency-Key finds out.
        raise Unavailable("The connection to the database was lost; please try again.") from error
