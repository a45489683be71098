"""The ledger of points: entries are only ever added, balances and lots move with them.

The membership's row is locked first, so that everything about one member happens one after the
other. Balances and lots are changed by sums of the very postings that are written, in the same
statement.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from adapters.postgres.db.statements import Statement
from domain.kernel.ids import CustomerId, MemberId, OrderId, Sku
from domain.loyalty import points
from domain.loyalty.points import (
    EntryId,
    EntryKind,
    LotId,
    LoyaltyProgramme,
    PointsBalance,
    PointsEntry,
    PointsLot,
    Posting,
    Purchase,
)

BUYERS: Final = Statement("""
    select customer, id from loyalty_members where customer = any(:customers::text[])
        and status <> 'closed'
    order by id for no key update
""")
LOCK_CUSTOMER: Final = Statement("""
    select id from loyalty_members where customer = :customer
        and status <> 'closed' for no key update
""")
LOCK_BUYER: Final = Statement("""
    select id, debt from loyalty_members
    where id = (select member from points_lots where purchase = :order limit 1) for no key update
""")
LOT_FIELDS: Final = PointsLot.__struct_fields__
NEW_LOT_FIELDS: Final = ("id", "purchase", "line", "granted", "earned_at", "origin", "activates_at")
ENTRY_FIELDS: Final = ("id", "member", "kind", "source", "purchase", "occurred_at")
SHIPPED: Final = LoyaltyProgramme()
LOT: Final = ", ".join(LOT_FIELDS)
IS_POSTED: Final = Statement(
    "select exists (select from points_entries where kind = :kind and source = :source)"
)
LOTS_TO_CONFIRM: Final = Statement(f"""
    select {LOT} from points_lots
    where purchase = :order and line = any(:lines::text[]) and origin is null and pending > 0
    order by line
""")
PROMISES: Final = Statement(f"""
    select {LOT} from points_lots
    where purchase = :order and line = any(:lines::text[]) and origin is null
""")
GRANT_MORE: Final = Statement("""
    update points_lots set granted = points_lots.granted + more.points
    from unnest(:lots::text[], :granted::bigint[]) as more (id, points)
    where points_lots.id = more.id
""")
LOCK_MEMBERS: Final = Statement("""
    select id, debt from loyalty_members where id = any(:members::text[])
    order by id for no key update
""")
LOCK_BUYERS: Final = Statement("""
    select id from loyalty_members
    where id in (select member from points_lots where purchase = any(:purchases::text[]))
    order by id for no key update
""")
LOCK_BOTH: Final = Statement("""
    select id from loyalty_members
    where id = any(:members::text[]) or id in (select member from points_lots
    where purchase = any(:purchases::text[]))
    order by id for no key update
""")
MEANT: Final = Statement("""
    select said, loyalty_members.id from unnest(:said::text[]) as said
    left join customers on customers.external_id = said
    join loyalty_members on loyalty_members.id = said or loyalty_members.customer = customers.id
    where status <> 'closed'
    order by said, loyalty_members.id = said
""")
AVAILABLE: Final = Statement(
    "select id, available from loyalty_members where id = any(:members::text[])"
)
LOTS_OF_PURCHASES: Final = Statement(
    f"select member, {LOT} from points_lots where purchase = any(:purchases::text[])"
)
LOTS_LEFT: Final = Statement(f"""
    select member, {LOT} from points_lots
    where member = any(:members::text[]) and purchase <> all(:purchases::text[]) and remaining > 0
""")
LOTS_OF: Final = Statement(f"select {LOT} from points_lots where purchase = :order")
OTHER_LOTS: Final = Statement(f"""
    select {LOT} from points_lots where member = :member and purchase <> :order and remaining > 0
""")
LOCK_DUE: Final = Statement("""
    select id, debt from loyalty_members
    where id in (
        select member from points_lots where pending > 0 and activates_at <= :now
        order by activates_at limit :limit
    )
    order by id
    for no key update skip locked
""")
LOTS_DUE: Final = Statement(f"""
    select member, {LOT} from points_lots
    where member = any(:members::text[]) and pending > 0 and activates_at <= :now
    order by member, activates_at, id
""")
POST: Final = Statement.read(Path(__file__).with_name("post_points.sql"))


class PostgresPoints:
    def __init__(
        self,
        connection: Any,
        now: datetime,
        new_id: Callable[[str], str],
        programme: LoyaltyProgramme,
    ) -> None:
        self._connection = connection
        self._now = now
        self._new_id = new_id
        self._programme = programme

    async def get_members(self, customers: Collection[CustomerId]) -> dict[CustomerId, MemberId]:
        return dict(await self._connection.fetch(*BUYERS(customers=list(customers))))

    async def add_pending(self, purchases: Collection[Purchase]) -> None:
        entries, lots = [], []
        for purchase in purchases:
            grants = [
                self._lot(purchase.id, line, purchase.lines[line])
                for line in sorted(_some(purchase.lines))
            ]
            promised = points.pending_entry(grants)
            entries.append(
                self._entry(purchase.member, EntryKind.PROMISED, purchase.id, purchase.id, promised)
            )
            lots += grants
        await self._post(entries, lots)

    async def add_pending_lines(
        self, customer: CustomerId, order: OrderId, lines: Mapping[str, int], source: str
    ) -> None:
        member = await self._connection.fetchval(*LOCK_CUSTOMER(customer=customer))
        if member is None or await self._is_posted(EntryKind.PROMISED, source):
            return
        rows = await self._connection.fetch(*PROMISES(order=order, lines=list(lines)))
        lots = {row["line"]: replace(PointsLot(**row), granted=lines[row["line"]]) for row in rows}
        fresh = [self._lot(order, line, lines[line]) for line in sorted(lines) if line not in lots]
        known = list(lots.values())
        await self._connection.execute(
            *GRANT_MORE(lots=[lot.id for lot in known], granted=[lot.granted for lot in known])
        )
        promised = points.pending_entry([*known, *fresh])
        await self._post([self._entry(member, EntryKind.PROMISED, source, order, promised)], fresh)

    async def confirm(self, order: OrderId, lines: Mapping[Sku, int], source: str) -> None:
        buyer = await self._connection.fetchrow(*LOCK_BUYER(order=order))
        if buyer is None or await self._is_posted(EntryKind.CONFIRMED, source):
            return
        rows = await self._connection.fetch(*LOTS_TO_CONFIRM(order=order, lines=_some(lines)))
        promises = [PointsLot(**row) for row in rows]
        lots = [self._taken_over(promise, lines[promise.line]) for promise in promises]
        confirmed = [
            posting
            for promise, lot in zip(promises, lots, strict=True)
            for posting in points.post_confirmation(promise, lot)
        ]
        entry = self._entry(buyer["id"], EntryKind.CONFIRMED, source, order, confirmed)
        await self._post([entry, self._repayment(entry, buyer["debt"])], lots)

    async def reverse(self, order: OrderId, lines: Mapping[Sku, int], source: str) -> None:
        buyer = await self._connection.fetchrow(*LOCK_BUYER(order=order))
        if buyer is None or await self._is_posted(EntryKind.REVERSED, source):
            return
        lots = [PointsLot(**row) for row in await self._connection.fetch(*LOTS_OF(order=order))]
        if not points.cover(lines, lots):
            rows = await self._connection.fetch(*OTHER_LOTS(member=buyer["id"], order=order))
            lots += [PointsLot(**row) for row in rows]
        taken = list(points.deduct(order, lines, lots))
        await self._post([self._entry(buyer["id"], EntryKind.REVERSED, source, order, taken)])

    async def find_members(self, said: Collection[str]) -> dict[str, MemberId]:
        return dict(await self._connection.fetch(*MEANT(said=list(said))))

    async def get_available(self, members: Collection[MemberId]) -> dict[MemberId, int]:
        return dict(await self._connection.fetch(*AVAILABLE(members=list(members))))

    async def lock(self, members: Collection[MemberId], purchases: Collection[str]) -> None:
        await self._connection.execute(*LOCK_BOTH(members=list(members), purchases=list(purchases)))

    async def earn(self, purchases: Collection[Purchase]) -> None:
        members = {purchase.member for purchase in purchases}
        debts = dict(await self._connection.fetch(*LOCK_MEMBERS(members=list(members))))
        entries, lots = [], []
        for purchase in purchases:
            paid = [self._paid(purchase, line) for line in sorted(_some(purchase.lines))]
            entry = self._entry(
                purchase.member,
                EntryKind.EARNED,
                purchase.id,
                purchase.id,
                points.post_earning(paid),
            )
            repayment = self._repayment(entry, debts[purchase.member])
            debts[purchase.member] -= sum(one.points for one in repayment.postings) // 2
            entries += [replace(entry, occurred_at=purchase.paid_at), repayment]
            lots += paid
        await self._post(entries, lots)

    async def deduct(self, returned: Mapping[str, Mapping[Sku, tuple[int, int]]]) -> None:
        purchases = list(returned)
        members = [
            row["id"] for row in await self._connection.fetch(*LOCK_BUYERS(purchases=purchases))
        ]
        lots = await self._lots(LOTS_OF_PURCHASES(purchases=purchases))
        buyers = {lot.purchase: member for member in lots for lot in lots[member]}
        due = {
            purchase: points.points_to_deduct(purchase, returned[purchase], lots[buyers[purchase]])
            for purchase in sorted(buyers)
        }
        if not all(
            points.cover(due[one], _of(one, lots[buyers[one]]), earned_only=True) for one in due
        ):
            for member, others in (
                await self._lots(LOTS_LEFT(members=members, purchases=purchases))
            ).items():
                lots[member] += others
        entries = []
        for purchase, lines in due.items():
            member = buyers[purchase]
            taken = list(points.deduct(purchase, lines, lots[member], earned_only=True))
            lots[member] = [lot.apply(taken) for lot in lots[member]]
            source = f"{purchase}/{sum(back for back, _ in returned[purchase].values())}"
            entries.append(self._entry(member, EntryKind.REVERSED, source, purchase, taken))
        await self._post(entries)

    async def _lots(self, query: tuple[Any, ...]) -> dict[MemberId, list[PointsLot]]:
        lots: dict[MemberId, list[PointsLot]] = {}
        for member, *values in await self._connection.fetch(*query):
            lots.setdefault(member, []).append(PointsLot(*values))
        return lots

    def _paid(self, purchase: Purchase, line: Sku) -> PointsLot:
        """The lot of a line that was paid at once; its clock started then."""
        activates_at = self._programme.activates_at(purchase.paid_at)
        waits = activates_at is not None and activates_at > self._now
        lot = self._lot(purchase.id, line, purchase.lines[line])
        return replace(
            lot, earned_at=purchase.paid_at, activates_at=activates_at if waits else None
        )

    async def activate(self, limit: int) -> int:
        buyers = await self._connection.fetch(*LOCK_DUE(now=self._now, limit=limit))
        debts = {row["id"]: row["debt"] for row in buyers}
        entries = []
        for row in await self._connection.fetch(*LOTS_DUE(members=list(debts), now=self._now)):
            member, lot = row["member"], PointsLot(**{name: row[name] for name in LOT_FIELDS})
            moves = points.post_activation(lot)
            entry = self._entry(member, EntryKind.ACTIVATED, lot.id, lot.purchase, moves)
            repayment = self._repayment(entry, debts[member])
            debts[member] = PointsBalance(debt=debts[member]).apply(repayment.postings).debt
            entries += [entry, repayment]
        await self._post(entries)
        return len(entries) // 2

    async def _is_posted(self, kind: EntryKind, source: str) -> bool:
        """Returns whether it is posted; the member's row is locked, so earlier ones are seen."""
        return bool(await self._connection.fetchval(*IS_POSTED(kind=kind, source=source)))

    def _lot(self, purchase: str, line: Sku, granted: int, **more: Any) -> PointsLot:
        lot = LotId(self._new_id("lot"))
        return PointsLot(lot, purchase, line, granted, earned_at=self._now, **more)

    def _taken_over(self, promise: PointsLot, wanted: int) -> PointsLot:
        """Returns the lot confirmed now from a pending one, at most its remaining points."""
        granted = min(wanted, promise.pending)
        activates_at = self._programme.activates_at(self._now)
        return self._lot(
            promise.purchase, promise.line, granted, origin=promise.id, activates_at=activates_at
        )

    def _entry(
        self,
        member: MemberId,
        kind: EntryKind,
        source: str,
        purchase: str,
        postings: Iterable[Posting],
    ) -> PointsEntry:
        entry = EntryId(self._new_id("ent"))
        return PointsEntry(entry, member, kind, source, purchase, tuple(postings), self._now)

    def _repayment(self, entry: PointsEntry, debt: int) -> PointsEntry:
        moves = points.post_repayment(debt, entry.postings)
        return self._entry(entry.member, EntryKind.REPAID, entry.source, entry.purchase, moves)

    async def _post(
        self, entries: Collection[PointsEntry], lots: Collection[PointsLot] = ()
    ) -> None:
        """Inserts entries with their new lots, and updates balances and lots with them.

        An entry without postings is left out; one whose source was posted before changes nothing.
        """
        stock_display = [entry for entry in entries if entry.postings]
        if not stock_display:
            return
        postings = [
            (entry.id, position, posting.account, posting.side, posting.points, posting.lot)
            for entry in stock_display
            for position, posting in enumerate(entry.postings)
        ]
        await self._connection.execute(
            *POST(
                *_columns(ENTRY_FIELDS, stock_display),
                *zip(*postings, strict=True),
                *_columns(NEW_LOT_FIELDS, lots),
                now=self._now,
            ),
        )


def _of(purchase: str, lots: Iterable[PointsLot]) -> list[PointsLot]:
    return [lot for lot in lots if lot.purchase == purchase]


def _some(lines: Mapping[Sku, int]) -> list[Sku]:
    return [line for line in lines if lines[line]]


def _columns(names: Iterable[str], things: Collection[Struct]) -> list[list[Any]]:
    """The values of each name, one list a name."""
    return [[getattr(thing, name) for thing in things] for name in names]
