"""Tables of customers."""

from sqlalchemy import (
    Column,
    Table,
    Text,
)

from adapters.postgres.db.column_types import Key, instant, key, metadata, version, words

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
