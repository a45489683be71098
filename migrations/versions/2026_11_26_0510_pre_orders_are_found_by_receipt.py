"""An order that was paid at a till is found by its receipt."""

from alembic import op

revision = "2026_11_26_0510"
down_revision = "2026_11_26_0500"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        insert into order_words (kind, word, order_id)
        select 'receipt', payment ->> 'receipt', id from orders
        where payment ->> 'receipt' is not null
        on conflict do nothing
        """
    )
