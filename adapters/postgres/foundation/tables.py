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
