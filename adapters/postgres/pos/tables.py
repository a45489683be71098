"""Tables of receipts and incidents."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    text,
)

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

receipts = Table(
    "receipts",
    metadata,
    key("id", primary_key=True),
    words("kind"),
    key("store"),
    words("terminal"),
    Column("member", Key),
    Column("original_receipt", Key),
    Column("digest", LargeBinary, nullable=False),
    document("lines", "[]"),
    document("tenders", "[]"),
    key("actor"),
    instant("occurred_at"),
    instant("recorded_at"),
    CheckConstraint("kind in ('sale', 'return', 'awaited')", name="kind"),
)
Index(
    "receipts_original_receipt_idx",
    receipts.c.original_receipt,
    postgresql_where=text("original_receipt is not null"),
)

incidents = Table(
    "incidents",
    metadata,
    key("id", primary_key=True),
    key("store", ForeignKey("stores.store")),
    key("sku"),
    words("kind"),
    words("state", server_default=text("'open'")),
    count("units"),
    count("receipts"),
    instant("since"),
    instant("until"),
    words("note"),
    key("settled_by", server_default=text("''")),
    Column("settled_at", Instant),
    instant("opened_at"),
    instant("changed_at"),
    CheckConstraint("state in ('open', 'settled')", name="state"),
)
Index(
    "incidents_open_key",
    incidents.c.store,
    incidents.c.sku,
    incidents.c.kind,
    unique=True,
    postgresql_where=text("state = 'open'"),
)
Index(None, incidents.c.store, incidents.c.id)
