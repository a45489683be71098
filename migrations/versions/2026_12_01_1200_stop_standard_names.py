"""Renames tables and columns to standard terms; every process is stopped meanwhile."""

from pathlib import Path

from alembic import op

revision = "2026_12_01_1200"
down_revision = "2026_11_26_0530"
branch_labels = None
depends_on = None


def upgrade() -> None:
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    for statement in statements.split(";\n\n"):
        op.get_bind().exec_driver_sql(statement)
