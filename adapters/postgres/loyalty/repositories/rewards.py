"""Members' views of their points, read in one statement each."""

from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.postgres.db.statements import Statement
from domain.kernel.ids import CustomerId, MemberId
from domain.loyalty.points import EntryId, EntryKind, LoyaltyProgramme, PointsBalance
from domain.loyalty.rewards import ExpiringPoints, NotMember, PointsStatementEntry, RewardBalance

REWARDS: Final = Statement("""
    select id, available, pending, held, debt, (
        select coalesce(json_agg(json_build_object('points', points, 'on', day) order by day), '[]')
        from (
            select (expires_at at time zone :zone - interval '1 microsecond')::date as day,
                sum(remaining) as points
            from points_lots
            where points_lots.member = loyalty_members.id and remaining > 0 and expires_at > :now
            group by day
        ) as expiring
    ) as expiring
    from loyalty_members
""")
STATEMENT: Final = Statement("""
    select id, kind, purchase, occurred_at, (
        select json_object_agg(account, growth) from (
            select account, sum(
                case when (account = 'debt') = (side = 'debit') then points else -points end
            ) as growth
            from points_postings
            where points_postings.entry = points_entries.id
                and account in ('available', 'pending', 'held', 'debt')
            group by account
        ) as change
    ) as change
    from points_entries
    where member = :member and (:after::text is null or id < :after)
    order by id desc
    limit :limit
""")


class PostgresRewards:
    def __init__(self, connection: Any, now: datetime, programme: LoyaltyProgramme) -> None:
        self._connection = connection
        self._now = now
        self._programme = programme

    async def get_by_customer(self, customer: CustomerId) -> RewardBalance:
        return await self._rewards("customer", customer)

    async def get(self, member: MemberId) -> RewardBalance:
        return await self._rewards("id", member)

    async def list_entries(
        self, member: MemberId, *, after: EntryId | None, limit: int
    ) -> list[PointsStatementEntry]:
        rows = await self._connection.fetch(*STATEMENT(member=member, after=after, limit=limit))
        return [
            PointsStatementEntry(
                row["id"],
                EntryKind(row["kind"]),
                row["purchase"],
                row["occurred_at"],
                msgspec.json.decode(row["change"], type=PointsBalance),
            )
            for row in rows
        ]

    async def _rewards(self, field: str, who: str) -> RewardBalance:
        query = Statement(f"{REWARDS} where {field} = :who")
        row = await self._connection.fetchrow(
            *query(who=who, now=self._now, zone=self._programme.zone)
        )
        if row is None:
            raise NotMember
        return RewardBalance(
            member=row["id"],
            balance=PointsBalance(row["available"], row["pending"], row["held"], row["debt"]),
            expiring=msgspec.json.decode(row["expiring"], type=list[ExpiringPoints]),
            tier=None,
            as_of=self._now,
        )
