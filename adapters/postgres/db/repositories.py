"""The repositories of each context, made on one connection when they are first used."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from adapters.postgres.administration.repositories.audit import PostgresAudit
from adapters.postgres.administration.repositories.job_runs import PostgresJobRuns
from adapters.postgres.administration.repositories.outbox import PostgresOutbox
from adapters.postgres.administration.repositories.webhooks import PostgresWebhooks
from adapters.postgres.carts.repositories.carts import PostgresCarts
from adapters.postgres.carts.repositories.recently_viewed import PostgresRecentlyViewed
from adapters.postgres.catalogue.repository import PostgresProducts
from adapters.postgres.contact.repository import PostgresConsents, PostgresPreferences
from adapters.postgres.customers.repository import PostgresCustomers
from adapters.postgres.follow_ups.repository import PostgresMessages
from adapters.postgres.foundation.repositories.access_denials import PostgresAccessDenials
from adapters.postgres.foundation.repositories.api_keys import PostgresApiKeys
from adapters.postgres.foundation.repositories.idempotency import PostgresIdempotencyStore
from adapters.postgres.fulfilment.repositories.allocations import PostgresAllocations
from adapters.postgres.fulfilment.repositories.fulfilments import PostgresFulfilmentProgress
from adapters.postgres.fulfilment.repositories.pickups import PostgresPickups
from adapters.postgres.fulfilment.repositories.shipments import PostgresShipments
from adapters.postgres.inventory.repositories.change_feed import PostgresChangeFeed
from adapters.postgres.inventory.repositories.consignments import (
    DELIVERIES,
    TRANSFERS,
    PostgresConsignments,
    PostgresDeliveries,
    PostgresSupply,
)
from adapters.postgres.inventory.repositories.holds import PostgresHolds
from adapters.postgres.inventory.repositories.sales_channels import PostgresSalesChannels
from adapters.postgres.inventory.repositories.sellable_stock import PostgresSellableStock
from adapters.postgres.inventory.repositories.stock_levels import PostgresStockLevels
from adapters.postgres.inventory.repositories.walk_ins import PostgresWalkInDemand
from adapters.postgres.loyalty.repositories.points import PostgresPoints
from adapters.postgres.loyalty.repositories.rewards import PostgresRewards
from adapters.postgres.orders.repositories.orders import PostgresOrders
from adapters.postgres.orders.repositories.store_closing import PostgresStoreClosing
from adapters.postgres.orders.repositories.timeline import PostgresTimeline
from adapters.postgres.payments.repository import PostgresPaymentAttempts
from adapters.postgres.pos.repositories.incidents import PostgresIncidents
from adapters.postgres.pos.repositories.receipts import PostgresReceipts
from adapters.postgres.pricing.repositories.price_rules import PostgresPriceRules
from adapters.postgres.pricing.repositories.prices import KnownRules, PostgresPrices
from adapters.postgres.returns.repository import PostgresReturns
from adapters.postgres.stores.repository import PostgresStores
from domain.inventory.transfers import Transfer
from domain.kernel.ids import Sku
from domain.loyalty.points import LoyaltyProgramme
from service.administration.ports import Audit, JobRuns, Outbox, Webhooks
from service.carts.ports import Carts, RecentlyViewed
from service.catalogue.ports import Products
from service.contact.ports import Consents, Preferences
from service.customers.ports import Customers
from service.follow_ups.ports import Messages
from service.foundation.ports import AccessDenials, ApiKeys, IdempotencyStore
from service.fulfilment.ports import Allocations, Pickups, Shipments
from service.inventory.ports import (
    ChangeFeed,
    Consignments,
    Deliveries,
    Holds,
    SalesChannels,
    SellableStock,
    StockLevels,
    Supply,
    WalkInDemand,
)
from service.loyalty.ports import Points, Rewards
from service.orders.ports import FulfilmentProgress, Orders, StoreClosing, Timeline
from service.payments.ports import PaymentAttempts
from service.pos.ports import Incidents, Receipts
from service.pricing.ports import PriceRules, Prices, Rule
from service.returns.ports import Returns
from service.stores.ports import Stores


class Session(Struct):
    """A connection, the time of its unit, and the settings that repositories need."""

    connection: Any
    now: datetime
    new_id: Callable[[str], str]
    programme: LoyaltyProgramme
    known_rules: KnownRules
    audit_timeout: timedelta
    changed_skus: set[Sku] = field(default_factory=set)
    """SKUs whose stock the unit has changed."""


class _Repositories:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._connection = session.connection
        self._now = session.now


class PostgresFoundation(_Repositories):
    @cached_property
    def idempotency(self) -> IdempotencyStore:
        return PostgresIdempotencyStore(self._connection, self._now)

    @cached_property
    def api_keys(self) -> ApiKeys:
        return PostgresApiKeys(self._connection)

    @cached_property
    def access_denials(self) -> AccessDenials:
        return PostgresAccessDenials(self._connection, self._now)


class PostgresCatalogue(_Repositories):
    @cached_property
    def products(self) -> Products:
        return PostgresProducts(self._connection)


class PostgresStoreRepositories(_Repositories):
    @cached_property
    def stores(self) -> Stores:
        return PostgresStores(self._connection)


class PostgresCustomerRepositories(_Repositories):
    @cached_property
    def customers(self) -> Customers:
        return PostgresCustomers(self._connection, self._now, self._session.new_id)


class PostgresContact(_Repositories):
    @cached_property
    def consents(self) -> Consents:
        return PostgresConsents(self._connection)

    @cached_property
    def preferences(self) -> Preferences:
        return PostgresPreferences(self._connection, self._now)


class PostgresLoyalty(_Repositories):
    @cached_property
    def points(self) -> Points:
        session = self._session
        return PostgresPoints(self._connection, self._now, session.new_id, session.programme)

    @cached_property
    def rewards(self) -> Rewards:
        return PostgresRewards(self._connection, self._now, self._session.programme)


class PostgresInventory(_Repositories):
    @cached_property
    def stock_levels(self) -> StockLevels:
        session = self._session
        incidents = PostgresIncidents(self._connection, self._now, session.new_id)
        return PostgresStockLevels(self._connection, self._now, incidents, session.changed_skus)

    @cached_property
    def sellable_stock(self) -> SellableStock:
        return PostgresSellableStock(self._connection, self._now)

    @cached_property
    def holds(self) -> Holds:
        return PostgresHolds(self._connection, self._now)

    @cached_property
    def change_feed(self) -> ChangeFeed:
        return PostgresChangeFeed(self._connection)

    @cached_property
    def sales_channels(self) -> SalesChannels:
        return PostgresSalesChannels(self._connection)

    @cached_property
    def transfers(self) -> Consignments[Transfer]:
        return PostgresConsignments(self._connection, TRANSFERS)

    @cached_property
    def deliveries(self) -> Deliveries:
        return PostgresDeliveries(self._connection, DELIVERIES)

    @cached_property
    def supply(self) -> Supply:
        return PostgresSupply(self._connection, self._now)

    @cached_property
    def walk_ins(self) -> WalkInDemand:
        return PostgresWalkInDemand(self._connection, self._now)


class PostgresPricing(_Repositories):
    @cached_property
    def prices(self) -> Prices:
        return PostgresPrices(self._connection, self._session.known_rules)

    def price_rules(self, kind: type[Rule]) -> PriceRules[Rule]:
        return PostgresPriceRules(self._connection, kind)


class PostgresPayments(_Repositories):
    @cached_property
    def attempts(self) -> PaymentAttempts:
        return PostgresPaymentAttempts(self._connection, self._now)


class PostgresFulfilment(_Repositories):
    @cached_property
    def pickups(self) -> Pickups:
        return PostgresPickups(self._connection)

    @cached_property
    def shipments(self) -> Shipments:
        return PostgresShipments(self._connection)

    @cached_property
    def allocations(self) -> Allocations:
        return PostgresAllocations(self._connection)

    @cached_property
    def progress(self) -> FulfilmentProgress:
        return PostgresFulfilmentProgress(self._connection)


class PostgresCartRepositories(_Repositories):
    @cached_property
    def carts(self) -> Carts:
        return PostgresCarts(self._connection, self._now)

    @cached_property
    def recently_viewed(self) -> RecentlyViewed:
        return PostgresRecentlyViewed(self._connection, self._now)


class PostgresOrderRepositories(_Repositories):
    @cached_property
    def orders(self) -> Orders:
        return PostgresOrders(self._connection, self._now)

    @cached_property
    def timeline(self) -> Timeline:
        return PostgresTimeline(self._connection)

    @cached_property
    def store_closing(self) -> StoreClosing:
        return PostgresStoreClosing(self._connection)


class PostgresPos(_Repositories):
    @cached_property
    def receipts(self) -> Receipts:
        return PostgresReceipts(self._connection, self._now)

    @cached_property
    def incidents(self) -> Incidents:
        return PostgresIncidents(self._connection, self._now, self._session.new_id)


class PostgresReturnRepositories(_Repositories):
    @cached_property
    def returns(self) -> Returns:
        return PostgresReturns(self._connection)


class PostgresFollowUps(_Repositories):
    @cached_property
    def messages(self) -> Messages:
        return PostgresMessages(self._connection)


class PostgresAdministration(_Repositories):
    @cached_property
    def audit(self) -> Audit:
        session = self._session
        incidents = PostgresIncidents(self._connection, self._now, session.new_id)
        return PostgresAudit(
            self._connection, self._now, session.new_id, incidents, session.audit_timeout
        )

    @cached_property
    def job_runs(self) -> JobRuns:
        return PostgresJobRuns(self._connection)

    @cached_property
    def outbox(self) -> Outbox:
        return PostgresOutbox(self._connection, self._now)

    @cached_property
    def webhooks(self) -> Webhooks:
        return PostgresWebhooks(self._connection, self._now)
