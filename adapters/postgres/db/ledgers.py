"""The rules that the database itself enforces for every ledger.

A ledger is append-only. All postings of an entry of points are added by one
statement, so whatever a statement adds must balance.
"""

from typing import Final

LEDGERS: Final = ("movements", "entries", "postings", "repairs")

REFUSE_TO_REWRITE: Final = """
create function refuse_to_rewrite() returns trigger language plpgsql as $$
begin
    raise exception '% is a ledger: what it says is never rewritten', tg_table_name
        using errcode = 'restrict_violation';
end $$
"""
KEPT: Final = """
create trigger kept before update or delete or truncate on {ledger}
for each statement execute function refuse_to_rewrite()
"""
REFUSE_IMBALANCE: Final = """
create function refuse_imbalance() returns trigger language plpgsql as $$
begin
    if exists (
        select from added group by entry
        having sum(points) filter (where side = 'debit')
            is distinct from sum(points) filter (where side = 'credit')
    ) then
        raise exception 'an entry of points has to balance'
            using errcode = 'check_violation';
    end if;
    return null;
end $$
"""
BALANCED: Final = """
create trigger balanced after insert on postings referencing new table as added
for each statement execute function refuse_imbalance()
"""

BLOCKINGS: Final = """
    (
        select store, sku, condition, units::int as units, recorded_at
        from movements, jsonb_each_text(
            coalesce(conditions, jsonb_build_object('quality_check', unavailable))
        ) as moved (condition, units)
        where unavailable <> 0
    )
"""
"""What lines of the ledger say of conditions; older ones name none, and meant the only one."""

RULES: Final = (
    REFUSE_TO_REWRITE,
    *(KEPT.format(ledger=ledger) for ledger in LEDGERS),
    REFUSE_IMBALANCE,
    BALANCED,
)
