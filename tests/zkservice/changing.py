"""A log that goes over to another key: its server, started again and again, and proofs of a change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from disclosure import DepartmentName, VerifierName
from tests.zkservice.stored import dump
from tests.zkservice.support import PERMIT, City, city, reopened
from tlog import (
    Checkpoint,
    ProofFile,
    RecordEntry,
    Signer,
    TlogError,
    Verifier,
    build_batch,
    inclusion_proof,
    node_reader,
    open_checkpoint,
    sign_checkpoint,
    verify_receipt,
)
from wire.published import Reader
from zkproto.v1 import ledger_pb2
from zkservice.config import Settings
from zkservice.key_change import KeyChangeError

ORIGIN = "log.example/rotating"
OLD, NEW, STRANGE = (Signer.from_secret(ORIGIN, bytes([number]) * 32) for number in range(3))

SIGNING, NEXT = ledger_pb2.LogKey.STATE_SIGNING, ledger_pb2.LogKey.STATE_NEXT
RETIRED = ledger_pb2.LogKey.STATE_RETIRED


def settings_of(folder: Path) -> Settings:
    return Settings(data=folder, log_origin=ORIGIN)


@asynccontextmanager
async def serving(folder: Path, before: City | None = None) -> AsyncIterator[City]:
    """Start a server, the first time on an empty folder; later with what the parties hold from before."""
    if before is None:
        async with city(folder, log_origin=ORIGIN) as town:
            yield town
        return
    async with reopened(folder, log_origin=ORIGIN) as town:
        yield replace(town, department_token=before.department_token, verifier_keys=before.verifier_keys)


async def readable(town: City, key: Verifier) -> bool:
    """Read what stands on the ledger of the catalogue, with every check, as who has pinned this key."""
    root = grpc.ssl_channel_credentials((town.ready.data / "ca.pem").read_bytes())

    def run() -> bool:
        with closing(grpc.secure_channel(town.ready.address, root)) as channel:
            reader = Reader(channel, key)
            try:
                reader.schema(PERMIT.name)
                reader.issuer_keys(DepartmentName(PERMIT.name.department))
                reader.verifier_key(VerifierName("school"))
            except TlogError as error:
                return _unsigned(error)
            return True

    return await asyncio.to_thread(run)


async def head(town: City) -> ledger_pb2.GetCheckpointResponse:
    answer: ledger_pb2.GetCheckpointResponse = await town.ledger.GetCheckpoint(
        ledger_pb2.GetCheckpointRequest()
    )
    return answer


async def listed(town: City) -> list[ledger_pb2.LogKey]:
    return list((await town.ledger.ListLogKeys(ledger_pb2.ListLogKeysRequest())).log_keys)


async def settled(town: City, key: Verifier) -> ledger_pb2.GetCheckpointResponse:
    """Wait until the newest checkpoint is signed by a key."""
    async with asyncio.timeout(20):
        while True:
            answer = await head(town)
            try:
                open_checkpoint(answer.checkpoint, key)
            except TlogError:
                await asyncio.sleep(0.05)
            else:
                return answer


def refused(reason: str, note: bytes, key: Verifier) -> None:
    with pytest.raises(TlogError) as caught:
        open_checkpoint(note, key)
    assert caught.value.reason == reason


def not_now(reason: str, folder: Path, act: Any) -> None:
    before = dump(folder)
    with pytest.raises(KeyChangeError) as caught:
        act(settings_of(folder))
    assert caught.value.reason == reason
    assert dump(folder) == before


async def use(town: City, issued: Any) -> bytes:
    receipt: bytes = (await town.answered(issued))[2].receipt
    return receipt


def holds(receipt: bytes, key: Verifier) -> bool:
    try:
        verify_receipt(receipt, key)
    except TlogError as error:
        return _unsigned(error)
    return True


def _unsigned(error: TlogError) -> bool:
    """Return that it does not hold, for the one reason that there may be."""
    assert error.reason == "NOTE_UNSIGNED"
    return False


def proof_of(entry: bytes, *signers: Signer, extra: bytes | None = None, origin: str = ORIGIN) -> bytes:
    """A log of two records that these keys sign; the proof is that of the first."""
    batch = build_batch(0, None, lambda _: b"", [entry, RecordEntry("test", b"x").to_bytes()], 1000)
    hashes = inclusion_proof(0, batch.size, node_reader(batch.changed_tiles.__getitem__))
    note = sign_checkpoint(Checkpoint(origin, batch.size, batch.root), *signers)
    return ProofFile(0, tuple(hashes), note, entry if extra is None else extra).to_bytes()
