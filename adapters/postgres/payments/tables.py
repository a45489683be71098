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

payment_attempts = Table(
    "payment_attempts",
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
    words("last_error"),
    words("card"),
    words("client_secret"),
    Column("next_action", JSONB),
    instant("deadline"),
    Column("reconcile_at", Instant),
    count("reconcile_count"),
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
Index(None, payment_attempts.c.order_id, payment_attempts.c.id)
Index(
    "payment_attempts_payment_key",
    payment_attempts.c.provider,
    payment_attempts.c.payment,
    unique=True,
    postgresql_where=text("payment <> ''"),
)
Index(
    "payment_attempts_due_idx",
    payment_attempts.c.reconcile_at,
    postgresql_where=text("reconcile_at is not null"),
)

Index(
    "payment_attempts_open_idx",
    payment_attempts.c.state,
    payment_attempts.c.started_at,
    postgresql_where=text("state in ('started', 'waiting', 'authorised')"),
)

Index(
    "payment_attempts_unsettled_idx",
    payment_attempts.c.id,
    postgresql_where=text("disputed or state = 'voided'"),
)

payment_transactions = Table(
    "payment_transactions",
    metadata,
    key("id", primary_key=True),
    key("attempt", ForeignKey("payment_attempts.id")),
    key("order_id", ForeignKey("orders.id")),
    words("kind"),
    key("cause"),
    minor("amount"),
    words("state"),
    count("tries"),
    words("last_error"),
    key("receipt", server_default=text("''")),
    instant("due_at"),
    instant("planned_at"),
    instant("changed_at"),
    UniqueConstraint("kind", "cause"),
    CheckConstraint("kind in ('authorise', 'capture', 'void', 'refund')", name="kind"),
    CheckConstraint("state in ('planned', 'done', 'refused')", name="state"),
    CheckConstraint("amount >= 0", name="amount"),
)
Index(None, payment_transactions.c.attempt, payment_transactions.c.id)
Index(
    "payment_transactions_due_idx",
    payment_transactions.c.due_at,
    postgresql_where=text("state = 'planned'"),
)
Index(
    "payment_transactions_refused_idx",
    payment_transactions.c.id,
    postgresql_where=text("state = 'refused'"),
)

provider_events = Table(
    "provider_events",
    metadata,
    key("provider"),
    key("id"),
    words("kind"),
    key("payment"),
    instant("received_at"),
    PrimaryKeyConstraint("provider", "id"),
)
Index(None, provider_events.c.received_at)
