-- Adds points entries with their postings and new lots, and the sums to lots and members.
with entry as (
    insert into points_entries (id, member, kind, source, purchase, occurred_at, recorded_at)
    select *, :now::timestamptz from unnest(
        :entry_ids::text[], :entry_members::text[], :entry_kinds::text[],
            :entry_sources::text[], :entry_purchases::text[], :entry_occurred_ats::timestamptz[]
    )
    on conflict (kind, source) do nothing
    returning id, member
), posting as (
    insert into points_postings (entry, position, account, side, points, lot)
    select p.entry, p.position, p.account, p.side, p.points, p.lot
    from unnest(
        :posting_entries::text[], :positions::int[], :accounts::text[], :sides::text[],
            :points::bigint[], :posting_lots::text[]
    ) as p (entry, position, account, side, points, lot)
    join entry on entry.id = p.entry
    returning entry, account, lot,
        case when (account in ('debt', 'issuance')) = (side = 'debit')
            then points else -points
        end as growth
), change as (
    select entry.member, lot,
        coalesce(sum(growth) filter (where account = 'pending'), 0) as pending,
        coalesce(sum(growth) filter (where account = 'available'), 0) as available,
        coalesce(sum(growth) filter (where account = 'held'), 0) as held,
        coalesce(sum(growth) filter (where account = 'debt'), 0) as debt,
        coalesce(-sum(growth) filter (where account = 'issuance' and growth < 0), 0) as reversed
    from posting join entry on entry.id = posting.entry
    group by entry.member, lot
), fresh as (
    insert into points_lots (id, member, purchase, line, granted, earned_at, origin,
        activates_at,
        pending, remaining)
    select l.id, change.member, l.purchase, l.line, l.granted, l.earned_at, l.origin,
        l.activates_at, change.pending, change.available
    from unnest(
        :lot_ids::text[], :lot_purchases::text[], :lot_lines::text[], :granted::bigint[],
            :earned_ats::timestamptz[], :origins::text[],
        :activates_ats::timestamptz[]
    ) as l (id, purchase, line, granted, earned_at, origin, activates_at)
    join change on change.lot = l.id
), moved as (
    update points_lots set
        pending = points_lots.pending + change.pending,
        remaining = points_lots.remaining + change.available,
        reversed = points_lots.reversed + change.reversed
    from change where points_lots.id = change.lot
)
update loyalty_members set
    pending = loyalty_members.pending + change.pending,
    available = loyalty_members.available + change.available,
    held = loyalty_members.held + change.held,
    debt = loyalty_members.debt + change.debt
from (
    select member, sum(pending)::bigint as pending, sum(available)::bigint as available,
        sum(held)::bigint as held, sum(debt)::bigint as debt
    from change group by member
) as change
where loyalty_members.id = change.member
