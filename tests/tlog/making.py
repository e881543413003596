"""Keys, entries, stored logs and archives made up for tests."""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache

import pytest

from tlog import (
    HOLDER_NOTE_OCTETS,
    BlockHeader,
    Checkpoint,
    CosignatureSigner,
    ReceiptOpening,
    RecordEntry,
    Signer,
    TileId,
    TlogError,
    build_batch,
    node_reader,
    note_hash,
    sign_checkpoint,
)
from tlog import archive as archives

ORIGIN = "log.example.org/city"
LOG = Signer.from_secret(ORIGIN, hashlib.sha256(b"log").digest())
WITNESSES = [
    CosignatureSigner.from_secret(f"witness.example.org/{n}", hashlib.sha256(b"witness%d" % n).digest())
    for n in range(4)
]
WITNESS_KEYS = [witness.verifier for witness in WITNESSES]


def digest(n: int) -> bytes:
    return hashlib.sha256(b"leaf %d" % n).digest()


@cache
def digests(count: int) -> tuple[bytes, ...]:
    return tuple(map(digest, range(count)))


def holder_note(n: int) -> bytes:
    return hashlib.shake_256(b"note %d" % n).digest(HOLDER_NOTE_OCTETS)


def opening(n: int) -> ReceiptOpening:
    return ReceiptOpening(digest(n), b'{"shown": %d}' % n, note_hash(holder_note(n)))


def receipt(n: int) -> bytes:
    return opening(n).entry().to_bytes()


def record(n: int) -> bytes:
    return RecordEntry("issuer-key", b"key %d" % n).to_bytes()


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def refused(reason: str, act: Callable[..., object], *args: object, **options: object) -> TlogError:
    with pytest.raises(TlogError) as caught:
        act(*args, **options)
    assert caught.value.reason == reason
    return caught.value


class Log:
    """A log in memory: what storage would hold after each block."""

    def __init__(self) -> None:
        self.tiles: dict[TileId, bytes] = {}
        self.entries: list[tuple[bytes, bytes | None]] = []
        self.header: BlockHeader | None = None
        self.size = 0
        self.root = hashlib.sha256().digest()

    def add(self, entries: Sequence[bytes], notes: Sequence[bytes | None], time_ms: int = 1000) -> None:
        batch = build_batch(self.size, self.header, self.tiles.__getitem__, entries, time_ms)
        self.tiles.update(batch.changed_tiles)
        self.entries += zip(batch.entries, (*notes, None), strict=True)
        self.header, self.size, self.root = batch.header, batch.size, batch.root

    def node(self, level: int, index: int) -> bytes:
        return node_reader(self.tiles.__getitem__)(level, index)

    def leaf_hashes(self) -> list[bytes]:
        return [self.node(0, index) for index in range(self.size)]

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(ORIGIN, self.size, self.root)

    def signed(self) -> bytes:
        return sign_checkpoint(self.checkpoint(), LOG)

    def archive(self) -> bytes:
        return b"".join(archives.write(LOG.verifier, self.entries, self.signed()))


def sample_log(blocks: int = 3, receipts: int = 1, records: int = 1) -> Log:
    log = Log()
    for height in range(blocks):
        numbers = range(height * receipts, (height + 1) * receipts)
        log.add(
            [*map(receipt, numbers), *(record(height * records + n) for n in range(records))],
            [*map(holder_note, numbers), *[None] * records],
            1000 + height,
        )
    return log
