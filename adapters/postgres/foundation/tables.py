"""Tables of API keys, idempotency keys and access denials."""

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.postgres.db.column_types import Instant, Key, instant, key, metadata, words

api_keys = Table(
    "api_keys",
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

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    key("principal"),
    key("key"),
    Column("digest", LargeBinary, nullable=False),
    Column("response", LargeBinary),
    instant("created_at"),
    PrimaryKeyConstraint("principal", "key"),
)
Index(None, idempotency_keys.c.created_at)

access_denials = Table(
    "access_denials",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("caller"),
    words("role"),
    words("operation"),
    key("resource"),
    instant("denied_at"),
)
Index(None, access_denials.c.denied_at)
