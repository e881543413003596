"""Making a log before its server first runs: keys are exchanged first, then policies written."""

from sqlalchemy.exc import SQLAlchemyError

from tlog import Verifier
from zkservice.config import Settings
from zkservice.databases import held, opened_engine
from zkservice.errors import StartError
from zkservice.keyring.following import open_stored
from zkservice.keyring.opening import open_keys
from zkservice.log_keys import LogKeys, write_verifier_key
from zkservice.storage import secrets


def begin(settings: Settings) -> Verifier:
    """Make folder, database, master key and the log's key, and return that one; what is there stays.

    Durable on return. Raises StartError.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with held(settings):
        engine = opened_engine(settings)
        try:
            with engine.connect().execution_options(writing=True) as connection, connection.begin():
                opened = open_stored(connection, open_keys(settings, make=not secrets.begun(connection)))
                verifier = LogKeys.load(connection, opened.keys, settings.log_origin).current
        except SQLAlchemyError as error:
            raise StartError(f"the database cannot be used ({type(error).__name__})") from None
        finally:
            engine.dispose()
        write_verifier_key(settings.data, verifier)
    return verifier
