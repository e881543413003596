"""The schema's version: checked at start, made on an empty database, never changed unasked.

A migration either expands (what a program needs that knows nothing of it stays as it is), or contracts: then
its module names the oldest schema that a program has to be written for to run on what it leaves, as
`oldest_program`. The database has the newest of these in a row. So a program of before an expanding
migration runs on, and tells it from one that has taken away what it needs (docs/upgrade.md).

Of several servers that start at once on one PostgreSQL, one looks and makes what is missing while the others
wait: who looked meanwhile would find tables without a version, and take them for a stranger's.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select
from sqlalchemy.engine import Engine

from zkservice.errors import StartError
from zkservice.storage import running, tables
from zkservice.storage.rows import put_all

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_ROLE: Final = "schema"
_MAKING: Final = int.from_bytes(b"zkschema")
"""The lock of whoever looks whether the schema is to be made or changed, and does it."""
_PATIENCE: Final = "10min"
"""How long a server waits for another one that makes or changes the schema."""


def _config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["engine"] = engine
    return config


@cache
def _steps(migrations: Path) -> dict[str, str | None]:
    """Return the migrations from the first to the newest, each with the oldest program that it leaves."""
    newest_first = ScriptDirectory(str(migrations)).walk_revisions()
    steps = {each.revision: getattr(each.module, "oldest_program", None) for each in newest_first}
    return dict(reversed(steps.items()))


def newest() -> str:
    """Return the version that this program is written for."""
    return list(_steps(_MIGRATIONS))[-1]


def current(engine: Engine) -> str | None:
    """Return the database's version; None if it holds nothing."""
    with engine.connect() as connection:
        return version_of(connection)


def version_of(connection: Connection) -> str | None:
    """Return the version of the database of a connection; None if it holds nothing."""
    return MigrationContext.configure(connection).get_current_revision()


def oldest_of(connection: Connection) -> str | None:
    """Return the oldest schema a program may be written for to run here; None where that is not said."""
    table = tables.schema_rule
    if not inspect(connection).has_table(table.name):
        return None
    return connection.execute(select(table.c.oldest_program)).scalar_one_or_none()


def tolerates(version: str | None, oldest: str | None) -> bool:
    """Tell whether this program may run on a schema: its own, or a newer one that says so."""
    known = _steps(_MIGRATIONS)
    return version == newest() or (version is not None and version not in known and oldest in known)


def is_used(engine: Engine) -> bool:
    """Tell whether the database has any table."""
    with engine.connect() as connection:
        return bool(inspect(connection).get_table_names())


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Be the only one of all servers on this database that looks at its schema and makes or changes it.

    On a connection of its own, in a transaction that does nothing else and idles as long as a migration
    takes; it ends with its connection, however the process ends. SQLite's file has one process anyway.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect() as connection, connection.begin():
        for limit, value in (
            ("lock_timeout", _PATIENCE),
            ("statement_timeout", "0"),
            ("idle_in_transaction_session_timeout", "0"),
        ):
            connection.exec_driver_sql(f"SET LOCAL {limit} = '{value}'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING})")
        yield


def upgrade(engine: Engine) -> None:
    """Bring the database to this program's version, in one transaction; one that is newer stays as it is.

    Raises StartError if a server runs that does not tolerate it.
    """
    with _alone(engine):
        _upgrade(engine)


def _upgrade(engine: Engine) -> None:
    version = current(engine)
    if version is None or version in _steps(_MIGRATIONS):
        command.upgrade(_config(engine), "head")


def check_servers(connection: Connection) -> None:
    """Raise StartError, naming them, if servers run that do not tolerate what is to be migrated."""
    steps, version = _steps(_MIGRATIONS), version_of(connection)
    order = list(steps)
    pending = order[order.index(version) + 1 :] if version in steps else order
    contracting = [each for each in pending if steps[each] is not None]
    if not contracting:
        return
    oldest = steps[contracting[-1]]
    before = set(order[: order.index(oldest)]) if oldest in steps else set(order)
    # A schema that is not known here is newer than all that are.
    hindering = [each for each in running.live(connection) if each.schema in before]
    if hindering:
        named = ", ".join(f"{each.id} (version {each.version}, schema {each.schema})" for each in hindering)
        raise StartError(
            f"migration {contracting[-1]} needs programs of schema {oldest} or newer, and these servers run: "
            f"{named}; replace or stop them (who was killed counts for three minutes), then upgrade again"
        )


def write_oldest(connection: Connection, heads: Collection[str]) -> None:
    """Write who may run on what a migration leaves, in its transaction; `heads` is the version it leaves."""
    if not heads or not inspect(connection).has_table(tables.schema_rule.name):
        return
    (version,), steps = heads, _steps(_MIGRATIONS)
    applied = list(steps)[: list(steps).index(version) + 1]
    oldest = [steps[each] for each in applied if steps[each] is not None]
    put_all(connection, tables.schema_rule, [(_ROLE, oldest[-1])])


def check(connection: Connection) -> str:
    """Return the database's version; StartError unless this program may run on it."""
    version = version_of(connection)
    if version is None or not tolerates(version, oldest_of(connection)):
        advice = (
            "run zk serve --upgrade once"
            if version in _steps(_MIGRATIONS)
            else "it was written by a newer program, and does not tolerate this one"
        )
        raise StartError(f"the database has schema {version}, this program needs {newest()}: {advice}")
    return version


def require_newest(engine: Engine) -> str:
    """Make the schema on an empty database; StartError if this program may not run on what it has.

    Returns the version: this program's, or a newer one that tolerates it.
    """
    with _alone(engine):
        if current(engine) is None:
            _make(engine)
        with engine.connect() as connection:
            return check(connection)


def _make(engine: Engine) -> None:
    with engine.connect() as connection:
        strangers = set(inspect(connection).get_table_names()) - {"alembic_version"}
    if strangers:
        raise StartError("the database holds tables of something else; choose an empty one")
    _upgrade(engine)
