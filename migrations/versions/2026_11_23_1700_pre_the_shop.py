"""The shop: places, catalogue, stock, carts, orders, pickups, people, points, messages, callers."""

from pathlib import Path

from alembic import op

revision = "2026_11_23_1700"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    for statement in statements.split(";\n"):
        if statement.strip():
            op.execute(statement)
