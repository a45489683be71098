"""The rules that the database itself enforces for every ledger.

A ledger is append-only. All postings of an entry of points are added by one
statement, so whatever a statement adds must balance.
"""

from typing import Final

LEDGERS: Final = ("stock_movements", "points_entries", "points_postings", "repairs")

REJECT_REWRITE: Final = """
create function reject_rewrite() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: rows are never updated or deleted', tg_table_name
        using errcode = 'restrict_violation';
end $$
"""
APPEND_ONLY: Final = """
create trigger append_only before update or delete or truncate on {ledger}
for each statement execute function reject_rewrite()
"""
REJECT_IMBALANCE: Final = """
create function reject_imbalance() returns trigger language plpgsql as $$
begin
    if exists (
        select from added group by entry
        having sum(points) filter (where side = 'debit')
            is distinct from sum(points) filter (where side = 'credit')
    ) then
        raise exception 'the postings of a points entry must balance'
            using errcode = 'check_violation';
    end if;
    return null;
end $$
"""
BALANCED: Final = """
create trigger balanced after insert on points_postings referencing new table as added
for each statement execute function reject_imbalance()
"""

RULES: Final = (
    REJECT_REWRITE,
    *(APPEND_ONLY.format(ledger=ledger) for ledger in LEDGERS),
    REJECT_IMBALANCE,
    BALANCED,
)
