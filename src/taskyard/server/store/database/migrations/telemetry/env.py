"""How Alembic reaches the telemetry database: on the connection it is given."""

from alembic import context

from taskyard.server.store.telemetry_tables import metadata

options = context.config.attributes
context.configure(
    connection=options["connection"],
    target_metadata=metadata,
    version_table=options["version_table"],
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
