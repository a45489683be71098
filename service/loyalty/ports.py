"""Ports of loyalty: the points ledger and the reward balance."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from domain.kernel.ids import CustomerId, MemberId, OrderId, Sku
from domain.loyalty.points import EntryId, Purchase
from domain.loyalty.rewards import PointsStatementEntry, RewardBalance


class Points(Protocol):
    """The one ledger of points. Each verb posts balanced entries, once a source."""

    async def get_members(self, customers: Collection[CustomerId]) -> dict[CustomerId, MemberId]:
        """Returns those of the customers who are loyalty members; locked until the unit ends."""

    async def add_pending(self, purchases: Collection[Purchase]) -> None:
        """Post a pending lot for each line of these members' purchases; once for each purchase."""

    async def add_pending_lines(
        self, customer: CustomerId, order: OrderId, lines: Mapping[str, int], source: str
    ) -> None:
        """Promise so many further points of each line of an order; once for each `source`."""

    async def confirm(self, order: OrderId, lines: Mapping[Sku, int], source: str) -> None:
        """Make so many pending points of each line available; once for each `source`."""

    async def reverse(self, order: OrderId, lines: Mapping[Sku, int], source: str) -> None:
        """Take so many pending points of each line back; once for each `source`."""

    async def find_members(self, said: Collection[str]) -> dict[str, MemberId]:
        """Who is meant by each of these, a member's id or the retailer's key of a customer."""

    async def lock(self, members: Collection[MemberId], purchases: Collection[str]) -> None:
        """Keep these members, and who bought that, as they are until the unit ends.

        All in one order: for a unit that earns for some and takes back from others.
        """

    async def earn(self, purchases: Collection[Purchase]) -> None:
        """Adds the points of purchases that were paid at once; once for each purchase."""

    async def deduct(self, returned: Mapping[str, Mapping[Sku, tuple[int, int]]]) -> None:
        """Deducts the points of returned units of purchases, line by line.

        The units are all that came back so far, or were cancelled, of every line with a return; so
        a repeat deducts nothing more. The points of units that are still to come stay.
        """

    async def get_available(self, members: Collection[MemberId]) -> dict[MemberId, int]:
        """Returns the points that each member can spend."""

    async def activate(self, limit: int) -> int:
        """Make confirmed points available whose day has come, some `limit` lots; how many were."""


class Rewards(Protocol):
    """The points that members see."""

    async def get_by_customer(self, customer: CustomerId) -> RewardBalance:
        """Raises NotMember."""

    async def get(self, member: MemberId) -> RewardBalance:
        """Raises NotMember."""

    async def list_entries(
        self, member: MemberId, *, after: EntryId | None, limit: int
    ) -> Sequence[PointsStatementEntry]:
        """Returns the points entries of a member, the latest first; empty for an unknown member."""
