"""Witnesses of the one log of these tests: in a folder, and what they are asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consortium.witness import WitnessStore, load_keys, make_keys, opened_store
from tests.consortium.making import LOG, ORIGIN, MemoryLog
from tlog import AddCheckpoint, Checkpoint, open_cosigned

KNOWN = {ORIGIN: (LOG.verifier,)}
NAME = "w.example"


@contextmanager
def store_of(folder: Path) -> Iterator[WitnessStore]:
    """Open the witness's store in a folder, with a key if it has none."""
    if not (folder / "witness.keys").exists():
        make_keys(folder, NAME)
    with opened_store(folder, KNOWN, load_keys(folder)) as store:
        yield store


async def request(log: MemoryLog, old: int, size: int | None = None) -> bytes:
    """Return the request with the log's checkpoint of some size, by default its newest."""
    size = log.size if size is None else size
    return AddCheckpoint(old, tuple(await log.prove(old, size)), log.notes_at[size]).to_bytes()


def verified(folder: Path, note: bytes, lines: bytes) -> tuple[Checkpoint, int]:
    """Return what all keys of the folder cosigned, and when."""
    keys = [each.verifier for each in load_keys(folder)]
    checkpoint, cosignatures = open_cosigned(note + lines, LOG.verifier, keys, 1)
    assert {each.witness for each in cosignatures} == set(keys)
    (time,) = {each.time for each in cosignatures}
    return checkpoint, time
