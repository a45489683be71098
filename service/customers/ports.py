"""Ports of customers."""

from collections.abc import Collection, Sequence
from typing import Protocol

from domain.customers.customers import Customer, Profile
from domain.kernel.ids import CustomerId


class Customers(Protocol):
    async def get_by_external_id(
        self, customers: Collection[CustomerId], external_ids: Collection[str]
    ) -> tuple[set[CustomerId], dict[str, CustomerId]]:
        """Which of `customers` there are, and whom the retailer calls `external_ids`."""

    async def get(self, customer: CustomerId) -> Profile:
        """Raises CustomerNotFound."""

    async def get_for_update(self, customer: CustomerId) -> Profile:
        """The customer, locked until the unit ends. Raises CustomerNotFound."""

    async def list_page(
        self, *, external_id: str | None, after: CustomerId | None, limit: int
    ) -> Sequence[Profile]:
        """Customers, oldest first."""

    async def add(self, told: Customer) -> None:
        """Raises ExternalIdTaken."""

    async def update(self, customer: Customer) -> None:
        """Write a taken customer back."""

    async def lock(self, external_ids: Collection[str]) -> dict[str, Customer]:
        """Returns the customers that exist, by the retailer's id, locked until the unit ends."""

    async def upsert(self, customers: Sequence[Customer]) -> None:
        """Write each customer with an external id, new or known, as it is now."""

    async def enrol_members(self, external_ids: Collection[str]) -> None:
        """Make each of these customers a member who is none yet."""
