"""Run by Alembic: migrate on the connection, and in the transaction, that the caller holds."""

from alembic import context

from lazur.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="lazur_schema",
    transactional_ddl=False,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
