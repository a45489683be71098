"""Tables of products and the parts of kits."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    text,
)

from adapters.postgres.db.column_types import (
    Key,
    count,
    document,
    key,
    metadata,
    minor,
    version,
    words,
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
    Column("variant_group", Key),
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
Index(None, products.c.variant_group)

kit_parts = Table(
    "kit_parts",
    metadata,
    key("kit", ForeignKey("products.sku")),
    key("sku", ForeignKey("products.sku")),
    count("quantity"),
    PrimaryKeyConstraint("kit", "sku"),
    CheckConstraint("quantity > 0", name="quantity"),
)
