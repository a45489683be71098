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
    Column("until", BigInteger),
    count("attempts"),
    words("trouble"),
    Column("failing_since", Instant),
    instant("created_at"),
    instant("due_at"),
    CheckConstraint("state in ('active', 'disabled')", name="state"),
    CheckConstraint("until > position", name="until"),
)

repairs = Table(
    "repairs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("invariant"),
    document("about"),
    Column("expected", BigInteger, nullable=False),
    Column("actual", BigInteger, nullable=False),
    instant("at"),
    words("repair"),  # its source in the lines of the stock ledger
)
Index(None, repairs.c.repair)

audits = Table(
    "audits",
    metadata,
    key("name", primary_key=True),
    instant("at"),
    Column("checked", BigInteger, nullable=False),
    Column("broken", BigInteger, nullable=False),
    Column("unfinished", Boolean, nullable=False, server_default=text("false")),
)

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("kind"),
    document("body"),
    instant("recorded_at"),
    instant("due_at"),
    count("attempts"),
    words("trouble"),
)
Index(None, events.c.due_at)

job_slots = Table(
    "job_slots",
    metadata,
    key("job"),
    instant("slot"),
    words("node"),
    PrimaryKeyConstraint("job", "slot"),
)
