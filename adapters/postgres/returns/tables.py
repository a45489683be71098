"""Tables of returns."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    text,
)

from adapters.postgres.db.column_types import (
    Instant,
    Key,
    document,
    instant,
    key,
    metadata,
    version,
    words,
)

returns = Table(
    "returns",
    metadata,
    key("id", primary_key=True),
    Column("order_id", Key, ForeignKey("orders.id")),
    key("store", ForeignKey("stores.store")),
    Column("customer", Key),
    key("channel"),
    words("state"),
    key("currency"),
    document("lines", "[]"),
    document("refunds", "[]"),
    document("proposals", "[]"),
    Column("receipt", Key),
    words("note"),
    key("by"),
    key("decided_by", server_default=text("''")),
    Column("received_at", Instant),
    version(),
    instant("created_at"),
    instant("changed_at"),
    CheckConstraint("state in ('announced', 'received', 'cancelled')", name="state"),
)
Index(None, returns.c.store, returns.c.state, returns.c.id)
Index(None, returns.c.order_id)
