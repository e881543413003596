"""Runs migrations on the engine that the caller hands over, as a write: of two that begin, one waits.

Whether servers that run tolerate it is asked within that write, and who may run afterwards is written in it.
"""

from alembic import context

from zkservice.storage import schema_version
from zkservice.storage.tables import metadata

engine = context.config.attributes["engine"]
with engine.connect().execution_options(writing=True) as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        on_version_apply=lambda ctx, step, heads, run_args: schema_version.write_oldest(connection, heads),
    )
    with context.begin_transaction():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # rows are as many as they are
            # Between two statements scripts are loaded, and on a busy machine that takes its time; who is
            # frozen here is thrown out all the same, since servers that run wait for their writes meanwhile.
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '60s'")
        schema_version.check_servers(connection)
        context.run_migrations()
    connection.commit()
