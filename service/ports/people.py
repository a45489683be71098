"""The people the shop knows, what they agreed to, and their points."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from domain import preferences
from domain.consent import Consent
from domain.customers import Customer, Profile
from domain.ids import (
    CustomerId,
    MemberId,
    OrderId,
    Sku,
)
from domain.points import EntryId, Purchase
from domain.rewards import Standing, Statement


class Customers(Protocol):
    async def known(
        self, customers: Collection[CustomerId], external_ids: Collection[str]
    ) -> tuple[set[CustomerId], dict[str, CustomerId]]:
        """Which of `customers` there are, and whom the retailer calls `external_ids`."""

    async def get(self, customer: CustomerId) -> Profile:
        """Raises CustomerMissing."""

    async def take(self, customer: CustomerId) -> Profile:
        """The customer, locked until the unit ends. Raises CustomerMissing."""

    async def page(
        self, *, external_id: str | None, after: CustomerId | None, limit: int
    ) -> Sequence[Profile]:
        """Customers, oldest first."""

    async def add(self, told: Customer) -> None:
        """Raises ExternalIdTaken."""

    async def keep(self, customer: Customer) -> None:
        """Write a taken customer back."""

    async def lock(self, external_ids: Collection[str]) -> dict[str, Customer]:
        """Those that exist, by the retailer's key, kept as they are until the unit ends."""

    async def put(self, customers: Sequence[Customer]) -> None:
        """Write each customer with an external id, new or known, as it is now."""

    async def enrol(self, external_ids: Collection[str]) -> None:
        """Make each of these customers a member who is none yet."""


class Preferences(Protocol):
    async def of(self, customer: CustomerId) -> preferences.Preferences:
        """What the customer stated, with the language of the profile; nothing for nobody."""

    async def put(self, customer: CustomerId, stated: preferences.Preferences) -> None:
        """State all of it anew; a locale becomes the profile's too."""


class Consents(Protocol):
    """What customers said, for ever."""

    async def state(self, customer: CustomerId, consent: Consent) -> None: ...

    async def stated(self, customer: CustomerId) -> Sequence[Consent]:
        """Every statement, oldest first."""


class Points(Protocol):
    """The one ledger of points. Each verb posts balanced entries, once a source."""

    async def buyers(self, customers: Collection[CustomerId]) -> dict[CustomerId, MemberId]:
        """Which of these are members and so earn by what they buy; kept until the unit ends."""

    async def promise(self, purchases: Collection[Purchase]) -> None:
        """Post a pending lot for each line of these members' purchases; once for each purchase."""

    async def promise_more(
        self, customer: CustomerId, order: OrderId, lines: Mapping[str, int], source: str
    ) -> None:
        """Promise so many further points of each line of an order; once for each `source`."""

    async def confirm(self, order: OrderId, lines: Mapping[Sku, int], source: str) -> None:
        """Make so many pending points of each line available; once for each `source`."""

    async def reverse(self, order: OrderId, lines: Mapping[Sku, int], source: str) -> None:
        """Take so many pending points of each line back; once for each `source`."""

    async def members(self, said: Collection[str]) -> dict[str, MemberId]:
        """Who is meant by each of these, a member's id or the retailer's key of a customer."""

    async def lock(self, members: Collection[MemberId], purchases: Collection[str]) -> None:
        """Keep these members, and who bought that, as they are until the unit ends.

        All in one order: for a unit that earns for some and takes back from others.
        """

    async def earn(self, purchases: Collection[Purchase]) -> None:
        """Give the points of what was paid at once; once for each purchase."""

    async def take_back(self, returned: Mapping[str, Mapping[Sku, tuple[int, int]]]) -> None:
        """Take back the points of units that came back of those sold, line by line of purchases.

        The units are all that came back so far, or were cancelled, of every line of which any came
        back; so a repeat takes nothing more. What units to come will earn stays.
        """

    async def available(self, members: Collection[MemberId]) -> dict[MemberId, int]:
        """What each can spend."""

    async def activate(self, limit: int) -> int:
        """Make confirmed points available whose day has come, some `limit` lots; how many were."""


class Rewards(Protocol):
    """What members see of their points."""

    async def of(self, customer: CustomerId) -> Standing:
        """Raises NotAMember."""

    async def get(self, member: MemberId) -> Standing:
        """Raises NotAMember."""

    async def statement(
        self, member: MemberId, *, after: EntryId | None, limit: int
    ) -> Sequence[Statement]:
        """What happened to a member's points, the latest first; nothing for nobody."""
