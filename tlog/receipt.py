"""Receipts: what a person keeps of a presentation, and anyone can check offline.

A receipt is handed out pending: proven in a checkpoint that the log alone has signed. Once the quorum of a
policy has cosigned a checkpoint that covers its entry, whoever holds it makes the anchored receipt of it.

A receipt file is a proof file whose extra data is the opening of the leaf's commitment. The opening alone
gives the entry, so a receipt that verifies shows that the log holds this body, at this index. The commitment
hides the body by 32 octets of salt, drawn once and never used for another body.

Encoding of an opening: u8 version 1, 32 octets salt, u32 length of the body, the body, 32 octets note hash.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tlog.checkpoint import Checkpoint, LogKeys
from tlog.cosignature import Cosignature
from tlog.encoding import check_bytes, decoding
from tlog.entry import ReceiptEntry
from tlog.errors import InputError, MalformedError, Reason, VerificationError
from tlog.merkle import HASH_OCTETS, leaf_hash
from tlog.policy import Policy
from tlog.proof_file import ProofFile

MAX_BODY_OCTETS = 1_000_000
SALT_OCTETS = 32

_PREFIX = b"zk-disclosure/receipt-commitment/v1\n"
_VERSION = b"\x01"
_BODY_AT = 1 + SALT_OCTETS + 4
PENDING_REASONS: Final = {Reason.QUORUM_MISSING.value, Reason.NOTE_UNSIGNED.value}
"""What a policy says of a checkpoint that may be anchored yet: too few have cosigned, or an earlier key of
the log that the policy no longer names has signed. The log's own signature is verified apart."""


@dataclass(frozen=True)
class ReceiptOpening:
    """What a receipt's leaf commits to. It is the holder's: whoever has it can recognise the leaf.

    The constructor raises InputError INVALID_LENGTH, INVALID_TYPE.
    """

    salt: bytes
    body: bytes
    note_hash: bytes

    def __post_init__(self) -> None:
        check_bytes(self.salt, "the salt", SALT_OCTETS)
        check_bytes(self.note_hash, "the hash of the holder's note", HASH_OCTETS)
        if len(check_bytes(self.body, "the body")) > MAX_BODY_OCTETS:
            raise InputError(Reason.INVALID_LENGTH, f"the body has at most {MAX_BODY_OCTETS} octets")

    def __repr__(self) -> str:
        return f"ReceiptOpening(<{len(self.body)} octets hidden>)"

    @property
    def commitment(self) -> bytes:
        """The commitment to the body."""
        return hashlib.sha256(_PREFIX + self.salt + self._framed_body).digest()

    def entry(self) -> ReceiptEntry:
        """Return the log entry of this receipt."""
        return ReceiptEntry(self.commitment, self.note_hash)

    def to_bytes(self) -> bytes:
        """Encode the opening."""
        return _VERSION + self.salt + self._framed_body + self.note_hash

    @classmethod
    def parse(cls, data: bytes) -> "ReceiptOpening":
        """Decode an opening; MalformedError RECEIPT_MALFORMED."""
        end = _BODY_AT + int.from_bytes(data[_BODY_AT - 4 : _BODY_AT])
        if data[:1] != _VERSION or len(data) != end + HASH_OCTETS:
            raise MalformedError(Reason.RECEIPT_MALFORMED, "another version, or lengths that do not add up")
        with decoding(Reason.RECEIPT_MALFORMED):
            return cls(data[1 : _BODY_AT - 4], data[_BODY_AT:end], data[end:])

    @property
    def _framed_body(self) -> bytes:
        return len(self.body).to_bytes(4) + self.body


class ReceiptState(StrEnum):
    """What a receipt is under a policy.

    Pending: the log has signed for it, and nobody else is known to have seen that. Anchored: a checkpoint
    with the quorum's cosignatures covers it, so that others cannot have been shown a ledger without it.
    Ordered: its checkpoint is in the order that the consortium keeps of all its logs, which is shown from a
    trusted header of its chain on (`ordering.light.receipt`) and not by this package.
    """

    PENDING = "pending"
    ANCHORED = "anchored"
    ORDERED = "ordered"


@dataclass(frozen=True)
class VerifiedReceipt:
    """A receipt that the log's checkpoint covers; anchored ones with the known witnesses that cosigned it."""

    opening: ReceiptOpening
    index: int
    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...] = ()
    state: ReceiptState = ReceiptState.PENDING

    @property
    def is_anchored(self) -> bool:
        """Whether the quorum of the policy that was asked for has cosigned."""
        return self.state is ReceiptState.ANCHORED


def receipt_file(
    opening: ReceiptOpening, index: int, hashes: Sequence[bytes], checkpoint_note: bytes
) -> bytes:
    """Write a receipt; InputError and MalformedError as by `ProofFile`."""
    return ProofFile(index, tuple(hashes), checkpoint_note, opening.to_bytes()).to_bytes()


def verify_receipt(
    receipt: bytes, log: LogKeys, *, policy: Policy | None = None, accept_pending: bool = False
) -> VerifiedReceipt:
    """Verify a receipt file under the log's key, or under one of several that it has had.

    Without a policy it shows what the log claims, and is pending. With one the quorum is demanded; whoever
    only wants to know the state says `accept_pending` and reads it from what is returned. Raises
    MalformedError PROOF_MALFORMED, NOTE_MALFORMED, CHECKPOINT_MALFORMED, RECEIPT_MALFORMED;
    VerificationError INCLUSION_INVALID, QUORUM_MISSING and what `open_checkpoint` and `open_by_policy` raise.
    """
    proof, opening = _parsed(receipt)
    leaf = leaf_hash(opening.entry().to_bytes())
    if policy is not None:
        try:
            checkpoint, cosignatures = proof.verify_leaf(leaf, log, policy=policy)
            return VerifiedReceipt(opening, proof.index, checkpoint, cosignatures, ReceiptState.ANCHORED)
        except VerificationError as error:
            if not accept_pending or error.reason not in PENDING_REASONS:
                raise
    checkpoint, _ = proof.verify_leaf(leaf, log)
    return VerifiedReceipt(opening, proof.index, checkpoint)


def anchored_receipt(
    receipt: bytes, hashes: Sequence[bytes], checkpoint_note: bytes, log: LogKeys, policy: Policy
) -> bytes:
    """Return a receipt file with the same opening and index, proven in an anchored checkpoint.

    `hashes` lead from the entry to the root of that checkpoint, which the policy's quorum cosigned. What is
    returned was verified. Raises as `verify_receipt` does; InputError and MalformedError as by `ProofFile`.
    """
    proof, opening = _parsed(receipt)
    leaf = leaf_hash(opening.entry().to_bytes())
    return proof.moved(leaf, hashes, checkpoint_note, log, policy).to_bytes()


def check_same_receipt(kept: bytes, other: bytes) -> None:
    """Check that two receipt files are for one entry: the same opening at the same index.

    They differ in the checkpoint, then. Neither is verified. Raises VerificationError INCLUSION_INVALID;
    MalformedError as `verify_receipt` does.
    """
    (one, opened), (two, reopened) = _parsed(kept), _parsed(other)
    same = hmac.compare_digest(opened.to_bytes(), reopened.to_bytes())
    if not same or one.index != two.index:
        raise VerificationError(Reason.INCLUSION_INVALID, "the receipt is for another entry")


def receipt_leaf(receipt: bytes) -> tuple[int, bytes]:
    """Return the index and the hash of the leaf that a receipt is for, unverified; raises as
    `check_same_receipt` does.
    """
    proof, opening = _parsed(receipt)
    return proof.index, leaf_hash(opening.entry().to_bytes())


def _parsed(receipt: bytes) -> tuple[ProofFile, ReceiptOpening]:
    proof = ProofFile.parse(receipt)
    if proof.extra is None:
        raise MalformedError(Reason.RECEIPT_MALFORMED, "a proof without an opening is no receipt")
    return proof, ReceiptOpening.parse(proof.extra)
