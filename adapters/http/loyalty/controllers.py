"""A member's points: what can be spent, what will be earned, and how it came about."""

from hashlib import sha256
from typing import Final

import msgspec
from litestar import Controller, Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from adapters.http.web.authentication import STAFF, callers
from adapters.http.web.etags import NOT_CHANGED, provide_if_none_match, revisited
from adapters.http.web.paging import Cursor, Limit, Page, page_of, unseal
from domain.foundation.callers import Caller, Role
from domain.kernel.ids import MemberId
from domain.loyalty.points import EntryId
from domain.loyalty.rewards import RewardBalance, Statement
from service.shared.unit_of_work import Units

KEPT_BY_ITS_OWNER: Final = [ResponseHeader(name="Cache-Control", value="private, no-cache")]
"""An app may keep the balance, and asks whether it still holds before it shows it."""


class MyRewards(Controller):
    path = "/v1/me/rewards"
    tags = ("rewards",)

    @get(
        operation_id="get_my_rewards",
        dependencies={"if_none_match": Provide(provide_if_none_match, sync_to_thread=False)},
        responses=NOT_CHANGED,
        response_headers=KEPT_BY_ITS_OWNER,
        **callers(Role.CUSTOMER),
    )
    async def look(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        if_none_match: NamedDependency[frozenset[str]],
    ) -> Response[RewardBalance]:
        """The customer's points; 404 `not_a_member` for who is none."""
        assert caller.customer is not None, "only a customer comes here"
        async with units.read() as unit:
            standing = await unit.loyalty.rewards.get_by_customer(caller.customer)
        return revisited(standing, _tag(standing), if_none_match)

    @get("/entries", operation_id="list_my_reward_entries", **callers(Role.CUSTOMER))
    async def entries(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[Statement]:
        """What happened to the customer's points, the latest first."""
        assert caller.customer is not None, "only a customer comes here"
        after = unseal(cursor, EntryId)
        async with units.read() as unit:
            member = (await unit.loyalty.rewards.get_by_customer(caller.customer)).member
            statement = await unit.loyalty.rewards.list_entries(
                member, after=after, limit=limit + 1
            )
        return page_of(statement, limit, lambda entry: entry.id)


class Rewards(Controller):
    path = "/v1/members"
    tags = ("rewards",)

    @get(
        "/{member:str}/rewards",
        operation_id="get_rewards",
        **callers(*STAFF, scope="customers"),
    )
    async def look(
        self, member: FromPath[MemberId], units: NamedDependency[Units]
    ) -> RewardBalance:
        """A member's points, for whoever serves the member; 404 `not_a_member` for nobody's id."""
        async with units.read() as unit:
            return await unit.loyalty.rewards.get(member)


def _tag(standing: RewardBalance) -> str:
    """The same for the same points, whenever they are looked at."""
    told = (standing.member, standing.balance, standing.expiring, standing.tier)
    return sha256(msgspec.json.encode(told)).hexdigest()[:24]
