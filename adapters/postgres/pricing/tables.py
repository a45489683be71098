"""Tables of markets, promotions, shipping methods and their versions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Table,
    text,
)

from adapters.postgres.db.column_types import Key, count, document, key, metadata, version

# One row: its version changes with every change of the price rules.
price_rules = Table(
    "price_rules",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("singleton", name="singleton"),
)

markets = Table(
    "markets",
    metadata,
    key("market", primary_key=True),
    document("terms"),
    version(),
)

shipping_methods = Table(
    "shipping_methods",
    metadata,
    key("method", primary_key=True),
    document("terms"),
    version(),
)

# Codes are stored in capitals. `uses` are the rows of coupon_uses.
promotions = Table(
    "promotions",
    metadata,
    key("promotion", primary_key=True),
    Column("code", Key, unique=True),
    document("terms"),
    count("uses"),
    version(),
    CheckConstraint("uses >= 0", name="uses"),
)
