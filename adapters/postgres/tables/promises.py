"""What is promised of the shelves, and what comes in."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    text,
)

from adapters.postgres.tables.kinds import (
    Instant,
    Key,
    count,
    document,
    instant,
    key,
    metadata,
    version,
    words,
)

allocations = Table(
    "allocations",
    metadata,
    key("group_id"),
    key("line"),
    key("sku"),
    key("store"),
    count("quantity"),
    count("consumed"),
    count("released"),
    PrimaryKeyConstraint("group_id", "line", "sku"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("consumed >= 0", name="consumed"),
    CheckConstraint("released >= 0", name="released"),
    CheckConstraint("consumed + released <= quantity", name="open"),
)
Index(
    "allocations_open_idx",
    allocations.c.store,
    allocations.c.sku,
    postgresql_where=text("quantity > consumed + released"),
)

transfers = Table(
    "transfers",
    metadata,
    key("id", primary_key=True),
    key("origin", ForeignKey("stores.store")),
    key("destination", ForeignKey("stores.store")),
    document("lines", "[]"),
    key("sent_by"),
    instant("sent_at"),
    words("state"),
    key("closed_by", server_default=text("''")),
    Column("closed_at", Instant),
    version(),
    Column("due_on", Date),
    CheckConstraint("state in ('in_transit', 'closed')", name="state"),
    CheckConstraint("origin <> destination", name="ends"),
)
Index(None, transfers.c.origin, transfers.c.id)
Index(None, transfers.c.destination, transfers.c.id)

deliveries = Table(
    "deliveries",
    metadata,
    key("id", primary_key=True),
    key("destination", ForeignKey("stores.store")),
    document("lines", "[]"),
    words("state"),
    words("reference"),
    Column("external_id", Key, unique=True),
    Column("due_on", Date, nullable=False),
    Column("due_at", Instant),
    key("announced_by"),
    instant("announced_at"),
    key("closed_by", server_default=text("''")),
    Column("closed_at", Instant),
    version(),
    CheckConstraint("state in ('expected', 'closed', 'cancelled')", name="state"),
)
Index(None, deliveries.c.destination, deliveries.c.id)

# What open deliveries and transfers still bring, found by its sku.
incoming = Table(
    "incoming",
    metadata,
    key("sku"),
    key("store", ForeignKey("stores.store")),
    key("source"),
    count("units"),
    Column("due_on", Date),
    PrimaryKeyConstraint("sku", "store", "source"),
    CheckConstraint("units > 0", name="units"),
)
Index(None, incoming.c.source)

holds = Table(
    "holds",
    metadata,
    key("id", primary_key=True),
    words("state"),
    Column("customer", Key, ForeignKey("customers.id")),
    Column("cart", Key),
    document("lines", "[]"),
    document("units"),
    instant("created_at"),
    instant("held_until"),
    key("attempt", server_default=text("''")),
    Column("pinned_until", Instant),
    key("channel", server_default=text("'web'")),
)
Index(
    "holds_due_idx",
    holds.c.held_until,
    postgresql_where=text("state = 'active'"),
)

hold_units = Table(
    "hold_units",
    metadata,
    key("hold"),
    key("sku"),
    key("store"),
    Column("customer", Key),
    count("quantity"),
    instant("held_until"),
    PrimaryKeyConstraint("hold", "sku", "store"),
    CheckConstraint("quantity > 0", name="quantity"),
)
Index(None, hold_units.c.held_until)
Index(
    "hold_units_customer_idx",
    hold_units.c.customer,
    hold_units.c.sku,
    postgresql_where=text("customer is not null"),
)
