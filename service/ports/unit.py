"""One transaction, with every port on it."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, runtime_checkable

from domain.audit import Audited, Invariant, Repair
from domain.cart_rules import CartRules
from domain.transfers import Transfer
from service.ports.callers import Keys, Trespasses
from service.ports.catalogue import Products, Stores
from service.ports.following import Messages, Outbox, Slots, Webhooks
from service.ports.incoming import Consignments, Deliveries, Supply
from service.ports.payments import Attempts
from service.ports.people import Consents, Customers, Points, Preferences, Rewards
from service.ports.prices import PriceRules, Prices, Rule
from service.ports.requests import Requests
from service.ports.selling import Closing, SalesChannels, Selling
from service.ports.shopping import (
    Carts,
    Groups,
    Orders,
    Pickups,
    Returns,
    Shipments,
    Timeline,
    Viewed,
)
from service.ports.stock import Allocations, Feed, Holds, Incidents, Sales, Stock, WalkIns


class Audit(Protocol):
    """Whether the figures agree with the ledgers they are sums of."""

    async def look(self) -> list[Invariant]:
        """Every invariant with what was checked and what is broken, each seen at one moment.

        One that takes too long is given up as unfinished; the others are looked at all the same.
        """

    async def repair(self) -> list[Repair]:
        """Set every figure that a ledger explains to what the ledger says, and write that down."""

    async def rehearse(self) -> list[Repair]:
        """What `repair` would set and write down, with nothing changed. Nobody waits for it."""

    async def keep(self, found: list[Invariant]) -> None:
        """Keep what an audit found in place of what the one before it did."""

    async def last(self) -> list[Audited]:
        """What was kept, in the invariants' order of names; nothing before the first audit."""


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
