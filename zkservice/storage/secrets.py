"""The service's own secrets, sealed: the keys of its log.

A log has one key that signs. While it changes its key there is a next one, and both sign; then the old one is
retired: its public half stays for ever, for what it signed, and its secret half is erased. The size of the
log at which it was retired is kept: what it alone signed beyond was signed by somebody who has copied it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, select, update

from disclosure.registry import log_key_entry
from tlog.keys import Signer, Verifier
from zkservice.errors import StartError
from zkservice.keys import Keys
from zkservice.storage import ledger, tables

_LOG_KEY: Final = "log-key"


class LogKeyState(StrEnum):
    """What a key of the log does now."""

    SIGNING = "signing"
    NEXT = "next"
    """It signs beside the one before it."""
    RETIRED = "retired"


@dataclass(frozen=True)
class StoredLogKey:
    """A key of the log; `outbox` is the row of the record that names it, None for the log's first key.

    `retired_at` is the size of the log at which it was retired, None while it signs.
    """

    number: int
    verifier: Verifier
    state: LogKeyState
    outbox: int | None
    retired_at: int | None = None


def begun(connection: Connection) -> bool:
    """Tell whether anything is sealed under a master key."""
    return connection.execute(select(tables.service_secret.c.name).limit(1)).first() is not None


def begin_log(connection: Connection, keys: Keys, origin: str) -> None:
    """Make the log's first key, unless it has one; StartError if the log has another origin than `origin`.

    A log that is older than the table of its keys gets the row of its one key.
    """
    stored = log_keys(connection)
    names = set(connection.execute(select(tables.service_secret.c.name)).scalars())
    if any(each.verifier.name != origin for each in stored) or (
        names and not stored and sealed_name(origin) not in names
    ):
        raise StartError("the log was begun with another log_origin; set that one")
    if stored:
        return
    if names:
        signer = _open(connection, keys, origin, 1)
    else:
        signer = Signer.generate(origin)
        _keep(connection, keys, signer, 1)
    _add(connection, StoredLogKey(1, signer.verifier, LogKeyState.SIGNING, None))


def log_keys(connection: Connection) -> list[StoredLogKey]:
    """Return the keys that the log has had, oldest first."""
    table = tables.log_key
    return [
        StoredLogKey(number, Verifier.from_string(key), LogKeyState(state), outbox, retired_at)
        for number, key, state, outbox, retired_at in connection.execute(
            select(table).order_by(table.c.number)
        )
    ]


def ends(stored: Sequence[StoredLogKey]) -> Mapping[Verifier, int]:
    """Return the sizes of the log at which its retired keys were retired."""
    return {each.verifier: each.retired_at for each in stored if each.retired_at is not None}


def signers(connection: Connection, keys: Keys, stored: Sequence[StoredLogKey]) -> tuple[Signer, ...]:
    """Return what signs now of these keys, the oldest first; StartError if one does not open."""
    found = []
    for each in stored:
        if each.state is not LogKeyState.RETIRED:
            signer = _open(connection, keys, each.verifier.name, each.number)
            if signer.verifier != each.verifier:
                raise StartError(
                    "a key of the log is not the one that it is said to be: restore from a backup"
                )
            found.append(signer)
    return tuple(found)


def add_next(connection: Connection, keys: Keys, signing: StoredLogKey) -> StoredLogKey:
    """Make the key that follows the one that signs, and put the record of it into the outbox.

    One transaction: whoever sees the record waiting also sees the key, so every checkpoint that covers the
    record is signed by both.
    """
    signer = Signer.generate(signing.verifier.name)
    outbox = ledger.enqueue(connection, log_key_entry(signing.verifier, signer.verifier), None)
    made = StoredLogKey(signing.number + 1, signer.verifier, LogKeyState.NEXT, outbox)
    _keep(connection, keys, signer, made.number)
    _add(connection, made)
    return made


def retire(connection: Connection, old: StoredLogKey, following: StoredLogKey) -> None:
    """Let the next key sign alone, and erase the secret half of the old one.

    What is locked by now is the largest that the old key can have signed alone.
    """
    table, secret = tables.log_key, tables.service_secret
    found = ledger.states(connection)
    size = found[0].size if found else 0
    for each, changed in (
        (old, {"state": LogKeyState.RETIRED.value, "retired_at": size}),
        (following, {"state": LogKeyState.SIGNING.value}),
    ):
        connection.execute(update(table).where(table.c.number == each.number).values(**changed))
    connection.execute(secret.delete().where(secret.c.name == sealed_name(old.verifier.name, old.number)))


def sealed_name(origin: str, number: int = 1) -> str:
    """Return what a key is sealed under. The first is named as it was when logs had one key only."""
    return f"{_LOG_KEY}/{origin}" if number == 1 else f"{_LOG_KEY}/{number}/{origin}"


def _keep(connection: Connection, keys: Keys, signer: Signer, number: int) -> None:
    name = sealed_name(signer.name, number)
    sealed = keys.seal(name, signer.to_secret())
    connection.execute(tables.service_secret.insert().values(name=name, sealed=sealed))


def _open(connection: Connection, keys: Keys, origin: str, number: int) -> Signer:
    table, name = tables.service_secret, sealed_name(origin, number)
    sealed = connection.execute(select(table.c.sealed).where(table.c.name == name)).scalar()
    if sealed is None:
        raise StartError("a key that signs the log is missing: restore the database from a backup")
    return Signer.from_secret(origin, keys.open(name, sealed))


def _add(connection: Connection, key: StoredLogKey) -> None:
    values = {
        "number": key.number,
        "verifier_key": str(key.verifier),
        "state": key.state.value,
        "outbox": key.outbox,
    }
    connection.execute(tables.log_key.insert().values(**values))
