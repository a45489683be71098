"""What is on its way to the stores."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Protocol, TypeVar

from domain.consignments import Consignment, Incoming
from domain.deliveries import Delivery
from domain.ids import Sku, StoreId

C = TypeVar("C", bound=Consignment)


class Consignments(Protocol[C]):
    """Deliveries, or transfers. What a written one still brings is `incoming` at once."""

    async def add(self, consignment: C) -> None: ...

    async def get(self, consignment: str) -> C:
        """Raises Missing."""

    async def take(self, consignment: str) -> C:
        """The consignment, locked until the unit ends. Raises Missing."""

    async def keep(self, consignment: C) -> None:
        """Write a taken one back."""

    async def page(
        self,
        stores: Collection[StoreId] | None,
        states: Collection[StrEnum],
        *,
        after: str | None,
        limit: int,
    ) -> Sequence[C]:
        """Those of these stores, or all, in one of these states; oldest first."""


class Deliveries(Consignments[Delivery], Protocol):
    async def take_told(self, external_ids: Collection[str]) -> dict[str, Delivery]:
        """Those that files have told of, locked until the unit ends; no other file tells of any."""

    async def put(self, deliveries: Mapping[str, Delivery]) -> None:
        """Write new and taken ones, by the names that files give them."""


class Supply(Protocol):
    async def incoming(
        self,
        skus: Collection[Sku],
        stores: Collection[StoreId] | None = None,
        *,
        by: date | None = None,
    ) -> list[Incoming]:
        """What these stores, or all, wait for; the earliest day first, unknown days last.

        With `by`, only what is due from the store's own today until that day: what is late may
        come or not, until somebody names its new day.
        """
