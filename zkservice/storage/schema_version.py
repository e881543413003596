"""The schema's version: checked at start, made on an empty database, never changed unasked."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.engine import Engine

from zkservice.errors import StartError

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def _config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["engine"] = engine
    return config


def newest() -> str:
    """Return the version that this program is written for."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return str(ScriptDirectory.from_config(config).get_current_head())


def current(engine: Engine) -> str | None:
    """Return the database's version; None if it holds nothing."""
    with engine.connect() as connection:
        return version_of(connection)


def version_of(connection: Connection) -> str | None:
    """Return the version of the database of a connection; None if it holds nothing."""
    return MigrationContext.configure(connection).get_current_revision()


def is_used(engine: Engine) -> bool:
    """Tell whether the database has any table."""
    with engine.connect() as connection:
        return bool(inspect(connection).get_table_names())


def upgrade(engine: Engine) -> None:
    """Bring the database to this program's version, in one transaction."""
    command.upgrade(_config(engine), "head")


def require_newest(engine: Engine) -> None:
    """Make the schema on an empty database; raise StartError if it has another version than this program."""
    version = current(engine)
    if version is None:
        with engine.connect() as connection:
            strangers = set(inspect(connection).get_table_names()) - {"alembic_version"}
        if strangers:
            raise StartError("the database holds tables of something else; choose an empty one")
        upgrade(engine)
    elif version != newest():
        known = {each.revision for each in ScriptDirectory.from_config(_config(engine)).walk_revisions()}
        advice = "run zk serve --upgrade once" if version in known else "it was written by a newer program"
        raise StartError(f"the database has schema {version}, this program needs {newest()}: {advice}")
