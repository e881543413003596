"""From one trusted header to a later one, and from that to a row of the state and to a log's checkpoint.

Assumption, which is the engine's own: less than a third of the power of a trusted header's next validators
lies within the time that it is trusted for. What is shown then: a header that more than a third of that power
has signed, and more than two thirds of its own validators, is the chain's header of its height. The row under
it is that of the block before, since a header carries the hash of the state after the block before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from ordering import state, tree
from ordering.errors import RefusedError
from ordering.light.header import Commit, Header, Validators
from ordering.machine import app_hash
from ordering.octets import Reader, Writer, malformed
from ordering.state import Ordered
from tlog.checkpoint import Checkpoint
from tlog.errors import VerificationError
from tlog.merkle import verify_consistency

TRUSTING_SECONDS: Final = 14 * 86_400
MAX_STEPS: Final = 64
MAX_OCTETS: Final = 1 << 20
_MAX_CONSISTENCY: Final = 64
_PREFIX: Final = b"zk-disclosure/consortium/order/v1\n"
_TRUST_PREFIX: Final = b"zk-disclosure/consortium/trusted/v2\n"


class OrderReason(StrEnum):
    """Why an order is not shown; the value equals the name."""

    ORDER_MALFORMED = "ORDER_MALFORMED"
    ORDER_CHAIN_MISMATCH = "ORDER_CHAIN_MISMATCH"
    ORDER_TRUST_EXPIRED = "ORDER_TRUST_EXPIRED"
    ORDER_TRUST_MISSING = "ORDER_TRUST_MISSING"
    ORDER_COMMIT_INVALID = "ORDER_COMMIT_INVALID"
    ORDER_ROW_INVALID = "ORDER_ROW_INVALID"
    ORDER_CHECKPOINT_MISMATCH = "ORDER_CHECKPOINT_MISMATCH"


class OrderError(Exception):
    """An order that does not hold under what is trusted: a stable reason, and a detail."""

    def __init__(self, reason: OrderReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


@dataclass(frozen=True)
class Trusted:
    """What somebody trusts: a header, and the next height's validators, whose hash it carries.

    All that is trusted follows from the header, so who compares its hash with others has compared all of it.
    """

    header: Header
    validators: Validators

    @property
    def chain(self) -> str:
        """The header's chain."""
        return self.header.chain

    @property
    def height(self) -> int:
        """The header's height."""
        return self.header.height

    @property
    def seconds(self) -> int:
        """The header's time, in seconds since 1970."""
        return self.header.time[0]

    @cached_property
    def hash(self) -> bytes:
        """The header's hash."""
        return self.header.hash()

    def to_bytes(self) -> bytes:
        """Encode it, as it is pinned in a file."""
        writer = Writer().fixed(_TRUST_PREFIX)
        self.header.write(writer)
        self.validators.write(writer)
        return writer.to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> "Trusted":
        """Decode it; OrderError ORDER_MALFORMED, also of other validators than the header's."""
        try:
            reader = begun(data, _TRUST_PREFIX)
            found = cls(Header.take(reader), Validators.take(reader))
            reader.end()
        except RefusedError as error:
            raise OrderError(OrderReason.ORDER_MALFORMED, error.detail) from None
        if found.validators.hash() != found.header.next_validators_hash:
            raise OrderError(
                OrderReason.ORDER_MALFORMED, "the validators are not those that the header names"
            )
        return found


@dataclass(frozen=True)
class Step:
    """A header with its commit, its validators, and those of the height after."""

    header: Header
    commit: Commit
    validators: Validators
    next_validators: Validators

    def write(self, writer: Writer) -> None:
        """Write its parts."""
        for part in (self.header, self.commit, self.validators, self.next_validators):
            part.write(writer)

    @classmethod
    def take(cls, reader: Reader) -> "Step":
        """Take its parts off; RefusedError MALFORMED."""
        header, commit = Header.take(reader), Commit.take(reader)
        return cls(header, commit, Validators.take(reader), Validators.take(reader))


@dataclass(frozen=True)
class Order:
    """What shows that a log's checkpoint is in the chain's order.

    Headers from a trusted one on, each near enough to the one before it; the log's row under the last; and
    that the log's tree goes on to the one in that row.
    """

    steps: tuple[Step, ...]
    row: bytes
    proof: tree.Proof
    consistency: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """Encode it, as it is kept beside a receipt."""
        writer = Writer().fixed(_PREFIX).number(len(self.steps), 1)
        for step in self.steps:
            step.write(writer)
        writer.octets(self.row)
        tree.write_proof(self.proof, writer)
        writer.number(len(self.consistency), 1)
        for each in self.consistency:
            writer.fixed(each)
        return writer.to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> "Order":
        """Decode it strictly; OrderError ORDER_MALFORMED."""
        try:
            reader = begun(data, _PREFIX)
            steps = tuple(reader.several(Step.take, MAX_STEPS))
            row, proof = reader.octets(64), tree.take_proof(reader)
            consistency = tuple(reader.several(lambda each: each.fixed(tree.HASH_OCTETS), _MAX_CONSISTENCY))
            reader.end()
        except RefusedError as error:
            raise OrderError(OrderReason.ORDER_MALFORMED, error.detail) from None
        return cls(steps, row, proof, consistency)


def begun(data: bytes, prefix: bytes) -> Reader:
    """Return what reads a file on from its prefix; RefusedError MALFORMED if it is of another kind."""
    if len(data) > MAX_OCTETS:
        raise malformed("it is too long")
    reader = Reader(data)
    if reader.fixed(len(prefix)) != prefix:
        raise malformed("it is of another kind")
    return reader


def advance(trusted: Trusted, steps: Sequence[Step], now: int) -> tuple[Trusted, Header | None]:
    """Follow headers from a trusted one; return what is trusted then, and the last header.

    `now` is in seconds since 1970. Raises OrderError.
    """
    header = None
    for step in steps:
        if now >= trusted.seconds + TRUSTING_SECONDS:
            raise OrderError(OrderReason.ORDER_TRUST_EXPIRED, f"the header at {trusted.height} is too old")
        trusted, header = _advanced(trusted, step), step.header
    return trusted, header


def _advanced(trusted: Trusted, step: Step) -> Trusted:
    header, commit = step.header, step.commit
    if header.chain != trusted.chain:
        raise OrderError(OrderReason.ORDER_CHAIN_MISMATCH, "the header is of another chain")
    digest = header.hash()
    if header.height == trusted.height and digest == trusted.hash:
        check_block(step)  # a commit that nobody needs is one all the same, and nothing else is in its place
        check_signed(step)
        return trusted
    if header.height <= trusted.height or header.time[0] < trusted.seconds:
        raise OrderError(OrderReason.ORDER_TRUST_MISSING, "the header is not later than what is trusted")
    check_block(step)
    if header.height == trusted.height + 1 and step.validators != trusted.validators:
        raise OrderError(OrderReason.ORDER_TRUST_MISSING, "the next height has other validators")
    if 3 * _signed(trusted.validators, commit, header.chain) <= trusted.validators.total:
        raise OrderError(OrderReason.ORDER_TRUST_MISSING, "no third of those that are trusted has signed")
    check_signed(step)
    return Trusted(header, step.next_validators)


def check_block(step: Step) -> None:
    """Check that a commit is of its header, and that the header names the validators; OrderError."""
    header, commit, digest = step.header, step.commit, step.header.hash()
    if (commit.height, commit.block.hash) != (header.height, digest):
        raise OrderError(OrderReason.ORDER_COMMIT_INVALID, "the commit is of another block")
    hashes = header.validators_hash, header.next_validators_hash
    if (step.validators.hash(), step.next_validators.hash()) != hashes:
        raise OrderError(OrderReason.ORDER_COMMIT_INVALID, "the validators are not those of the header")


def check_signed(step: Step) -> None:
    """Check that two thirds of a header's own validators have signed it; OrderError."""
    if 3 * _signed(step.validators, step.commit, step.header.chain) <= 2 * step.validators.total:
        raise OrderError(OrderReason.ORDER_COMMIT_INVALID, "no two thirds of the validators have signed")


def _signed(validators: Validators, commit: Commit, chain: str) -> int:
    powers = dict(validators.members)
    return sum(powers[key] for key in commit.signers(chain, tuple(powers)))


def check_row(header: Header, key: bytes, value: bytes | None, proof: tree.Proof) -> None:
    """Check that a key has a value, or None for none, in the state that a header carries; OrderError."""
    root = tree.proven_root(key, value, proof)
    if root is None or app_hash(root) != header.app_hash:
        raise OrderError(OrderReason.ORDER_ROW_INVALID, "the row is not under the header")


def check_order(order: Order, checkpoint: Checkpoint, trusted: Trusted, now: int) -> Ordered:
    """Check that a log's checkpoint, verified already, is in the chain's order; return the row over it.

    Raises OrderError.
    """
    _, header = advance(trusted, order.steps, now)
    if header is None:
        raise OrderError(OrderReason.ORDER_MALFORMED, "there is no header")
    check_row(header, state.checkpoint_key(checkpoint.origin), order.row, order.proof)
    try:
        ordered = Ordered.parse(order.row)
        verify_consistency(checkpoint.size, ordered.size, order.consistency, checkpoint.root, ordered.root)
    except (RefusedError, VerificationError):
        raise OrderError(
            OrderReason.ORDER_CHECKPOINT_MISMATCH, "the order has another tree of this log"
        ) from None
    return ordered
