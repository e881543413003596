"""Runs migrations on the engine that the caller hands over."""

from alembic import context

from zkservice.storage.tables import metadata

engine = context.config.attributes["engine"]
with engine.connect().execution_options(writing=True) as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
