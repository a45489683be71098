"""Every table, as the code sees it. The migrations make the same; a test proves that both are one.

Keys are `COLLATE "C"`, so that the database's order is the order of Python's `sorted` and every
locker takes rows in the same order. What changes often has a fillfactor that keeps updates in
their page, and no index on what changes.
"""

from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from adapters.postgres.ledgers import RULES

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

Key = Text(collation="C")
Instant = TIMESTAMP(timezone=True)


def key(name: str, *args: Any, **kwargs: Any) -> Column[str]:
    """A column that holds a key or an id: compared byte for byte."""
    return Column(name, Key, *args, **{"nullable": False, **kwargs})


def words(name: str, **kwargs: Any) -> Column[str]:
    """Text for people; empty when there is none."""
    return Column(name, Text, **{"nullable": False, "server_default": text("''"), **kwargs})


def count(name: str, **kwargs: Any) -> Column[int]:
    """Whole units; 0 until something happens."""
    return Column(name, Integer, **{"nullable": False, "server_default": text("0"), **kwargs})


def minor(name: str, **kwargs: Any) -> Column[int]:
    """Money in whole minor units of the row's currency."""
    return Column(name, BigInteger, **{"nullable": False, **kwargs})


def document(name: str, empty: str = "{}", **kwargs: Any) -> Column[Any]:
    """What is read whole and never searched by its parts."""
    default = text(f"'{empty}'::jsonb")
    return Column(name, JSONB, **{"nullable": False, "server_default": default, **kwargs})


def instant(name: str, **kwargs: Any) -> Column[Any]:
    return Column(name, Instant, **{"nullable": False, **kwargs})


def version() -> Column[int]:
    return Column("version", BigInteger, nullable=False, server_default=text("1"))


# --- the catalogue and the places -----------------------------------------------------------------

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

# --- stock: the shelves, and the ledger they can be rebuilt from ----------------------------------

stock = Table(
    "stock",
    metadata,
    key("store", ForeignKey("stores.store")),
    key("sku"),
    count("on_hand"),
    count("unavailable"),
    count("allocated"),
    count("held"),
    count("staged"),
    count("safety_stock"),
    version(),
    Column("seen_at", Instant),
    Column("missed_at", Instant),
    count("misses"),
    Column("shrink", REAL, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("sku", "store"),
    CheckConstraint("unavailable >= 0", name="unavailable"),
    CheckConstraint("allocated >= 0", name="allocated"),
    CheckConstraint("held >= 0", name="held"),
    CheckConstraint("staged >= 0 and staged <= allocated", name="staged"),
    CheckConstraint("safety_stock >= 0", name="safety_stock"),
    postgresql_with={"fillfactor": "70"},
)

movements = Table(
    "movements",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("store"),
    key("sku"),
    words("kind"),
    count("on_hand"),
    count("unavailable"),
    key("cause"),
    key("actor"),
    instant("occurred_at"),
    instant("recorded_at"),
    Column("conditions", JSONB),
    Column("repaired", JSONB),
    UniqueConstraint("cause", "store", "sku"),
)
Index(None, movements.c.sku, movements.c.store, movements.c.id)
Index(None, movements.c.occurred_at, postgresql_using="brin")

# Written only when what is unavailable moves, so that the shelf's row stays narrow.
blocked = Table(
    "blocked",
    metadata,
    key("sku"),
    key("store", ForeignKey("stores.store")),
    key("condition"),
    count("units"),
    PrimaryKeyConstraint("sku", "store", "condition"),
    CheckConstraint("units >= 0", name="units"),
)


def as_changed() -> list[Column[Any]]:
    """A shelf as a change left it, and why it changed.

    `channel` stands only where it is no shelf that has changed, but what a channel makes of many.
    """
    return [
        key("store"),
        key("sku"),
        *(count(f) for f in ("on_hand", "unavailable", "allocated", "held", "staged")),
        count("safety_stock"),
        Column("version", BigInteger, nullable=False),
        key("cause"),
        instant("recorded_at"),
        Column("channel", Key),
    ]


feed_inbox = Table(
    "feed_inbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    *as_changed(),
    # Rows stay for milliseconds: vacuumed by their number, not by their share of an empty table.
    postgresql_with={
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "5000",
    },
)

feed = Table(
    "feed",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    *as_changed(),
)
Index(None, feed.c.sku, feed.c.position)
Index("feed_restated_idx", feed.c.position, postgresql_where=text("channel is not null"))

# The secret is kept as it is: every call is signed with it.
webhooks = Table(
    "webhooks",
    metadata,
    key("id", primary_key=True),
    words("url"),
    words("secret"),
    words("state", server_default=text("'active'")),
    Column("position", BigInteger, nullable=False),
    Column("until", BigInteger),
    count("attempts"),
    words("trouble"),
    Column("failing_since", Instant),
    instant("created_at"),
    instant("due_at"),
    CheckConstraint("state in ('active', 'disabled')", name="state"),
    CheckConstraint("until > position", name="until"),
)

walk_in_policies = Table(
    "walk_in_policies",
    metadata,
    key("store", ForeignKey("stores.store"), primary_key=True),
    Column("active", Boolean, nullable=False, server_default=text("false")),
    count("floor"),
    count("cap"),
    Column("kept_for", TIMESTAMP),
    CheckConstraint("floor between 0 and cap", name="floor"),
)

# Shelves whose safety stock is raised for walk-ins, and what it was by hand.
walk_ins = Table(
    "walk_ins",
    metadata,
    key("store", ForeignKey("stores.store")),
    key("sku"),
    count("by_hand"),
    PrimaryKeyConstraint("store", "sku"),
)

counts = Table(
    "counts",
    metadata,
    key("store"),
    key("sku"),
    Column("counted", Integer),
    Column("safety_stock", Integer),
    Column("counted_at", Instant),
    instant("as_of"),
    PrimaryKeyConstraint("sku", "store"),
)

# --- tills: what was sold and what came back ------------------------------------------------------

sales = Table(
    "sales",
    metadata,
    key("id", primary_key=True),
    words("kind"),
    key("store"),
    words("terminal"),
    Column("member", Key),
    Column("of", Key),
    Column("digest", LargeBinary, nullable=False),
    document("lines", "[]"),
    document("tenders", "[]"),
    key("actor"),
    instant("occurred_at"),
    instant("recorded_at"),
    CheckConstraint("kind in ('sale', 'return', 'awaited')", name="kind"),
)
Index("sales_of_idx", sales.c.of, postgresql_where=text('"of" is not null'))

incidents = Table(
    "incidents",
    metadata,
    key("id", primary_key=True),
    key("store", ForeignKey("stores.store")),
    key("sku"),
    words("kind"),
    words("state", server_default=text("'open'")),
    count("units"),
    count("receipts"),
    instant("since"),
    instant("until"),
    words("note"),
    key("settled_by", server_default=text("''")),
    Column("settled_at", Instant),
    instant("opened_at"),
    instant("changed_at"),
    CheckConstraint("state in ('open', 'settled')", name="state"),
)
Index(
    "incidents_open_key",
    incidents.c.store,
    incidents.c.sku,
    incidents.c.kind,
    unique=True,
    postgresql_where=text("state = 'open'"),
)
Index(None, incidents.c.store, incidents.c.id)

allocations = Table(
    "allocations",
    metadata,
    key("group_id"),
    key("line"),
    key("sku"),
    key("store"),
    count("quantity"),
    count("consumed"),
    count("released"),
    PrimaryKeyConstraint("group_id", "line", "sku"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("consumed >= 0", name="consumed"),
    CheckConstraint("released >= 0", name="released"),
    CheckConstraint("consumed + released <= quantity", name="open"),
)

transfers = Table(
    "transfers",
    metadata,
    key("id", primary_key=True),
    key("origin", ForeignKey("stores.store")),
    key("destination", ForeignKey("stores.store")),
    document("lines", "[]"),
    key("sent_by"),
    instant("sent_at"),
    words("state"),
    key("closed_by", server_default=text("''")),
    Column("closed_at", Instant),
    version(),
    Column("due_on", Date),
    CheckConstraint("state in ('in_transit', 'closed')", name="state"),
    CheckConstraint("origin <> destination", name="ends"),
)
Index(None, transfers.c.origin, transfers.c.id)
Index(None, transfers.c.destination, transfers.c.id)

deliveries = Table(
    "deliveries",
    metadata,
    key("id", primary_key=True),
    key("destination", ForeignKey("stores.store")),
    document("lines", "[]"),
    words("state"),
    words("reference"),
    Column("external_id", Key, unique=True),
    Column("due_on", Date, nullable=False),
    Column("due_at", Instant),
    key("announced_by"),
    instant("announced_at"),
    key("closed_by", server_default=text("''")),
    Column("closed_at", Instant),
    version(),
    CheckConstraint("state in ('expected', 'closed', 'cancelled')", name="state"),
)
Index(None, deliveries.c.destination, deliveries.c.id)

# What open deliveries and transfers still bring, found by its sku.
incoming = Table(
    "incoming",
    metadata,
    key("sku"),
    key("store", ForeignKey("stores.store")),
    key("source"),
    count("units"),
    Column("due_on", Date),
    PrimaryKeyConstraint("sku", "store", "source"),
    CheckConstraint("units > 0", name="units"),
)
Index(None, incoming.c.source)

holds = Table(
    "holds",
    metadata,
    key("id", primary_key=True),
    words("state"),
    Column("customer", Key, ForeignKey("customers.id")),
    Column("cart", Key),
    document("lines", "[]"),
    document("units"),
    instant("created_at"),
    instant("held_until"),
    key("attempt", server_default=text("''")),
    Column("pinned_until", Instant),
    key("channel", server_default=text("'web'")),
)
Index(
    "holds_due_idx",
    holds.c.held_until,
    postgresql_where=text("state = 'active'"),
)

hold_units = Table(
    "hold_units",
    metadata,
    key("hold"),
    key("sku"),
    key("store"),
    Column("customer", Key),
    count("quantity"),
    instant("held_until"),
    PrimaryKeyConstraint("hold", "sku", "store"),
    CheckConstraint("quantity > 0", name="quantity"),
)
Index(None, hold_units.c.held_until)
Index(
    "hold_units_customer_idx",
    hold_units.c.customer,
    hold_units.c.sku,
    postgresql_where=text("customer is not null"),
)

# --- carts, orders, pickups -----------------------------------------------------------------------

# --- what prices are made by ----------------------------------------------------------------------

# One row: its version is another after every change of what every cart is priced by.
price_rules = Table(
    "price_rules",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("one", name="one"),
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

# Codes are kept in capitals. `uses` are the rows of coupon_uses.
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

# --- payments: tries to be paid, and what was asked for them --------------------------------------

attempts = Table(
    "attempts",
    metadata,
    key("id", primary_key=True),
    key("order_id", ForeignKey("orders.id")),
    words("provider"),
    key("payment", server_default=text("''")),
    words("state"),
    key("currency"),
    minor("amount_minor"),
    minor("authorised", server_default=text("0")),
    minor("captured", server_default=text("0")),
    minor("refunded", server_default=text("0")),
    minor("refund_failed", server_default=text("0")),
    Column("declined", Boolean, nullable=False, server_default=text("false")),
    Column("cancelled", Boolean, nullable=False, server_default=text("false")),
    Column("disputed", Boolean, nullable=False, server_default=text("false")),
    words("refused"),
    words("trouble"),
    words("card"),
    words("client_secret"),
    Column("next_action", JSONB),
    instant("deadline"),
    Column("look_at", Instant),
    count("looks"),
    instant("started_at"),
    instant("changed_at"),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    CheckConstraint("captured between 0 and authorised", name="captured"),
    CheckConstraint(
        "refunded >= 0 and refund_failed between 0 and refunded"
        " and refunded - refund_failed <= captured",
        name="refunded",
    ),
)
Index(None, attempts.c.order_id, attempts.c.id)
Index(
    "attempts_payment_key",
    attempts.c.provider,
    attempts.c.payment,
    unique=True,
    postgresql_where=text("payment <> ''"),
)
Index("attempts_due_idx", attempts.c.look_at, postgresql_where=text("look_at is not null"))

Index(
    "attempts_open_idx",
    attempts.c.state,
    attempts.c.started_at,
    postgresql_where=text("state in ('started', 'waiting', 'authorised')"),
)

Index(
    "attempts_unsettled_idx",
    attempts.c.id,
    postgresql_where=text("disputed or state = 'voided'"),
)

transactions = Table(
    "transactions",
    metadata,
    key("id", primary_key=True),
    key("attempt", ForeignKey("attempts.id")),
    key("order_id", ForeignKey("orders.id")),
    words("kind"),
    key("cause"),
    minor("amount"),
    words("state"),
    count("tries"),
    words("trouble"),
    key("receipt", server_default=text("''")),
    instant("due_at"),
    instant("planned_at"),
    instant("changed_at"),
    UniqueConstraint("kind", "cause"),
    CheckConstraint("kind in ('authorise', 'capture', 'void', 'refund')", name="kind"),
    CheckConstraint("state in ('planned', 'done', 'refused')", name="state"),
    CheckConstraint("amount >= 0", name="amount"),
)
Index(None, transactions.c.attempt, transactions.c.id)
Index("transactions_due_idx", transactions.c.due_at, postgresql_where=text("state = 'planned'"))
Index("transactions_refused_idx", transactions.c.id, postgresql_where=text("state = 'refused'"))

notices = Table(
    "notices",
    metadata,
    key("provider"),
    key("id"),
    words("kind"),
    key("payment"),
    instant("heard_at"),
    PrimaryKeyConstraint("provider", "id"),
)
Index(None, notices.c.heard_at)

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

# --- people ---------------------------------------------------------------------------------------

customers = Table(
    "customers",
    metadata,
    key("id", primary_key=True),
    Column("external_id", Key, unique=True),
    words("name"),
    Column("email", Text),
    Column("phone", Text),
    words("locale"),
    version(),
    instant("created_at"),
    instant("changed_at"),
)

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

# --- points: one ledger of balanced entries -------------------------------------------------------

members = Table(
    "members",
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

entries = Table(
    "entries",
    metadata,
    key("id", primary_key=True),
    key("member", ForeignKey("members.id")),
    words("kind"),
    key("source"),
    key("purchase"),
    instant("occurred_at"),
    instant("recorded_at"),
    UniqueConstraint("kind", "source"),
)
Index(None, entries.c.member, entries.c.id)

lots = Table(
    "lots",
    metadata,
    key("id", primary_key=True),
    key("member", ForeignKey("members.id")),
    key("purchase"),
    key("line"),
    Column("origin", Key, ForeignKey("lots.id")),
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
Index(None, lots.c.purchase)
Index(
    "lots_grant_key",
    lots.c.purchase,
    lots.c.line,
    unique=True,
    postgresql_where=text("origin is null"),
)
Index(None, lots.c.member, lots.c.id)
Index(
    "lots_due_idx",
    lots.c.activates_at,
    postgresql_where=text("pending > 0 and activates_at is not null"),
)

postings = Table(
    "postings",
    metadata,
    key("entry", ForeignKey("entries.id")),
    Column("position", Integer, nullable=False),
    key("account"),
    words("side"),
    minor("points"),
    Column("lot", Key, ForeignKey("lots.id")),
    PrimaryKeyConstraint("entry", "position"),
    CheckConstraint("points > 0", name="points"),
    CheckConstraint("side in ('debit', 'credit')", name="side"),
)

repairs = Table(
    "repairs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("invariant"),
    document("about"),
    Column("expected", BigInteger, nullable=False),
    Column("actual", BigInteger, nullable=False),
    instant("at"),
    words("repair"),  # what the lines of its shelves in the ledger of goods call it
)
Index(None, repairs.c.repair)

audits = Table(
    "audits",
    metadata,
    key("name", primary_key=True),
    instant("at"),
    Column("checked", BigInteger, nullable=False),
    Column("broken", BigInteger, nullable=False),
    Column("unfinished", Boolean, nullable=False, server_default=text("false")),
)

# --- what follows: events, messages ---------------------------------------------------------------

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("kind"),
    document("body"),
    instant("recorded_at"),
    instant("due_at"),
    count("attempts"),
    words("trouble"),
)
Index(None, events.c.due_at)

messages = Table(
    "messages",
    metadata,
    key("id", primary_key=True),
    Column("customer", Key),
    words("kind"),
    key("key"),
    document("about"),
    words("purpose"),
    Column("channel", Text),
    Column("locale", Text),
    words("state"),
    Column("reason", Text),
    Column("subject", Text),
    count("tries"),
    count("claims"),
    Column("given_up", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    document("trace", "[]"),
    Column("provider_id", Text),
    instant("planned_for"),
    instant("not_after"),
    Column("leased_until", Instant),
    Column("sent_at", Instant),
    instant("created_at"),
    instant("changed_at"),
    UniqueConstraint("kind", "key"),
)
Index("messages_due_idx", messages.c.planned_for, postgresql_where=text("state = 'planned'"))
Index("messages_leased_idx", messages.c.leased_until, postgresql_where=text("state = 'claimed'"))
Index(None, messages.c.customer, messages.c.id)

# --- callers, requests, jobs ----------------------------------------------------------------------

keys = Table(
    "keys",
    metadata,
    key("id", primary_key=True),
    words("role"),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("stores", ARRAY(Key), nullable=False, server_default=text("'{}'::text[]")),
    words("terminal"),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    words("hint"),
    instant("created_at"),
    Column("revoked_at", Instant),
)

requests = Table(
    "requests",
    metadata,
    key("principal"),
    key("key"),
    Column("digest", LargeBinary, nullable=False),
    Column("answer", LargeBinary),
    instant("created_at"),
    PrimaryKeyConstraint("principal", "key"),
)
Index(None, requests.c.created_at)

trespasses = Table(
    "trespasses",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("caller"),
    words("role"),
    words("operation"),
    key("object"),
    instant("at"),
)
Index(None, trespasses.c.at)

job_slots = Table(
    "job_slots",
    metadata,
    key("job"),
    instant("slot"),
    words("node"),
    PrimaryKeyConstraint("job", "slot"),
)

# --- rules that the database keeps by itself ------------------------------------------------------

for rule in RULES:
    # Bound by its default: the loop's variable would be the last rule for all of them.
    event.listen(metadata, "after_create", lambda _, at, rule=rule, **__: at.exec_driver_sql(rule))
