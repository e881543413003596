"""The log goes over to another key: begun, then both keys sign, then finished.

Begun in one transaction: the new key, and the record of it in the outbox. From then on every block is signed
by both keys, so the record stands under a checkpoint of both. Finished in one transaction, which needs that
checkpoint: the old key signs no more. After a crash at any point the log is in one of the three states, and
the same command can be given again.

The commands here are for a folder whose server is stopped. What they do in the database, a running server
takes over by itself with its next block (`log_keys`).
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from tlog.checkpoint import open_checkpoint
from tlog.errors import TlogError
from tlog.keys import Verifier
from tlog.note import parse_unverified
from tlog.policy import LogLine, Policy, open_by_policy
from tlog.proof_file import ProofFile
from zkservice.anchoring import read_policy
from zkservice.config import Settings
from zkservice.databases import held, opened_engine
from zkservice.errors import StartError
from zkservice.keyring.following import open_stored
from zkservice.keyring.opening import open_keys
from zkservice.log_keys import write_verifier_key
from zkservice.receipts import place_of, read_place
from zkservice.storage import anchors, ledger, secrets
from zkservice.storage.ledger import Block
from zkservice.storage.secrets import LogKeyState, StoredLogKey


class KeyChangeReason(StrEnum):
    """Why a change of the log's key is not begun or not finished; the value equals the name."""

    LOG_NOT_BEGUN = "LOG_NOT_BEGUN"
    CHANGE_UNDER_WAY = "CHANGE_UNDER_WAY"
    CHANGE_NOT_BEGUN = "CHANGE_NOT_BEGUN"
    CHANGE_NOT_RECORDED = "CHANGE_NOT_RECORDED"
    CHANGE_NOT_ANCHORED = "CHANGE_NOT_ANCHORED"
    POLICY_LACKS_KEY = "POLICY_LACKS_KEY"


class KeyChangeError(Exception):
    """A step of a change that is not its turn. Nothing was changed."""

    def __init__(self, reason: KeyChangeReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason: str = reason.value
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


_BEGIN_FIRST: Final = "start the server on this folder first"


def begin(settings: Settings) -> tuple[Verifier, Verifier]:
    """Make the log's next key; return the old and the new one. Raises KeyChangeError, StartError."""
    with _stopped(settings) as connection:
        keys = open_stored(connection, open_keys(settings, make=False)).keys
        if not secrets.begun(connection) or ledger.states(connection) is None:
            raise KeyChangeError(KeyChangeReason.LOG_NOT_BEGUN, _BEGIN_FIRST)
        secrets.begin_log(connection, keys, settings.log_origin)
        signing, following = _now(connection)
        if following is not None:
            raise KeyChangeError(KeyChangeReason.CHANGE_UNDER_WAY, f"the next key is {following.verifier}")
        # Whether the old key can be used is known before a new one is made.
        secrets.signers(connection, keys, [signing])
        return signing.verifier, secrets.add_next(connection, keys, signing).verifier


def finish(settings: Settings) -> tuple[Verifier, Verifier]:
    """Let the new key sign alone; return the old and the new one. Raises KeyChangeError, StartError."""
    with _stopped(settings) as connection:
        signing, following = _now(connection)
        if following is None:
            raise KeyChangeError(KeyChangeReason.CHANGE_NOT_BEGUN, "there is no next key")
        policy = read_policy(settings, signing.verifier)
        _check_recorded(connection, signing, following, policy)
        secrets.retire(connection, signing, following)
    # After a crash here the server writes the file when it starts.
    write_verifier_key(settings.data, following.verifier)
    return signing.verifier, following.verifier


def change_proof(connection: Connection, old: StoredLogKey, new: StoredLogKey) -> bytes | None:
    """Return the proof that a key follows the one before it; None until its record stands on the ledger.

    It is in the first anchored checkpoint that covers the record, if that was anchored while both keys
    signed, else in the checkpoint of the record's block.
    """
    place = read_place(connection, new.outbox) if new.outbox is not None else None
    if place is None:
        return None
    for anchored in anchors.listed(connection, place.index + 1, 1):
        if _both_named(anchored.checkpoint, old.verifier, new.verifier):
            header = ledger.block_of(connection, anchored.size - 1).header
            place = place_of(connection, place.index, Block(header, anchored.checkpoint))
    (_, entry, _), *_ = ledger.entries(connection, place.index, 1)
    return replace(ProofFile.parse(place.proof()), extra=entry).to_bytes()


def _both_named(note: bytes, *keys: Verifier) -> bool:
    lines = parse_unverified(note).lines
    return all(any(line.is_by(each) for line in lines) for each in keys)


def _check_recorded(
    connection: Connection, old: StoredLogKey, new: StoredLogKey, policy: Policy | None
) -> None:
    """Raise KeyChangeError unless whoever believes the old key can be led to the new one by a proof.

    `policy` is that of the settings, if it demands witnesses: the next start will want the new key in it.
    """
    proof = change_proof(connection, old, new)
    if proof is None:
        detail = "the record of the new key is not on the ledger yet: start the server, and stop it again"
        raise KeyChangeError(KeyChangeReason.CHANGE_NOT_RECORDED, detail)
    note = ProofFile.parse(proof).checkpoint
    try:
        for each in (note, ledger.published(connection).checkpoint):
            open_checkpoint(each, old.verifier)
            open_checkpoint(each, new.verifier)
    except TlogError as error:
        detail = f"what covers the record is not signed by both keys: {error}"
        raise KeyChangeError(KeyChangeReason.CHANGE_NOT_RECORDED, detail) from None
    if policy is None:
        return
    if new.verifier not in policy.logs_of(new.verifier.name):
        detail = f"the policy has no line for the new key: log {new.verifier}"
        raise KeyChangeError(KeyChangeReason.POLICY_LACKS_KEY, detail)
    try:
        open_by_policy(note, replace(policy, logs=(LogLine(old.verifier), LogLine(new.verifier))))
    except TlogError as error:
        detail = f"what covers the record is not anchored: {error}"
        raise KeyChangeError(KeyChangeReason.CHANGE_NOT_ANCHORED, detail) from None


def _now(connection: Connection) -> tuple[StoredLogKey, StoredLogKey | None]:
    """Return the key that signs and, while the log changes its key, the next one."""
    stored = {each.state: each for each in secrets.log_keys(connection)}
    signing = stored.get(LogKeyState.SIGNING)
    if signing is None:
        raise KeyChangeError(KeyChangeReason.LOG_NOT_BEGUN, _BEGIN_FIRST)
    return signing, stored.get(LogKeyState.NEXT)


@contextlib.contextmanager
def _stopped(settings: Settings) -> Iterator[Connection]:
    """Give one transaction on the database of a folder that no server runs on. Raises StartError."""
    if not settings.data.is_dir():
        raise KeyChangeError(KeyChangeReason.LOG_NOT_BEGUN, _BEGIN_FIRST)
    with held(settings):
        engine = opened_engine(settings)
        try:
            with engine.execution_options(writing=True).begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StartError(f"the database cannot be read or written ({type(error).__name__})") from None
        finally:
            engine.dispose()
