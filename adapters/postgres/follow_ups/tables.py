"""Tables of messages to customers."""

from sqlalchemy import (
    Column,
    Index,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.postgres.db.column_types import (
    Instant,
    Key,
    count,
    document,
    instant,
    key,
    metadata,
    words,
)

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
    Column("failed_channels", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    document("trace", "[]"),
    Column("provider_id", Text),
    instant("planned_for"),
    instant("send_before"),
    Column("leased_until", Instant),
    Column("sent_at", Instant),
    instant("created_at"),
    instant("changed_at"),
    UniqueConstraint("kind", "key"),
)
Index("messages_due_idx", messages.c.planned_for, postgresql_where=text("state = 'planned'"))
Index("messages_leased_idx", messages.c.leased_until, postgresql_where=text("state = 'claimed'"))
Index(None, messages.c.customer, messages.c.id)
