"""Runs migrations on the engine that the caller hands over, as a write: of two that begin, one waits."""

from alembic import context

from zkservice.storage.tables import metadata

engine = context.config.attributes["engine"]
with engine.connect().execution_options(writing=True) as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # rows are as many as they are
        context.run_migrations()
    connection.commit()
