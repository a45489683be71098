"""What a ledger says is never rewritten, and every entry of points balances."""

from alembic import op

revision = "2026_11_23_1710"
down_revision = "2026_11_23_1700"
branch_labels = None
depends_on = None

REFUSE_TO_REWRITE = """
create function refuse_to_rewrite() returns trigger language plpgsql as $$
begin
    raise exception '% is a ledger: what it says is never rewritten', tg_table_name
        using errcode = 'restrict_violation';
end $$
"""
REFUSE_IMBALANCE = """
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


def upgrade() -> None:
    op.execute(REFUSE_TO_REWRITE)
    for ledger in ("movements", "entries", "postings", "repairs"):
        op.execute(
            f"create trigger kept before update or delete or truncate on {ledger}"
            " for each statement execute function refuse_to_rewrite()"
        )
    op.execute(REFUSE_IMBALANCE)
    op.execute(
        "create trigger balanced after insert on postings referencing new table as added"
        " for each statement execute function refuse_imbalance()"
    )
