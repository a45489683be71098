"""Tables of webhooks, repairs, audits, events and periodic jobs."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Table,
    text,
)

from adapters.postgres.db.column_types import (
    Instant,
    count,
    document,
    instant,
    key,
    metadata,
    words,
)

# The secret is stored in plain text: every call is signed with it.
webhooks = Table(
    "webhooks",
    metadata,
    key("id", primary_key=True),
    words("url"),
    words("secret"),
    words("state", server_default=text("'active'")),
    Column("position", BigInteger, nullable=False),
    Column("batch_end", BigInteger),
    count("attempts"),
    words("last_error"),
    Column("failing_since", Instant),
    instant("created_at"),
    instant("due_at"),
    CheckConstraint("state in ('active', 'disabled')", name="state"),
    CheckConstraint("batch_end > position", name="batch_end"),
)

repairs = Table(
    "repairs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("invariant"),
    document("about"),
    Column("expected", BigInteger, nullable=False),
    Column("actual", BigInteger, nullable=False),
    instant("repaired_at"),
    words("repair_id"),  # its source in the lines of the stock ledger
)
Index(None, repairs.c.repair_id)

audits = Table(
    "audits",
    metadata,
    key("name", primary_key=True),
    instant("audited_at"),
    Column("checked", BigInteger, nullable=False),
    Column("broken", BigInteger, nullable=False),
    Column("unfinished", Boolean, nullable=False, server_default=text("false")),
)

outbox_events = Table(
    "outbox_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("kind"),
    document("body"),
    instant("recorded_at"),
    instant("due_at"),
    count("attempts"),
    words("last_error"),
)
Index(None, outbox_events.c.due_at)

job_runs = Table(
    "job_runs",
    metadata,
    key("job"),
    instant("scheduled_at"),
    words("node"),
    PrimaryKeyConstraint("job", "scheduled_at"),
)
