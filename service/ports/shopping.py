"""What somebody means to buy, has bought, and collects."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from domain.callers import Caller
from domain.cart_lines import CartLine
from domain.cart_rules import CartRules
from domain.carts import Cart, CartState
from domain.finding import Sought
from domain.ids import (
    CartId,
    CustomerId,
    OrderId,
    PickupId,
    ReturnId,
    ShipmentId,
    Sku,
    StoreId,
)
from domain.orders import Order, OrderState
from domain.pickups import Pickup, PickupState
from domain.progress import Progress
from domain.returns import Return, ReturnState
from domain.shipments import Shipment, ShipmentState
from domain.timeline import Entry
from domain.viewed import Viewing


class Carts(Protocol):
    async def add(self, cart: Cart) -> None:
        """A new cart. A customer is locked first, and has no open one."""

    async def get(self, cart: CartId) -> Cart:
        """Raises Missing."""

    async def take(self, cart: CartId) -> Cart:
        """The cart, locked until the unit ends. Raises Missing."""

    async def take_all(self, carts: Collection[CartId]) -> dict[CartId, Cart]:
        """Those that exist, locked until the unit ends."""

    async def take_both(self, cart: CartId, customer: CustomerId) -> tuple[Cart, Cart | None]:
        """A cart, and the customer's own, open or being paid for, where that is another.

        Both are locked until the unit ends. Raises Missing.
        """

    async def keep(self, *carts: Cart) -> None:
        """Write taken carts back."""

    async def open_of(self, customer: CustomerId) -> Cart | None:
        """The customer's open cart, or the one being paid for; locked until the unit ends."""

    async def take_saved(self, caller: Caller) -> list[CartLine]:
        """What the caller saved for later in the cart that was ordered last; it leaves that cart.

        For a guest it is the cart whose token came along.
        """

    async def of_member(self, said: str) -> Cart | None:
        """The open cart of whom a till means by this: a member's id, or the retailer's key."""

    async def by_code(self, code_hash: bytes) -> Cart | None:
        """The open cart whose code this is now."""

    async def give_code(self, cart: CartId, code_hash: bytes, until: datetime) -> None:
        """Open a taken cart to whoever has the code, until then."""

    async def take_stale(self, rules: CartRules, limit: int) -> list[Cart]:
        """Open carts whose time is over and that nobody has locked, locked for us.

        Those that are being paid for are left out.
        """

    async def empty(self, carts: Collection[CartId], state: CartState) -> None:
        """End taken carts; nothing is left in them."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Strike out up to `limit` that were over before and became no order; how many."""


class Viewed(Protocol):
    """What somebody looked at lately, by customer or by a guest's cart."""

    async def note(self, owner: CustomerId | CartId, skus: Sequence[Sku]) -> None:
        """These were looked at just now, the newest first; the oldest beyond the bound go."""

    async def of(self, owner: CustomerId | CartId) -> list[Viewing]:
        """The newest first."""

    async def move(self, guest: CartId, customer: CustomerId) -> None:
        """What a guest looked at is the customer's from now on."""

    async def forget(self, owners: Collection[CartId]) -> None: ...


class Wanted(Struct, frozen=True):
    """Which orders are looked for: all that is told must fit. `stores` have a part of it."""

    state: OrderState | None = None
    stores: list[StoreId] | None = None
    customer: CustomerId | None = None
    sought: Sought | None = None
    placed_from: datetime | None = None
    placed_until: datetime | None = None


class Orders(Protocol):
    async def add(self, *orders: Order) -> None:
        """New orders. Each uses its coupons once more, which are locked."""

    async def get(self, order: OrderId) -> Order:
        """Raises Missing."""

    async def by_id(self, orders: Collection[OrderId]) -> dict[OrderId, Order]:
        """Those that exist."""

    async def take(self, order: OrderId) -> Order:
        """The order, locked until the unit ends. Raises Missing."""

    async def keep(self, order: Order) -> None:
        """Write a taken order back. One that is cancelled or expired gives its coupons back."""

    async def rename(self, order: Order) -> None:
        """Let it be found by its contact as it is now, and no longer as it was."""

    async def find(self, wanted: Wanted, *, before: OrderId | None, limit: int) -> Sequence[Order]:
        """The orders that fit, newest first."""

    async def bought(self, customer: CustomerId, skus: Collection[Sku]) -> set[Sku]:
        """Which of `skus` the customer has ordered before and not cancelled."""

    async def of_customer(
        self, customer: CustomerId, *, before: OrderId | None, limit: int
    ) -> Sequence[Order]:
        """A customer's orders, newest first."""

    async def unpaid(self, limit: int) -> list[OrderId]:
        """Up to `limit` whose time to be paid is over, and for which nothing is under way."""


class Groups(Protocol):
    """What the locations of orders prepare: pickups and shipments alike."""

    async def of(self, orders: Collection[OrderId]) -> Sequence[Progress]:
        """How far every group of these orders is."""

    async def take(self, order: OrderId) -> list[Pickup | Shipment]:
        """Every group of an order in the order of ids, locked until the unit ends."""


class Timeline(Protocol):
    """What happened to orders. It is written with the events of each step."""

    async def of(self, order: OrderId, *, after: int, limit: int) -> Sequence[Entry]:
        """An order's steps behind the one of the id `after`, in the order they were made."""


class Shipments(Protocol):
    async def add(self, *shipments: Shipment) -> None: ...

    async def get(self, shipment: ShipmentId) -> Shipment:
        """Raises Missing."""

    async def take(self, shipment: ShipmentId) -> Shipment:
        """The shipment, locked until the unit ends. Raises Missing."""

    async def keep(self, shipment: Shipment) -> None:
        """Write a taken shipment back."""

    async def of_order(self, order: OrderId) -> Sequence[Shipment]:
        """The shipments of an order, in the order they were made."""

    async def of_store(
        self,
        store: StoreId,
        states: Collection[ShipmentState],
        *,
        after: ShipmentId | None,
        limit: int,
    ) -> Sequence[Shipment]:
        """A location's shipments in one of these states, oldest first."""


class Returns(Protocol):
    async def add(self, back: Return) -> None: ...

    async def get(self, back: ReturnId) -> Return:
        """Raises Missing."""

    async def take(self, back: ReturnId) -> Return:
        """The return, locked until the unit ends. Raises Missing."""

    async def keep(self, back: Return) -> None:
        """Write a taken return back."""

    async def of_order(self, order: OrderId) -> Sequence[Return]:
        """The returns of an order, in the order they were made."""

    async def of_store(
        self,
        store: StoreId,
        states: Collection[ReturnState],
        *,
        after: ReturnId | None,
        limit: int,
    ) -> Sequence[Return]:
        """What came back to a location, or will, in one of these states, oldest first."""


class Pickups(Protocol):
    async def add(self, *pickups: Pickup) -> None: ...

    async def get(self, pickup: PickupId) -> Pickup:
        """Raises Missing."""

    async def take(self, pickup: PickupId) -> Pickup:
        """The pickup, locked until the unit ends. Raises Missing."""

    async def keep(self, pickup: Pickup) -> None:
        """Write a taken pickup back."""

    async def by_code(self, code_hash: bytes) -> Pickup | None:
        """The pickup that waits for this code, in any store; else the last one it opened."""

    async def of_store(
        self,
        store: StoreId,
        states: Collection[PickupState],
        *,
        after: PickupId | None,
        limit: int,
    ) -> Sequence[Pickup]:
        """A store's pickups in one of these states, oldest first."""

    async def of_order(self, order: OrderId) -> Sequence[Pickup]:
        """The pickups of an order, in the order they were made."""

    async def overdue(self, now: datetime, limit: int) -> list[PickupId]:
        """Ready ones whose time to collect is over."""
