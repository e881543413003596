"""A block's header, the validators that its height has, and the commit under it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidSignature

from ordering.light import encoding
from ordering.light.encoding import Time
from ordering.octets import Reader, Writer, malformed
from ordering.state import validator_address
from tlog import ed25519

HASH_OCTETS: Final = 32
ADDRESS_OCTETS: Final = 20
MAX_VALIDATORS: Final = 255
MAX_TOTAL_POWER: Final = (1 << 63) // 8
_PRECOMMIT: Final = 2
_MAX_TEXT: Final = 50


def _take_hash(reader: Reader) -> bytes:
    found = reader.octets(HASH_OCTETS)
    if len(found) not in {0, HASH_OCTETS}:
        raise malformed("a hash has 32 octets")
    return found


def _take_time(reader: Reader) -> Time:
    seconds, nanoseconds = reader.number(8), reader.number(4)
    if seconds >= 1 << 40 or nanoseconds >= 10**9:
        raise malformed("that is no time")
    return seconds, nanoseconds


def _write_time(writer: Writer, value: Time) -> None:
    writer.number(value[0], 8).number(value[1], 4)


@dataclass(frozen=True)
class BlockId:
    """A block: the hash of its header, and of the parts that it was sent in."""

    hash: bytes
    parts: int
    parts_hash: bytes

    def encoded(self) -> bytes:
        """Encode it as the engine does."""
        parts = encoding.number(1, self.parts) + encoding.octets(2, self.parts_hash)
        return encoding.octets(1, self.hash) + encoding.message(2, parts)

    def write(self, writer: Writer) -> None:
        """Write its fields."""
        writer.octets(self.hash).number(self.parts, 4).octets(self.parts_hash)

    @classmethod
    def take(cls, reader: Reader) -> "BlockId":
        """Take its fields off; RefusedError MALFORMED."""
        return cls(_take_hash(reader), reader.number(4), _take_hash(reader))


@dataclass(frozen=True)
class Header:
    """A header (spec/core/data_structures, Header); its hash is what validators sign."""

    block_version: int
    app_version: int
    chain: str
    height: int
    time: Time
    last_block: BlockId
    last_commit_hash: bytes
    data_hash: bytes
    validators_hash: bytes
    next_validators_hash: bytes
    consensus_hash: bytes
    app_hash: bytes
    last_results_hash: bytes
    evidence_hash: bytes
    proposer: bytes

    def hash(self) -> bytes:
        """Hash all fields, each of them a leaf."""
        version = encoding.number(1, self.block_version) + encoding.number(2, self.app_version)
        wrapped = (encoding.octets(1, each) for each in self._hashes())
        return encoding.merkle_root(
            [
                version,
                encoding.octets(1, self.chain.encode()),
                encoding.number(1, self.height),
                encoding.time(self.time),
                self.last_block.encoded(),
                *wrapped,
            ]
        )

    def _hashes(self) -> tuple[bytes, ...]:
        return (
            self.last_commit_hash, self.data_hash, self.validators_hash, self.next_validators_hash,
            self.consensus_hash, self.app_hash, self.last_results_hash, self.evidence_hash, self.proposer,
        )  # fmt: skip

    def write(self, writer: Writer) -> None:
        """Write its fields."""
        writer.number(self.block_version, 8).number(self.app_version, 8).text(self.chain).number(
            self.height, 8
        )
        _write_time(writer, self.time)
        self.last_block.write(writer)
        for each in self._hashes():
            writer.octets(each)

    @classmethod
    def take(cls, reader: Reader) -> "Header":
        """Take its fields off; RefusedError MALFORMED."""
        versions = reader.number(8), reader.number(8)
        chain, height, time = reader.text(_MAX_TEXT), reader.number(8), _take_time(reader)
        if height >= 1 << 63 or max(versions) >= 1 << 63:
            raise malformed("a number is too large")
        last = BlockId.take(reader)
        fields = [*(_take_hash(reader) for _ in range(8)), reader.octets(ADDRESS_OCTETS)]
        return cls(*versions, chain, height, time, last, *fields)


@dataclass(frozen=True)
class Validators:
    """Keys and powers, in the engine's order: the most power first, then by address."""

    members: tuple[tuple[bytes, int], ...]

    def __post_init__(self) -> None:
        ordered = sorted(self.members, key=lambda each: (-each[1], validator_address(each[0])))
        keys = {key for key, _ in self.members}
        if list(self.members) != ordered or len(keys) != len(self.members) or not self.members:
            raise malformed("the validators are not in their order, or one is there twice")
        if min(power for _, power in self.members) < 1 or self.total > MAX_TOTAL_POWER:
            raise malformed("a validator has no power, or too much")

    @property
    def total(self) -> int:
        """The power of all."""
        return sum(power for _, power in self.members)

    def hash(self) -> bytes:
        """Hash them (spec/core/data_structures, ValidatorSet)."""
        return encoding.merkle_root(
            [
                encoding.message(1, encoding.octets(1, key)) + encoding.number(2, power)
                for key, power in self.members
            ]
        )

    def write(self, writer: Writer) -> None:
        """Write keys and powers."""
        writer.number(len(self.members), 1)
        for key, power in self.members:
            writer.fixed(key).number(power, 8)

    @classmethod
    def take(cls, reader: Reader) -> "Validators":
        """Take keys and powers off; RefusedError MALFORMED."""
        return cls(tuple(reader.several(_take_member, MAX_VALIDATORS)))


def _take_member(reader: Reader) -> tuple[bytes, int]:
    return reader.fixed(ed25519.PUBLIC_KEY_OCTETS), reader.number(8)


class Flag(IntEnum):
    """What a validator's place in a commit says (spec/core/data_structures, BlockIDFlag)."""

    ABSENT = 1
    COMMIT = 2
    NIL = 3


@dataclass(frozen=True)
class CommitVote:
    """A validator's place in a commit; one that is absent has no address and no signature."""

    flag: Flag
    address: bytes = b""
    time: Time = (0, 0)
    signature: bytes = b""


@dataclass(frozen=True)
class Commit:
    """The votes that made a block final, in the order of its validators."""

    height: int
    round: int
    block: BlockId
    votes: tuple[CommitVote, ...]

    def sign_bytes(self, chain: str, vote: CommitVote) -> bytes:
        """Return what a validator that voted for the block has signed (spec/core/encoding, CanonicalVote)."""
        text = (
            encoding.number(1, _PRECOMMIT)
            + encoding.fixed(2, self.height)
            + encoding.fixed(3, self.round)
            + encoding.message(4, self.block.encoded())
            + encoding.message(5, encoding.time(vote.time))
            + encoding.octets(6, chain.encode())
        )
        return encoding.varint(len(text)) + text

    def signers(self, chain: str, keys: Sequence[bytes]) -> frozenset[bytes]:
        """Return which of some keys have signed for the block; what does not hold counts for nobody."""
        by_address = {validator_address(key): key for key in keys}
        found = set[bytes]()
        for vote in self.votes:
            key = by_address.get(vote.address)
            if vote.flag is not Flag.COMMIT or key is None:
                continue
            if _holds(key, vote.signature, self.sign_bytes(chain, vote)):
                found.add(key)
        return frozenset(found)

    def write(self, writer: Writer) -> None:
        """Write its fields."""
        writer.number(self.height, 8).number(self.round, 4)
        self.block.write(writer)
        writer.number(len(self.votes), 1)
        for vote in self.votes:
            writer.number(vote.flag, 1).octets(vote.address)
            _write_time(writer, vote.time)
            writer.octets(vote.signature)

    @classmethod
    def take(cls, reader: Reader) -> "Commit":
        """Take its fields off; RefusedError MALFORMED."""
        height, turn, block = reader.number(8), reader.number(4), BlockId.take(reader)
        if height >= 1 << 63:
            raise malformed("a number is too large")
        return cls(height, turn, block, tuple(reader.several(_take_vote, MAX_VALIDATORS)))


def _take_vote(reader: Reader) -> CommitVote:
    flag = reader.number(1)
    if flag not in {1, 2, 3}:
        raise malformed("that is no place in a commit")
    return CommitVote(
        Flag(flag), reader.octets(ADDRESS_OCTETS), _take_time(reader), reader.octets(ed25519.SIGNATURE_OCTETS)
    )


def _holds(key: bytes, signature: bytes, text: bytes) -> bool:
    if not ed25519.is_public_key(key):
        return False
    try:
        ed25519.public_key(key).verify(signature, text)
    except InvalidSignature:
        return False
    return True
