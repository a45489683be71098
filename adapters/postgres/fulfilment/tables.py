"""Tables of pickups, shipments and the stock that is allocated to them."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
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
    version,
    words,
)

allocations = Table(
    "allocations",
    metadata,
    key("fulfilment_id"),
    key("line"),
    key("sku"),
    key("store"),
    count("quantity"),
    count("consumed"),
    count("released"),
    PrimaryKeyConstraint("fulfilment_id", "line", "sku"),
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

pickups = Table(
    "pickups",
    metadata,
    key("id", primary_key=True),
    key("order_id", ForeignKey("orders.id")),
    key("store", ForeignKey("stores.store")),
    Column("customer", Key),
    words("state"),
    document("lines", "[]"),
    count("revision", server_default=text("1")),
    Column("code_hash", LargeBinary),
    count("tries"),
    words("bin"),
    instant("promised_from"),
    instant("promised_until"),
    Column("ready_at", Instant),
    Column("collect_by", Instant),
    Column("collected_at", Instant),
    words("collected_by"),
    words("proof"),
    words("reason"),
    version(),
    instant("placed_at"),
    instant("changed_at"),
)
Index(None, pickups.c.store, pickups.c.state, pickups.c.id)
Index(None, pickups.c.order_id)
Index(None, pickups.c.store, pickups.c.order_id)
Index(None, pickups.c.code_hash)
Index(
    "pickups_waiting_key",
    pickups.c.code_hash,
    unique=True,
    postgresql_where=text("state = 'ready'"),
)

shipments = Table(
    "shipments",
    metadata,
    key("id", primary_key=True),
    key("order_id", ForeignKey("orders.id")),
    key("store", ForeignKey("stores.store")),
    Column("customer", Key),
    words("state"),
    document("lines", "[]"),
    words("method"),
    Column("promised_from", Instant),
    Column("promised_until", Instant),
    document("parcels", "[]"),
    Column("shipped_at", Instant),
    Column("delivered_at", Instant),
    words("reason"),
    version(),
    instant("placed_at"),
    instant("changed_at"),
)
Index(None, shipments.c.store, shipments.c.state, shipments.c.id)
Index(None, shipments.c.order_id)
Index(None, shipments.c.store, shipments.c.order_id)
