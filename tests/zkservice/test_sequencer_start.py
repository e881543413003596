"""What a server refuses to start on: a log that somebody has changed, or moved on, while it was away."""

import hashlib
from pathlib import Path
from typing import Any, Final

import pytest

from tests.zkservice.stored import change, dump
from tests.zkservice.support import city, reopened
from tlog.checkpoint import Checkpoint, sign_checkpoint
from tlog.note import Signer
from zkservice.errors import StartError
from zkservice.keys import Keys

ORIGIN: Final = "log.example/test"
OTHER: Final = Signer.from_secret(ORIGIN, hashlib.sha256(b"other").digest())


@pytest.fixture
async def stopped(tmp_path: Path) -> Path:
    """A folder whose server has ended, with a log of several blocks."""
    async with city(tmp_path, log_origin=ORIGIN) as town:
        issued = await town.claim(await town.issue())
        for _ in range(2):
            await town.answered(issued)
    return tmp_path


async def refuses(folder: Path, *said: str, **settings: Any) -> None:
    before = dump(folder)
    with pytest.raises(StartError) as caught:
        async with reopened(folder, **({"log_origin": ORIGIN} | settings)):
            pass
    for each in said:
        assert each in str(caught.value)
    assert dump(folder) == before, "a refused start changed something"


def signer_of(folder: Path) -> Signer:
    ((name, sealed),) = dump(folder)["service_secret"]
    return Signer.from_secret(ORIGIN, Keys.load(folder / "keys").open(name, sealed))


def put_state(folder: Path, role: str, ahead: int, root: bytes = bytes(32), stated: int = 0) -> None:
    """Set lock or published to a checkpoint that the log's own key signs."""
    size = {row[0]: row[1] for row in dump(folder)["ledger_state"]}["published"] + ahead
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root), signer_of(folder))
    change(
        folder, "update ledger_state set size = ?, checkpoint = ? where role = ?", size + stated, note, role
    )


async def test_refuses_a_lock_that_is_ahead_of_nothing(stopped: Path) -> None:
    put_state(stopped, "lock", 3)
    await refuses(stopped, "the lock is ahead and its block is not staged")


async def test_refuses_what_is_published_ahead_of_the_lock(stopped: Path) -> None:
    put_state(stopped, "published", 3)
    await refuses(stopped, "ahead of its lock")


@pytest.mark.parametrize("role", ["lock", "published"])
async def test_refuses_two_checkpoints_of_one_size(stopped: Path, role: str) -> None:
    put_state(stopped, role, 0)
    await refuses(stopped, "two checkpoints of one size")


async def test_refuses_a_row_that_states_another_size(stopped: Path) -> None:
    for role in ("lock", "published"):
        put_state(stopped, role, 0, stated=1)
    await refuses(stopped, "another size than its row")


async def test_refuses_a_checkpoint_by_a_foreign_key(stopped: Path) -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), OTHER)
    change(stopped, "update ledger_state set size = 1, checkpoint = ?", note)
    await refuses(stopped, "does not hold under the log's key")


async def test_refuses_a_changed_checkpoint(stopped: Path) -> None:
    (_, _, note), *_ = dump(stopped)["ledger_state"]
    change(stopped, "update ledger_state set checkpoint = ?", note.replace(b"\n", b"\n1", 1))
    await refuses(stopped, "does not hold under the log's key")


async def test_refuses_half_a_state(stopped: Path) -> None:
    change(stopped, "delete from ledger_state where role = 'lock'")
    await refuses(stopped, "incomplete")


async def test_refuses_another_origin(stopped: Path) -> None:
    await refuses(stopped, "another log_origin", log_origin="log.example/renamed")


async def test_refuses_another_master_key(stopped: Path) -> None:
    (stopped / "keys" / "master.key").write_bytes(b"\1" * 32)
    await refuses(stopped, "does not open under this master key")


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_tile set hashes = cast(zeroblob(32) || substr(hashes, 33) as blob)",
        "update ledger_tile set hashes = substr(hashes, 1, 32)",
        "update ledger_tile set hashes = substr(hashes, 2)",
        "update ledger_tile set hashes = cast('' as blob)",
        "delete from ledger_tile",
    ],
)
async def test_refuses_a_changed_tile(stopped: Path, statement: str) -> None:
    change(stopped, statement)
    await refuses(stopped)


async def test_refuses_a_lost_block(stopped: Path) -> None:
    change(stopped, "delete from ledger_block where height = (select max(height) from ledger_block)")
    await refuses(stopped, "lacks its last block")
