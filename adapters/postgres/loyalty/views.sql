-- A row for each posting, with `change`: the points that it adds to its account.
create view points_changes as
select points_entries.member, lot, account, side, points,
    case when (account in ('debt', 'issuance')) = (side = 'debit') then points else -points end
        as change
from points_postings join points_entries on points_entries.id = points_postings.entry;

-- The balances of each member, by the ledger.
create view points_balances as
select member,
    coalesce(sum(change) filter (where account = 'pending'), 0)::bigint as pending,
    coalesce(sum(change) filter (where account = 'available'), 0)::bigint as available,
    coalesce(sum(change) filter (where account = 'held'), 0)::bigint as held,
    coalesce(sum(change) filter (where account = 'debt'), 0)::bigint as debt
from points_changes group by member;

-- The points of each lot, by the ledger.
create view points_lot_balances as
select lot,
    coalesce(sum(change) filter (where account = 'pending'), 0)::bigint as pending,
    coalesce(sum(change) filter (where account = 'available'), 0)::bigint as remaining,
    coalesce(-sum(change) filter (where account = 'issuance' and change < 0), 0)::bigint
        as reversed
from points_changes where lot is not null group by lot;
