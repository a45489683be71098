"""Ports of returns."""

from collections.abc import Collection, Sequence
from typing import Protocol

from domain.kernel.ids import OrderId, ReturnId, StoreId
from domain.returns.returns import Return, ReturnState


class Returns(Protocol):
    async def add(self, back: Return) -> None: ...

    async def get(self, back: ReturnId) -> Return:
        """Raises NotFound."""

    async def get_for_update(self, back: ReturnId) -> Return:
        """The return, locked until the unit ends. Raises NotFound."""

    async def update(self, back: Return) -> None:
        """Write a taken return back."""

    async def list_by_order(self, order: OrderId) -> Sequence[Return]:
        """The returns of an order, in the order they were made."""

    async def list_by_store(
        self,
        store: StoreId,
        states: Collection[ReturnState],
        *,
        after: ReturnId | None,
        limit: int,
    ) -> Sequence[Return]:
        """Returns the returns at a location, in one of these states, oldest first."""
