"""What follows and who listens, what was looked through, and who may call."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.postgres.tables.kinds import (
    Instant,
    Key,
    count,
    document,
    instant,
    key,
    metadata,
    words,
)

# The secret is kept as it is: every call is signed with it.
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
    words("repair"),  # what the lines of its shelves in the ledger of goods call it
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

messages = Table(
    "messages",
    metadata,
    key("id", primary_key=True),
    Column("customer", Key),
    words("kind"),
    key("key"),
    document("about"),
    words("purpose"),
    Column("channel", Text),
    Column("locale", Text),
    words("state"),
    Column("reason", Text),
    Column("subject", Text),
    count("tries"),
    count("claims"),
    Column("given_up", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    document("trace", "[]"),
    Column("provider_id", Text),
    instant("planned_for"),
    instant("not_after"),
    Column("leased_until", Instant),
    Column("sent_at", Instant),
    instant("created_at"),
    instant("changed_at"),
    UniqueConstraint("kind", "key"),
)
Index("messages_due_idx", messages.c.planned_for, postgresql_where=text("state = 'planned'"))
Index("messages_leased_idx", messages.c.leased_until, postgresql_where=text("state = 'claimed'"))
Index(None, messages.c.customer, messages.c.id)

keys = Table(
    "keys",
    metadata,
    key("id", primary_key=True),
    words("role"),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("stores", ARRAY(Key), nullable=False, server_default=text("'{}'::text[]")),
    words("terminal"),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    words("hint"),
    instant("created_at"),
    Column("revoked_at", Instant),
)

requests = Table(
    "requests",
    metadata,
    key("principal"),
    key("key"),
    Column("digest", LargeBinary, nullable=False),
    Column("answer", LargeBinary),
    instant("created_at"),
    PrimaryKeyConstraint("principal", "key"),
)
Index(None, requests.c.created_at)

trespasses = Table(
    "trespasses",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("caller"),
    words("role"),
    words("operation"),
    key("object"),
    instant("at"),
)
Index(None, trespasses.c.at)

job_slots = Table(
    "job_slots",
    metadata,
    key("job"),
    instant("slot"),
    words("node"),
    PrimaryKeyConstraint("job", "slot"),
)
