"""Carts, orders and what becomes of them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from adapters.postgres.tables.kinds import (
    Instant,
    Key,
    count,
    document,
    instant,
    key,
    metadata,
    minor,
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

viewed = Table(
    "viewed",
    metadata,
    key("owner"),
    key("sku"),
    instant("viewed_at"),
    PrimaryKeyConstraint("owner", "sku"),
)

orders = Table(
    "orders",
    metadata,
    key("id", primary_key=True),
    key("cart", ForeignKey("carts.id")),
    Column("customer", Key, ForeignKey("customers.id")),
    words("state"),
    words("locale"),
    key("currency"),
    minor("goods_minor"),
    minor("to_pay_minor"),
    document("contact"),
    document("lines", "[]"),
    document("groups", "[]"),
    document("payment"),
    key("actor"),
    version(),
    instant("placed_at"),
    instant("changed_at"),
    Column("address", JSONB),
    Column("attempt", Key),
    Column("pay_by", Instant),
    document("bill"),
    minor("paid_back_minor", server_default=text("0")),
)
Index(None, orders.c.customer, orders.c.id)
Index("orders_cart_key", orders.c.cart, unique=True, postgresql_where=text("state <> 'expired'"))
Index("orders_unpaid_idx", orders.c.pay_by, postgresql_where=text("state = 'pending_payment'"))
Index(None, orders.c.state, orders.c.id)
Index(None, orders.c.placed_at)

# What people say of an order when they look for it.
order_words = Table(
    "order_words",
    metadata,
    words("kind"),
    key("word"),
    key("order_id"),
    PrimaryKeyConstraint("kind", "word", "order_id"),
)
Index(None, order_words.c.order_id)

# The orders that stand with a coupon.
coupon_uses = Table(
    "coupon_uses",
    metadata,
    key("promotion", ForeignKey("promotions.promotion")),
    key("order_id", ForeignKey("orders.id")),
    Column("customer", Key),
    PrimaryKeyConstraint("promotion", "order_id"),
)
Index(None, coupon_uses.c.order_id)
Index(None, coupon_uses.c.promotion, coupon_uses.c.customer)

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

returns = Table(
    "returns",
    metadata,
    key("id", primary_key=True),
    Column("order_id", Key, ForeignKey("orders.id")),
    key("store", ForeignKey("stores.store")),
    Column("customer", Key),
    key("channel"),
    words("state"),
    key("currency"),
    document("lines", "[]"),
    document("refunds", "[]"),
    document("proposals", "[]"),
    Column("receipt", Key),
    words("note"),
    key("by"),
    key("decided_by", server_default=text("''")),
    Column("received_at", Instant),
    version(),
    instant("created_at"),
    instant("changed_at"),
    CheckConstraint("state in ('announced', 'received', 'cancelled')", name="state"),
)
Index(None, returns.c.store, returns.c.state, returns.c.id)
Index(None, returns.c.order_id)

timeline = Table(
    "timeline",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("order_id"),
    instant("at"),
    words("what"),
    words("by"),
    key("actor"),
    key("group_id", server_default=text("''")),
    key("store", server_default=text("''")),
    document("facts"),
)
Index(None, timeline.c.order_id, timeline.c.id)
