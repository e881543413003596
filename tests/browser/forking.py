"""A second tree that the log's own key signs: what a service shows one vault that it wants to deceive."""

from collections.abc import Sequence
from contextlib import closing

from sqlalchemy import create_engine

from tests.zkservice.support import City
from tlog import (
    Checkpoint,
    ProofFile,
    Signer,
    build_batch,
    inclusion_proof,
    node_reader,
    sign_checkpoint,
)
from zkproto.v1 import ledger_pb2
from zkservice.keys import Keys
from zkservice.storage import secrets


def log_signer(city: City) -> Signer:
    """Return the key that a city's log signs with, opened as the server does."""
    folder = city.ready.data
    engine = create_engine(f"sqlite:///{folder / 'service.sqlite3'}")
    with closing(engine.connect()) as connection:
        keys = Keys.load(folder / "keys", make=False)
        (signer,) = secrets.signers(connection, keys, secrets.log_keys(connection))
    engine.dispose()
    return signer


def forked_proofs(city: City, entries: Sequence[bytes]) -> list[bytes]:
    """Return the proofs that entries stand on a ledger of these alone, which the log has signed too."""
    signer = log_signer(city)
    batch = build_batch(0, None, lambda _: b"", entries, 1000)
    note = sign_checkpoint(Checkpoint(signer.verifier.name, batch.size, batch.root), signer)
    read = node_reader(batch.changed_tiles.__getitem__)
    paths = [tuple(inclusion_proof(at, batch.size, read)) for at in range(len(entries))]
    return [ProofFile(at, path, note, entries[at]).to_bytes() for at, path in enumerate(paths)]


def forked_proof(city: City, entry: bytes) -> bytes:
    """The same of one entry."""
    (proof,) = forked_proofs(city, [entry])
    return proof


def forked_head(city: City) -> bytes:
    """Return an answer to GetCheckpoint with a ledger that is none of the log's."""
    signer = log_signer(city)
    note = sign_checkpoint(Checkpoint(signer.verifier.name, 2, bytes(32)), signer)
    answer = ledger_pb2.GetCheckpointResponse(checkpoint=note, verifier_key=str(signer.verifier))
    return answer.SerializeToString()
