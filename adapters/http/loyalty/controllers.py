"""A member's points: the spendable balance, the points still to be earned, and their history."""

from hashlib import sha256
from typing import Final

import msgspec
from litestar import Controller, Response, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from adapters.http.web.authentication import STAFF_ROLES, callers
from adapters.http.web.etags import NOT_MODIFIED, conditional_response, provide_if_none_match
from adapters.http.web.paging import Cursor, Limit, Page, decode_cursor, to_page
from domain.foundation.callers import Caller, Role
from domain.kernel.ids import MemberId
from domain.loyalty.points import EntryId
from domain.loyalty.rewards import PointsStatementEntry, RewardBalance
from service.shared.unit_of_work import Units

PRIVATE_CACHE_HEADER: Final = [ResponseHeader(name="Cache-Control", value="private, no-cache")]
"""An app may store the balance, but must revalidate it before it shows it."""


class MyRewards(Controller):
    path = "/v1/me/rewards"
    tags = ("rewards",)

    @get(
        operation_id="get_my_rewards",
        dependencies={"if_none_match": Provide(provide_if_none_match, sync_to_thread=False)},
        responses=NOT_MODIFIED,
        response_headers=PRIVATE_CACHE_HEADER,
        **callers(Role.CUSTOMER),
    )
    async def get_my_rewards(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        if_none_match: NamedDependency[frozenset[str]],
    ) -> Response[RewardBalance]:
        """Get the customer's points. 404 `not_a_member`."""
        assert caller.customer is not None, "only a customer comes here"
        async with units.read() as unit:
            standing = await unit.loyalty.rewards.get_by_customer(caller.customer)
        return conditional_response(standing, _compute_etag(standing), if_none_match)

    @get("/entries", operation_id="list_my_reward_entries", **callers(Role.CUSTOMER))
    async def list_my_reward_entries(
        self,
        caller: NamedDependency[Caller],
        units: NamedDependency[Units],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[PointsStatementEntry]:
        """List the history of the customer's points, the latest first."""
        assert caller.customer is not None, "only a customer comes here"
        after = decode_cursor(cursor, EntryId)
        async with units.read() as unit:
            member = (await unit.loyalty.rewards.get_by_customer(caller.customer)).member
            statement = await unit.loyalty.rewards.list_entries(
                member, after=after, limit=limit + 1
            )
        return to_page(statement, limit, lambda entry: entry.id)


class Rewards(Controller):
    path = "/v1/members"
    tags = ("rewards",)

    @get(
        "/{member:str}/rewards",
        operation_id="get_rewards",
        **callers(*STAFF_ROLES, scope="customers"),
    )
    async def get_rewards(
        self, member: FromPath[MemberId], units: NamedDependency[Units]
    ) -> RewardBalance:
        """Get a member's points, for the staff who serve the member. 404 `not_a_member`."""
        async with units.read() as unit:
            return await unit.loyalty.rewards.get(member)


def _compute_etag(standing: RewardBalance) -> str:
    """The same for the same points, whenever they are looked at."""
    told = (standing.member, standing.balance, standing.expiring, standing.tier)
    return sha256(msgspec.json.encode(told)).hexdigest()[:24]
