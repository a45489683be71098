"""Ports of orders, their timeline and the closing of stores."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from domain.fulfilment.pickups import Pickup
from domain.fulfilment.shipments import Shipment
from domain.kernel.ids import CustomerId, OrderId, Sku, StoreId
from domain.orders.orders import Order, OrderState
from domain.orders.progress import FulfilmentState
from domain.orders.search import SearchTerms
from domain.orders.store_closing import OpenWork
from domain.orders.timeline import TimelineEntry


class StoreClosing(Protocol):
    async def get_open_work(self, store: StoreId) -> OpenWork:
        """Returns the open claims on a location, and the goods on their way to it."""


class OrderQuery(Struct, frozen=True):
    """The filter of an order list: every given field must match. `stores` prepare a part of it."""

    state: OrderState | None = None
    stores: list[StoreId] | None = None
    customer: CustomerId | None = None
    sought: SearchTerms | None = None
    placed_from: datetime | None = None
    placed_until: datetime | None = None


class Orders(Protocol):
    async def add(self, *orders: Order) -> None:
        """New orders. Each uses its coupons once more, which are locked."""

    async def get(self, order: OrderId) -> Order:
        """Raises NotFound."""

    async def get_many(self, orders: Collection[OrderId]) -> dict[OrderId, Order]:
        """Those that exist."""

    async def get_for_update(self, order: OrderId) -> Order:
        """The order, locked until the unit ends. Raises NotFound."""

    async def update(self, order: Order) -> None:
        """Write a taken order back. One that is cancelled or expired gives its coupons back."""

    async def update_search_words(self, order: Order) -> None:
        """Let it be found by its contact as it is now, and no longer as it was."""

    async def search(
        self, wanted: OrderQuery, *, before: OrderId | None, limit: int
    ) -> Sequence[Order]:
        """The orders that fit, newest first."""

    async def list_purchased(self, customer: CustomerId, skus: Collection[Sku]) -> set[Sku]:
        """Which of `skus` the customer has ordered before and not cancelled."""

    async def list_by_customer(
        self, customer: CustomerId, *, before: OrderId | None, limit: int
    ) -> Sequence[Order]:
        """A customer's orders, newest first."""

    async def list_unpaid(self, limit: int) -> list[OrderId]:
        """Up to `limit` whose time to be paid is over, and for which nothing is under way."""


class FulfilmentProgress(Protocol):
    """The progress of an order's fulfilments: pickups and shipments alike."""

    async def get_by_orders(self, orders: Collection[OrderId]) -> Sequence[FulfilmentState]:
        """How far every group of these orders is."""

    async def get_for_update(self, order: OrderId) -> list[Pickup | Shipment]:
        """Every group of an order in the order of ids, locked until the unit ends."""


class Timeline(Protocol):
    """The timeline of orders, written with the events of each step."""

    async def list_by_order(
        self, order: OrderId, *, after: int, limit: int
    ) -> Sequence[TimelineEntry]:
        """An order's steps behind the one of the id `after`, in the order they were made."""
