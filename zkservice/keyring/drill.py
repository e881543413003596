"""A drill: the backups of database and keyring brought back to a scratch place, and everything opened.

It shows that the two belong together and that the provider's key is still there, before they are needed. The
scratch folder goes whatever happens, and a scratch database is emptied again.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, MetaData, select
from sqlalchemy.exc import SQLAlchemyError

import bbs
from tlog.checkpoint import open_checkpoint, sign_checkpoint
from zkservice.errors import StartError
from zkservice.keyring import keeping
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.following import check
from zkservice.keyring.opening import FOLDER, Opened
from zkservice.keyring.providers import KeyProvider
from zkservice.keyring.rotating import nothing
from zkservice.keys import FIRST, Keys, secret_label
from zkservice.log_keys import LogKeys
from zkservice.storage import copying, ledger, master_keys, schema_version, sealed, secrets, tables
from zkservice.storage.database import open_engine
from zkservice.storage.master_keys import MasterState
from zkservice.storage.sealed import SEALED
from zkservice.upkeep.faults import UpkeepError, UpkeepReason
from zkservice.upkeep.manifest import SQLITE
from zkservice.upkeep.restoring import restore

_PAGE: Final = 500


@dataclass(frozen=True)
class Drilled:
    """What a drill has found sound.

    `values` are the sealed values that opened, by column; `generations` how many each generation seals.
    `size` is that of the log, of which so many `log_keys` signed anew what they had signed; so many
    `issuer_keys` have the public half that is published.
    """

    origin: str
    size: int
    values: Mapping[str, int]
    generations: Mapping[int, int]
    log_keys: int
    issuer_keys: int
    database_made: str
    keyring_made: str


def drill(
    database: Path,
    keyring: Path,
    provider: KeyProvider,
    *,
    url: str = "",
    opened: Callable[[int], None] = nothing,
) -> Drilled:
    """Restore a backup of the database and one of the keyring, open everything, and leave nothing.

    A backup of PostgreSQL goes into the empty database of `url`. `opened` is told how many values opened
    since it was told last. Raises UpkeepError, FaultError, KeyringError: KEYRING_BEHIND and KEYRING_OTHER if
    the two do not belong together, SEALED_BROKEN with the column.
    """
    with tempfile.TemporaryDirectory(prefix="zk-drill-") as name, _emptied(url):
        data = Path(name) / "data"
        made, report = restore(database, data, url=url)
        kept, _, ring = keeping.open_backup(keyring, provider)
        keeping.restore(keyring, data / FOLDER, provider)
        engine = open_engine(url or copying.sqlite_url(data / SQLITE))
        try:
            with engine.connect() as connection:
                _check_generations(connection, Opened(ring.keys(), data / FOLDER, provider))
                values, generations = _open_all(connection, ring.keys(), opened)
                log_keys = _signed_anew(connection, ring.keys(), made.origin)
                issuer_keys = _issuer_keys(connection, ring.keys())
        except SQLAlchemyError as error:
            raise StartError(f"the restored database cannot be read ({type(error).__name__})") from None
        finally:
            engine.dispose()
        size = report.size
        return Drilled(made.origin, size, values, generations, log_keys, issuer_keys, made.made, kept.made)


@contextmanager
def _emptied(url: str) -> Iterator[None]:
    """Empty a scratch database afterwards; one that has tables before is not ours, and is left alone."""
    if not url:
        yield
        return
    engine = open_engine(url)
    try:
        if schema_version.is_used(engine):
            raise UpkeepError(UpkeepReason.TARGET_NOT_EMPTY, "the database has tables; give an empty one")
        try:
            yield
        finally:
            found = MetaData()
            found.reflect(engine)
            found.drop_all(engine)
    finally:
        engine.dispose()


def _check_generations(connection: Connection, opened: Opened) -> None:
    stored = master_keys.listed(connection)
    check(opened, stored)
    used = (MasterState.CURRENT, MasterState.FORMER)
    wanted = {each.number for each in stored if each.state in used} if stored else {FIRST}
    if missing := sorted(wanted - set(opened.keys.known)):
        detail = f"the backups are not of one time: the keyring's lacks generation {missing[0]}"
        raise KeyringError(KeyringReason.KEYRING_BEHIND, detail)


def _open_all(
    connection: Connection, keys: Keys, opened: Callable[[int], None]
) -> tuple[dict[str, int], dict[int, int]]:
    """Open every sealed value there is."""
    columns, generations = dict[str, int](), dict[int, int]()
    for where in SEALED:
        last: tuple[Any, ...] | None = None
        columns[where.name] = 0
        while values := sealed.page(connection, where, last, _PAGE):
            for each in values:
                try:
                    each.open(keys)
                except StartError as error:
                    raise KeyringError(KeyringReason.SEALED_BROKEN, str(error)) from None
                generations[each.generation] = generations.get(each.generation, 0) + 1
            columns[where.name] += len(values)
            opened(len(values))
            last = values[-1].key
    return columns, generations


def _signed_anew(connection: Connection, keys: Keys, origin: str) -> int:
    """See that the log's keys are those that signed what is published, by signing it anew; how many sign."""
    if not secrets.log_keys(connection):
        secrets.begin_log(connection, keys, origin)
    stored = secrets.log_keys(connection)
    signers = secrets.signers(connection, keys, stored)
    log_keys, published = LogKeys.load(connection, keys, origin), ledger.states(connection)
    if published is not None:
        checkpoint = log_keys.open(ledger.published(connection).checkpoint)
        for each in signers:
            if open_checkpoint(sign_checkpoint(checkpoint, each), each.verifier) != checkpoint:
                raise KeyringError(KeyringReason.SEALED_BROKEN, "a key of the log does not sign")
    return len(signers)


def _issuer_keys(connection: Connection, keys: Keys) -> int:
    """See that each issuer key's secret half has the public half that is published; how many there are."""
    table, found = tables.issuer_key, 0
    query = select(table.c.name, table.c.suite, table.c.public_key, table.c.sealed_secret)
    for name, suite, public_key, octets in connection.execute(query):
        secret = bbs.SecretKey.from_octets(keys.open(secret_label(name), octets), suite=suite)
        if secret.public_key() != public_key:
            detail = f"the secret half of {name} is not that of its public half"
            raise KeyringError(KeyringReason.SEALED_BROKEN, detail)
        found += 1
    return found
