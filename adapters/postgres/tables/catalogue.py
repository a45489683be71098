"""Places, what is sold there and through which channels."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.postgres.tables.kinds import (
    Key,
    count,
    document,
    key,
    metadata,
    minor,
    version,
    words,
)

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

# What a channel leaves open (null) is as the installation's settings say.
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

buffers = Table(
    "buffers",
    metadata,
    key("channel", ForeignKey("sales_channels.channel")),
    key("sku"),
    count("buffer"),
    PrimaryKeyConstraint("channel", "sku"),
    CheckConstraint("buffer >= 0", name="buffer"),
)

products = Table(
    "products",
    metadata,
    key("sku", primary_key=True),
    words("name"),
    document("names"),
    Column("gtin", Key),
    minor("price_minor"),
    key("currency"),
    words("category"),
    Column("group", Key),
    document("options"),
    document("relations", "[]"),
    words("state", server_default=text("'active'")),
    Column("tracked", Boolean, nullable=False, server_default=text("true")),
    Column("most_per_order", Integer),
    version(),
    CheckConstraint("most_per_order > 0", name="most_per_order"),
    CheckConstraint("price_minor > 0", name="price_minor"),
    CheckConstraint("state in ('active', 'retired')", name="state"),
)
Index(None, products.c.gtin)
Index(None, products.c.group)

parts = Table(
    "parts",
    metadata,
    key("kit", ForeignKey("products.sku")),
    key("sku", ForeignKey("products.sku")),
    count("quantity"),
    PrimaryKeyConstraint("kit", "sku"),
    CheckConstraint("quantity > 0", name="quantity"),
)
