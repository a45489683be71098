"""Tables of members, points lots and the points ledger."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from adapters.postgres.db.column_types import Instant, Key, instant, key, metadata, minor, words

loyalty_members = Table(
    "loyalty_members",
    metadata,
    key("id", primary_key=True),
    key("customer", ForeignKey("customers.id"), unique=True),
    words("status", server_default=text("'active'")),
    minor("pending", server_default=text("0")),
    minor("available", server_default=text("0")),
    minor("held", server_default=text("0")),
    minor("debt", server_default=text("0")),
    instant("joined_at"),
    CheckConstraint("pending >= 0", name="pending"),
    CheckConstraint("available >= 0", name="available"),
    CheckConstraint("held >= 0", name="held"),
    CheckConstraint("debt >= 0", name="debt"),
)

points_entries = Table(
    "points_entries",
    metadata,
    key("id", primary_key=True),
    key("member", ForeignKey("loyalty_members.id")),
    words("kind"),
    key("source"),
    key("purchase"),
    instant("occurred_at"),
    instant("recorded_at"),
    UniqueConstraint("kind", "source"),
)
Index(None, points_entries.c.member, points_entries.c.id)

points_lots = Table(
    "points_lots",
    metadata,
    key("id", primary_key=True),
    key("member", ForeignKey("loyalty_members.id")),
    key("purchase"),
    key("line"),
    Column("origin", Key, ForeignKey("points_lots.id")),
    minor("granted"),
    minor("pending", server_default=text("0")),
    minor("remaining", server_default=text("0")),
    minor("reversed", server_default=text("0")),
    instant("earned_at"),
    Column("activates_at", Instant),
    Column("expires_at", Instant),
    CheckConstraint("granted > 0", name="granted"),
    CheckConstraint("pending >= 0", name="pending"),
    CheckConstraint("remaining >= 0", name="remaining"),
    CheckConstraint("reversed between 0 and granted", name="reversed"),
    CheckConstraint("pending + remaining <= granted", name="left"),
)
Index(None, points_lots.c.purchase)
Index(
    "points_lots_grant_key",
    points_lots.c.purchase,
    points_lots.c.line,
    unique=True,
    postgresql_where=text("origin is null"),
)
Index(None, points_lots.c.member, points_lots.c.id)
Index(
    "points_lots_due_idx",
    points_lots.c.activates_at,
    postgresql_where=text("pending > 0 and activates_at is not null"),
)

points_postings = Table(
    "points_postings",
    metadata,
    key("entry", ForeignKey("points_entries.id")),
    Column("position", Integer, nullable=False),
    key("account"),
    words("side"),
    minor("points"),
    Column("lot", Key, ForeignKey("points_lots.id")),
    PrimaryKeyConstraint("entry", "position"),
    CheckConstraint("points > 0", name="points"),
    CheckConstraint("side in ('debit', 'credit')", name="side"),
)
