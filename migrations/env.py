"""How Alembic runs the versions: on the connection of `adapters.postgres.db.migrate`."""

from alembic import context

from adapters.postgres.db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transaction_per_migration=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
