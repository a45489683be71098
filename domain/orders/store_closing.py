"""Closing of a location: it sells no more, at once, or when its open claims are over.

Orders that were promised goods, holds of carts and pages, and transfers on their way there must be
over first.
"""

from typing import Final

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from domain.kernel.errors import Conflict
from domain.kernel.ids import HoldId, OrderId, StoreId, TransferId
from domain.stores.stores import Store, StoreState

MAX_LISTED: Final = 100
"""The number of each that are named; all are counted."""


class OpenOrder(Struct, frozen=True):
    order: OrderId
    group: str


class OpenWork(Struct, frozen=True, kw_only=True):
    """The number of open claims at a location, and the first of each by their ids."""

    orders_count: int = 0
    holds_count: int = 0
    transfers_count: int = 0
    orders: list[OpenOrder] = []
    holds: list[HoldId] = []
    transfers: list[TransferId] = []

    @property
    def is_empty(self) -> bool:
        return not (self.orders_count or self.holds_count or self.transfers_count)


class StoreInUse(Conflict):
    code = "store_in_use"

    def __init__(self, store: StoreId, left: OpenWork) -> None:
        super().__init__(
            f"{store} still has {left.orders_count} orders, {left.holds_count} holds and"
            f" {left.transfers_count} transfers to it.",
            facts={"store": store, **to_builtins(left)},
        )


def to_disabled(store: Store, left: OpenWork, *, drain: bool) -> Store:
    """The location that takes in nothing new: closed, or draining until nothing is `left`.

    Raises:
        StoreInUse: claims are left, and draining was not requested.
    """
    if left.is_empty or store.state is StoreState.CLOSED:
        return replace(store, state=StoreState.CLOSED)
    if not drain:
        raise StoreInUse(store.store, left)
    return replace(store, state=StoreState.DRAINING)


def to_enabled(store: Store) -> Store:
    return replace(store, state=StoreState.ACTIVE)
