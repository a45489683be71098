"""Tables of stores."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.postgres.db.column_types import Key, count, document, key, metadata, version, words

stores = Table(
    "stores",
    metadata,
    key("store", primary_key=True),
    words("kind", server_default=text("'store'")),
    words("name"),
    words("address"),
    words("city"),
    words("postal_code"),
    words("country"),
    Column("latitude", Double),
    Column("longitude", Double),
    words("time_zone", server_default=text("'UTC'")),
    words("hours"),
    words("exceptions"),
    words("phone"),
    Column("pickup", Boolean, nullable=False, server_default=text("true")),
    count("prep_minutes", server_default=text("60")),
    count("pickup_days", server_default=text("7")),
    document("services", "[]"),
    Column("channels", ARRAY(Key)),  # null: every channel
    words("state", server_default=text("'active'")),
    version(),
    CheckConstraint("kind in ('store', 'warehouse', 'dark_store')", name="kind"),
    CheckConstraint("state in ('active', 'draining', 'closed')", name="state"),
)
Index(
    "stores_limited_idx",
    stores.c.store,
    postgresql_where=text("state <> 'active' or channels is not null"),
)
