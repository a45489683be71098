"""Tables of orders, their search words, coupon uses and timeline."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from adapters.postgres.db.column_types import (
    Instant,
    Key,
    document,
    instant,
    key,
    metadata,
    minor,
    version,
    words,
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

# The search terms of an order.
order_words = Table(
    "order_words",
    metadata,
    words("kind"),
    key("word"),
    key("order_id"),
    PrimaryKeyConstraint("kind", "word", "order_id"),
)
Index(None, order_words.c.order_id)

# The active orders that use a coupon.
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
