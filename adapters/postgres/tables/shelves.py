"""Stock: the shelves, and the ledger they can be rebuilt from."""

from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

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

stock = Table(
    "stock",
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

movements = Table(
    "movements",
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
Index(None, movements.c.sku, movements.c.store, movements.c.id)
Index(None, movements.c.occurred_at, postgresql_using="brin")

# Written only when what is unavailable moves, so that the shelf's row stays narrow.
blocked = Table(
    "blocked",
    metadata,
    key("sku"),
    key("store", ForeignKey("stores.store")),
    key("condition"),
    count("units"),
    PrimaryKeyConstraint("sku", "store", "condition"),
    CheckConstraint("units >= 0", name="units"),
)


def as_changed() -> list[Column[Any]]:
    """A shelf as a change left it, and why it changed.

    `channel` stands only where it is no shelf that has changed, but what a channel makes of many.
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


feed_inbox = Table(
    "feed_inbox",
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
    Column("kept_for", TIMESTAMP),
    CheckConstraint("floor between 0 and cap", name="floor"),
)

# Shelves whose safety stock is raised for walk-ins, and what it was by hand.
walk_ins = Table(
    "walk_ins",
    metadata,
    key("store", ForeignKey("stores.store")),
    key("sku"),
    count("by_hand"),
    PrimaryKeyConstraint("store", "sku"),
)

counts = Table(
    "counts",
    metadata,
    key("store"),
    key("sku"),
    Column("counted", Integer),
    Column("safety_stock", Integer),
    Column("counted_at", Instant),
    instant("as_of"),
    Column("said_at", Instant),
    PrimaryKeyConstraint("sku", "store"),
)

sales = Table(
    "sales",
    metadata,
    key("id", primary_key=True),
    words("kind"),
    key("store"),
    words("terminal"),
    Column("member", Key),
    Column("of", Key),
    Column("digest", LargeBinary, nullable=False),
    document("lines", "[]"),
    document("tenders", "[]"),
    key("actor"),
    instant("occurred_at"),
    instant("recorded_at"),
    CheckConstraint("kind in ('sale', 'return', 'awaited')", name="kind"),
)
Index("sales_of_idx", sales.c.of, postgresql_where=text('"of" is not null'))

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
