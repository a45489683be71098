"""Tables of stock levels, their ledger, holds, inbound goods, counts and the change feed."""

from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

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

# A null of a channel means the value of the installation's settings.
sales_channels = Table(
    "sales_channels",
    metadata,
    key("channel", primary_key=True),
    count("buffer"),
    Column("quantities", Text),
    Column("most", Integer),
    Column("low_at", Integer),
    CheckConstraint("buffer >= 0", name="buffer"),
    CheckConstraint("quantities in ('exact', 'capped', 'hidden')", name="quantities"),
    CheckConstraint("most > 0", name="most"),
    CheckConstraint("low_at >= 0", name="low_at"),
)

channel_buffers = Table(
    "channel_buffers",
    metadata,
    key("channel", ForeignKey("sales_channels.channel")),
    key("sku"),
    count("buffer"),
    PrimaryKeyConstraint("channel", "sku"),
    CheckConstraint("buffer >= 0", name="buffer"),
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

# The units that open deliveries and transfers still bring, indexed by SKU.
incoming_stock = Table(
    "incoming_stock",
    metadata,
    key("sku"),
    key("store", ForeignKey("stores.store")),
    key("source"),
    count("units"),
    Column("due_on", Date),
    PrimaryKeyConstraint("sku", "store", "source"),
    CheckConstraint("units > 0", name="units"),
)
Index(None, incoming_stock.c.source)

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

stock_levels = Table(
    "stock_levels",
    metadata,
    key("store", ForeignKey("stores.store")),
    key("sku"),
    count("on_hand"),
    count("unavailable"),
    count("allocated"),
    count("held"),
    count("staged"),
    count("safety_stock"),
    version(),
    Column("seen_at", Instant),
    Column("missed_at", Instant),
    count("misses"),
    Column("shrink", REAL, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("sku", "store"),
    CheckConstraint("unavailable >= 0", name="unavailable"),
    CheckConstraint("allocated >= 0", name="allocated"),
    CheckConstraint("held >= 0", name="held"),
    CheckConstraint("staged >= 0 and staged <= allocated", name="staged"),
    CheckConstraint("safety_stock >= 0", name="safety_stock"),
    postgresql_with={"fillfactor": "70"},
)

stock_movements = Table(
    "stock_movements",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("store"),
    key("sku"),
    words("kind"),
    count("on_hand"),
    count("unavailable"),
    key("cause"),
    key("actor"),
    instant("occurred_at"),
    instant("recorded_at"),
    Column("conditions", JSONB),
    Column("repaired", JSONB),
    UniqueConstraint("cause", "store", "sku"),
)
Index(None, stock_movements.c.sku, stock_movements.c.store, stock_movements.c.id)
Index(None, stock_movements.c.occurred_at, postgresql_using="brin")

# Written only when unavailable stock changes, so that the stock level's row stays narrow.
stock_conditions = Table(
    "stock_conditions",
    metadata,
    key("sku"),
    key("store", ForeignKey("stores.store")),
    key("condition"),
    count("units"),
    PrimaryKeyConstraint("sku", "store", "condition"),
    CheckConstraint("units >= 0", name="units"),
)


def as_changed() -> list[Column[Any]]:
    """Returns the columns of a stock level after a change, and the reason of the change.

    `channel` is set only where a channel's result over many stock levels changed.
    """
    return [
        key("store"),
        key("sku"),
        *(count(f) for f in ("on_hand", "unavailable", "allocated", "held", "staged")),
        count("safety_stock"),
        Column("version", BigInteger, nullable=False),
        key("cause"),
        instant("recorded_at"),
        Column("channel", Key),
    ]


feed_outbox = Table(
    "feed_outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    *as_changed(),
    # Rows stay for milliseconds: vacuumed by their number, not by their share of an empty table.
    postgresql_with={
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "5000",
    },
)

feed = Table(
    "feed",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    *as_changed(),
)
Index(None, feed.c.sku, feed.c.position)
Index("feed_restated_idx", feed.c.position, postgresql_where=text("channel is not null"))

walk_in_policies = Table(
    "walk_in_policies",
    metadata,
    key("store", ForeignKey("stores.store"), primary_key=True),
    Column("active", Boolean, nullable=False, server_default=text("false")),
    count("floor"),
    count("cap"),
    Column("raised_for", TIMESTAMP),
    CheckConstraint("floor between 0 and cap", name="floor"),
)

# Stock levels whose safety stock is raised for walk-ins, with the value set by hand.
walk_in_safety_stock = Table(
    "walk_in_safety_stock",
    metadata,
    key("store", ForeignKey("stores.store")),
    key("sku"),
    count("manual_safety_stock"),
    PrimaryKeyConstraint("store", "sku"),
)

stock_counts = Table(
    "stock_counts",
    metadata,
    key("store"),
    key("sku"),
    Column("counted", Integer),
    Column("safety_stock", Integer),
    Column("counted_at", Instant),
    instant("as_of"),
    Column("stated_at", Instant),
    PrimaryKeyConstraint("sku", "store"),
)
