"""A refund that its bank sends back is known of its payment."""

from alembic import op

revision = "2026_11_26_0500"
down_revision = "2026_11_26_0150"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table attempts
            add column refund_failed bigint not null default 0,
            drop constraint attempts_refunded_check,
            add constraint attempts_refunded_check check (
                refunded >= 0 and refund_failed between 0 and refunded
                and refunded - refund_failed <= captured
            ) not valid
        """
    )
    op.execute("alter table attempts validate constraint attempts_refunded_check")
