"""Tables of payment attempts, their transactions and the events that providers send."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from adapters.postgres.db.column_types import Instant, count, instant, key, metadata, minor, words

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
