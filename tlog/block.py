"""Block headers: the hash chain inside the log.

Entries are integrated in batches. A header states the root of the tree with the batch's entries in it and the
hash of the header before; it is then appended itself, as the leaf after them. So the chain lies in the tree
that a checkpoint commits to, and each can be checked by the other.

Encoding: "zk-disclosure/block/v1" newline, u64 height, 32 octets previous, u64 first_index, u64 count,
32 octets root, u64 time_ms; all integers big-endian and below 2^63.
"""

import hashlib
from dataclasses import dataclass

from tlog.encoding import check_bytes, check_count
from tlog.errors import InputError, MalformedError, Reason, VerificationError
from tlog.merkle import HASH_OCTETS

BLOCK_PREFIX = b"zk-disclosure/block/v1\n"
BLOCK_OCTETS = len(BLOCK_PREFIX) + 4 * 8 + 2 * HASH_OCTETS
GENESIS_PREVIOUS = bytes(HASH_OCTETS)

_HASH_PREFIX = b"zk-disclosure/block-hash/v1\n"


@dataclass(frozen=True)
class BlockHeader:
    """A header; the constructor raises InputError OUT_OF_RANGE, INVALID_LENGTH, INVALID_TYPE.

    `root` covers the entries up to `first_index + count`, not the header; `time_ms` is the sequencer's.
    """

    height: int
    previous: bytes
    first_index: int
    count: int
    root: bytes
    time_ms: int

    def __post_init__(self) -> None:
        check_count(self.height, "the height")
        check_bytes(self.previous, "the previous hash", HASH_OCTETS)
        check_count(self.first_index, "the first index")
        check_count(self.count, "the count of entries", 1)
        check_count(self.size, "the size after the block")
        check_bytes(self.root, "the root", HASH_OCTETS)
        check_count(self.time_ms, "the time")

    @property
    def index(self) -> int:
        """The index of the header's own leaf."""
        return self.first_index + self.count

    @property
    def size(self) -> int:
        """The size of the tree with the header in it."""
        return self.index + 1

    def to_bytes(self) -> bytes:
        """Encode the header, which is also its log entry."""
        return (
            BLOCK_PREFIX
            + self.height.to_bytes(8)
            + self.previous
            + self.first_index.to_bytes(8)
            + self.count.to_bytes(8)
            + self.root
            + self.time_ms.to_bytes(8)
        )

    @classmethod
    def parse(cls, data: bytes) -> "BlockHeader":
        """Decode a header; MalformedError BLOCK_MALFORMED."""
        if len(data) != BLOCK_OCTETS or not data.startswith(BLOCK_PREFIX):
            raise MalformedError(Reason.BLOCK_MALFORMED, f"a block header has {BLOCK_OCTETS} octets")
        at = len(BLOCK_PREFIX)
        try:
            return cls(
                height=int.from_bytes(data[at : at + 8]),
                previous=data[at + 8 : at + 40],
                first_index=int.from_bytes(data[at + 40 : at + 48]),
                count=int.from_bytes(data[at + 48 : at + 56]),
                root=data[at + 56 : at + 88],
                time_ms=int.from_bytes(data[at + 88 :]),
            )
        except InputError as error:
            raise MalformedError(Reason.BLOCK_MALFORMED, error.detail) from error

    def hash(self) -> bytes:
        """Return what the next header holds as `previous`."""
        return hashlib.sha256(_HASH_PREFIX + self.to_bytes()).digest()

    def check_follows(self, previous: "BlockHeader | None") -> None:
        """Check the link to the header before, None for the first; VerificationError BLOCK_INVALID."""
        expected = (
            (0, GENESIS_PREVIOUS, 0, 0)
            if previous is None
            else (previous.height + 1, previous.hash(), previous.size, previous.time_ms)
        )
        height, hash_before, first_index, time_ms = expected
        if self.height != height:
            raise VerificationError(Reason.BLOCK_INVALID, f"height {self.height} where {height} follows")
        if self.previous != hash_before:
            raise VerificationError(
                Reason.BLOCK_INVALID,
                f"block {height} does not hold the hash of the header before; one of the two was changed",
            )
        if self.first_index != first_index:
            raise VerificationError(
                Reason.BLOCK_INVALID, f"block {height} starts at {self.first_index}, not at {first_index}"
            )
        if self.time_ms < time_ms:
            raise VerificationError(Reason.BLOCK_INVALID, f"block {height} is older than the block before it")
