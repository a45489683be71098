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
    document("fulfilments", "[]"),
    document("payment"),
    key("actor"),
    version(),
    instant("placed_at"),
    instant("changed_at"),
    Column("address", JSONB),
    Column("attempt", Key),
    Column("payment_due_at", Instant),
    document("pricing"),
    minor("refunded_minor", server_default=text("0")),
)
Index(None, orders.c.customer, orders.c.id)
Index("orders_cart_key", orders.c.cart, unique=True, postgresql_where=text("state <> 'expired'"))
Index(
    "orders_unpaid_idx", orders.c.payment_due_at, postgresql_where=text("state = 'pending_payment'")
)
Index(None, orders.c.state, orders.c.id)
Index(None, orders.c.placed_at)

# The search terms of an order.
order_search_terms = Table(
    "order_search_terms",
    metadata,
    words("kind"),
    key("term"),
    key("order_id"),
    PrimaryKeyConstraint("kind", "term", "order_id"),
)
Index(None, order_search_terms.c.order_id)

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

order_timeline = Table(
    "order_timeline",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("order_id"),
    instant("occurred_at"),
    words("kind"),
    words("actor_kind"),
    key("actor"),
    key("fulfilment_id", server_default=text("''")),
    key("store", server_default=text("''")),
    document("details"),
)
Index(None, order_timeline.c.order_id, order_timeline.c.id)
