"""The unit of work: one transaction, and the repositories of each context on it."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, runtime_checkable

from domain.carts.cart_rules import CartRules
from domain.inventory.transfers import Transfer
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


class FoundationRepositories(Protocol):
    @property
    def idempotency(self) -> IdempotencyStore: ...

    @property
    def api_keys(self) -> ApiKeys: ...

    @property
    def access_denials(self) -> AccessDenials: ...


class CatalogueRepositories(Protocol):
    @property
    def products(self) -> Products: ...


class StoresRepositories(Protocol):
    @property
    def stores(self) -> Stores: ...


class CustomersRepositories(Protocol):
    @property
    def customers(self) -> Customers: ...


class ContactRepositories(Protocol):
    @property
    def consents(self) -> Consents: ...

    @property
    def preferences(self) -> Preferences: ...


class LoyaltyRepositories(Protocol):
    @property
    def points(self) -> Points: ...

    @property
    def rewards(self) -> Rewards: ...


class InventoryRepositories(Protocol):
    @property
    def stock_levels(self) -> StockLevels: ...

    @property
    def sellable_stock(self) -> SellableStock: ...

    @property
    def holds(self) -> Holds: ...

    @property
    def change_feed(self) -> ChangeFeed: ...

    @property
    def sales_channels(self) -> SalesChannels: ...

    @property
    def transfers(self) -> Consignments[Transfer]: ...

    @property
    def deliveries(self) -> Deliveries: ...

    @property
    def supply(self) -> Supply: ...

    @property
    def walk_ins(self) -> WalkInDemand: ...


class PricingRepositories(Protocol):
    @property
    def prices(self) -> Prices: ...

    def price_rules(self, kind: type[Rule]) -> PriceRules[Rule]:
        """The markets, the promotions, or the shipping methods."""


class PaymentsRepositories(Protocol):
    @property
    def attempts(self) -> PaymentAttempts: ...


class FulfilmentRepositories(Protocol):
    @property
    def pickups(self) -> Pickups: ...

    @property
    def shipments(self) -> Shipments: ...

    @property
    def allocations(self) -> Allocations: ...

    @property
    def progress(self) -> FulfilmentProgress: ...


class CartsRepositories(Protocol):
    @property
    def carts(self) -> Carts: ...

    @property
    def recently_viewed(self) -> RecentlyViewed: ...


class OrdersRepositories(Protocol):
    @property
    def orders(self) -> Orders: ...

    @property
    def timeline(self) -> Timeline: ...

    @property
    def store_closing(self) -> StoreClosing: ...


class PosRepositories(Protocol):
    @property
    def receipts(self) -> Receipts: ...

    @property
    def incidents(self) -> Incidents: ...


class ReturnsRepositories(Protocol):
    @property
    def returns(self) -> Returns: ...


class FollowUpsRepositories(Protocol):
    @property
    def messages(self) -> Messages: ...


class AdministrationRepositories(Protocol):
    @property
    def audit(self) -> Audit: ...

    @property
    def job_runs(self) -> JobRuns: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def webhooks(self) -> Webhooks: ...


class Unit(Protocol):
    """One transaction, or one read.

    `now` is the one clock for decisions; `cart_rules` are those of the installation. A repository
    is made when it is first used.
    """

    now: datetime
    cart_rules: CartRules

    @property
    def foundation(self) -> FoundationRepositories: ...

    @property
    def catalogue(self) -> CatalogueRepositories: ...

    @property
    def stores(self) -> StoresRepositories: ...

    @property
    def customers(self) -> CustomersRepositories: ...

    @property
    def contact(self) -> ContactRepositories: ...

    @property
    def loyalty(self) -> LoyaltyRepositories: ...

    @property
    def inventory(self) -> InventoryRepositories: ...

    @property
    def pricing(self) -> PricingRepositories: ...

    @property
    def payments(self) -> PaymentsRepositories: ...

    @property
    def fulfilment(self) -> FulfilmentRepositories: ...

    @property
    def carts(self) -> CartsRepositories: ...

    @property
    def orders(self) -> OrdersRepositories: ...

    @property
    def pos(self) -> PosRepositories: ...

    @property
    def returns(self) -> ReturnsRepositories: ...

    @property
    def follow_ups(self) -> FollowUpsRepositories: ...

    @property
    def administration(self) -> AdministrationRepositories: ...

    def new_id(self, prefix: str) -> str:
        """A new opaque id, later than every one before it."""


@runtime_checkable
class Units(Protocol):
    """Opens units of work."""

    def begin(self) -> AbstractAsyncContextManager[Unit]:
        """One transaction: committed at a clean end, rolled back by an exception."""

    def read(self) -> AbstractAsyncContextManager[Unit]:
        """Reads without a transaction: each statement sees the newest committed rows."""

    def snapshot(self) -> AbstractAsyncContextManager[Unit]:
        """Reads in which every statement sees the database as of the first one."""
