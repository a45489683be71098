"""Tables of carts and recently viewed products."""

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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from adapters.postgres.db.column_types import (
    Instant,
    Key,
    document,
    instant,
    key,
    metadata,
    version,
    words,
)

carts = Table(
    "carts",
    metadata,
    key("id", primary_key=True),
    Column("customer", Key, ForeignKey("customers.id")),
    key("currency"),
    words("state", server_default=text("'open'")),
    Column("order_id", Key),
    Column("claimed_by", Key),
    Column("merged_into", Key),
    Column("hold", Key),
    document("lines", "[]"),
    document("saved", "[]"),
    Column("store", Key),
    Column("code_hash", LargeBinary),
    Column("code_until", Instant),
    Column("market", Key),
    Column("coupons", ARRAY(Key), nullable=False, server_default=text("'{}'::text[]")),
    Column("method", Key),
    Column("address", JSONB),
    version(),
    instant("created_at"),
    instant("changed_at"),
    Column("paying_until", Instant),
    CheckConstraint("state in ('open', 'paying', 'ordered', 'merged', 'expired')", name="state"),
)
Index("carts_open_idx", carts.c.changed_at, postgresql_where=text("state = 'open'"))
Index(
    "carts_over_idx",
    carts.c.changed_at,
    postgresql_where=text("state in ('merged', 'expired')"),
)
Index(
    "carts_code_hash_idx",
    carts.c.code_hash,
    postgresql_where=text("code_hash is not null"),
)
Index(
    "carts_open_key",
    carts.c.customer,
    unique=True,
    postgresql_where=text("state in ('open', 'paying') and customer is not null"),
)

recently_viewed = Table(
    "recently_viewed",
    metadata,
    key("owner"),
    key("sku"),
    instant("viewed_at"),
    PrimaryKeyConstraint("owner", "sku"),
)
