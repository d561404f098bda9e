"""Alembic's entry: run the revisions on the connection that `storage.revisions` hands over."""

from alembic import context

from storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite takes a whole migration or nothing; MariaDB commits every DDL statement by itself.
    transactional_ddl=connection.dialect.name == "sqlite",
    on_version_apply=context.config.attributes.get("on_version_apply", ()),
)
with context.begin_transaction():
    context.run_migrations()
