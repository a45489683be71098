"""Tables of preferences and consents."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.postgres.db.column_types import Instant, instant, key, metadata, version, words

preferences = Table(
    "preferences",
    metadata,
    key("customer", ForeignKey("customers.id"), primary_key=True),
    Column("preferred_channels", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("time_zone", Text),
    Column("quiet_from", Text),
    Column("quiet_to", Text),
    Column("topics", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("snooze_until", Instant),
    Column("weekly_maximum", Integer),
    version(),
    instant("changed_at"),
)

consents = Table(
    "consents",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("customer", ForeignKey("customers.id")),
    words("purpose"),
    words("channel"),
    words("action"),
    words("basis"),
    words("wording"),
    words("locale"),
    words("source"),
    key("actor"),
    instant("at"),
)
Index(None, consents.c.customer, consents.c.id)
