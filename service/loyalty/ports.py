"""Ports of loyalty: the points ledger and the reward balance."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from domain.kernel.ids import CustomerId, MemberId, OrderId, Sku
from domain.loyalty.points import EntryId, Purchase
from domain.loyalty.rewards import PointsStatementEntry, RewardBalance


class Points(Protocol):
    """The one ledger of points. Each verb posts balanced entries, once a source."""

    async def get_members(self, customers: Collection[CustomerId]) -> dict[CustomerId, MemberId]:
        """Which of these are members and so earn by what they buy; kept until the unit ends."""

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
        """Give the points of what was paid at once; once for each purchase."""

    async def deduct(self, returned: Mapping[str, Mapping[Sku, tuple[int, int]]]) -> None:
        """Take back the points of units that came back of those sold, line by line of purchases.

        The units are all that came back so far, or were cancelled, of every line of which any came
        back; so a repeat takes nothing more. What units to come will earn stays.
        """

    async def get_available(self, members: Collection[MemberId]) -> dict[MemberId, int]:
        """What each can spend."""

    async def activate(self, limit: int) -> int:
        """Make confirmed points available whose day has come, some `limit` lots; how many were."""


class Rewards(Protocol):
    """What members see of their points."""

    async def get_by_customer(self, customer: CustomerId) -> RewardBalance:
        """Raises NotMember."""

    async def get(self, member: MemberId) -> RewardBalance:
        """Raises NotMember."""

    async def list_entries(
        self, member: MemberId, *, after: EntryId | None, limit: int
    ) -> Sequence[PointsStatementEntry]:
        """What happened to a member's points, the latest first; nothing for nobody."""
