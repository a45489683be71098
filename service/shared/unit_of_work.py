"""One transaction, with every port on it."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, runtime_checkable

from domain.carts.cart_rules import CartRules
from domain.inventory.transfers import Transfer
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
from service.stores.ports import Stores


class Unit(Protocol):
    """One transaction, or one look. `now` is the one clock; the rules are the installation's."""

    now: datetime
    cart_rules: CartRules
    requests: Requests
    stores: Stores
    closing: Closing
    sales_channels: SalesChannels
    products: Products
    stock: Stock
    selling: Selling
    feed: Feed
    sales: Sales
    incidents: Incidents
    allocations: Allocations
    holds: Holds
    prices: Prices
    carts: Carts
    viewed: Viewed
    orders: Orders
    groups: Groups
    pickups: Pickups
    shipments: Shipments
    attempts: Attempts
    returns: Returns
    timeline: Timeline
    transfers: Consignments[Transfer]
    deliveries: Deliveries
    supply: Supply
    walk_ins: WalkIns
    outbox: Outbox
    keys: Keys
    webhooks: Webhooks
    trespasses: Trespasses
    points: Points
    rewards: Rewards
    audit: Audit
    customers: Customers
    preferences: Preferences
    consents: Consents
    messages: Messages
    slots: Slots

    def price_rules(self, kind: type[Rule]) -> PriceRules[Rule]:
        """Every market, every promotion, or every shipping method."""

    def new_id(self, prefix: str) -> str:
        """A new opaque id, later than every one before it."""


@runtime_checkable
class Units(Protocol):
    def begin(self) -> AbstractAsyncContextManager[Unit]:
        """One transaction: committed at a clean end, undone by an exception."""

    def read(self) -> AbstractAsyncContextManager[Unit]:
        """One look, statement by statement, without a transaction."""

    def snapshot(self) -> AbstractAsyncContextManager[Unit]:
        """One look, in which every statement sees the shop as it was at the first one."""
