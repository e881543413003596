"""Receipts: what a person keeps of a presentation, and anyone can check offline.

A receipt file is a proof file whose extra data is the opening of the leaf's commitment. The opening alone
gives the entry, so a receipt that verifies shows that the log holds this body, at this index. The commitment
hides the body by 32 octets of salt, drawn once and never used for another body.

Encoding of an opening: u8 version 1, 32 octets salt, u32 length of the body, the body, 32 octets note hash.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tlog.checkpoint import Checkpoint, LogKeys
from tlog.cosignature import Cosignature
from tlog.encoding import check_bytes, decoding
from tlog.entry import ReceiptEntry
from tlog.errors import InputError, MalformedError, Reason
from tlog.keys import Verifier
from tlog.merkle import HASH_OCTETS, leaf_hash
from tlog.proof_file import ProofFile

MAX_BODY_OCTETS = 1_000_000
SALT_OCTETS = 32

_PREFIX = b"zk-disclosure/receipt-commitment/v1\n"
_VERSION = b"\x01"
_BODY_AT = 1 + SALT_OCTETS + 4


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


@dataclass(frozen=True)
class VerifiedReceipt:
    """A receipt that the log's checkpoint covers, with the witnesses that cosigned it."""

    opening: ReceiptOpening
    index: int
    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...] = ()


def receipt_file(
    opening: ReceiptOpening, index: int, hashes: Sequence[bytes], checkpoint_note: bytes
) -> bytes:
    """Write a receipt; InputError and MalformedError as by `ProofFile`."""
    return ProofFile(index, tuple(hashes), checkpoint_note, opening.to_bytes()).to_bytes()


def verify_receipt(
    receipt: bytes, log: LogKeys, *, witnesses: Sequence[Verifier] = (), quorum: int = 0
) -> VerifiedReceipt:
    """Verify a receipt file under the log's key, or under one of several that it has had.

    With the default quorum of 0 it shows what the log claims; "anchored" is for a quorum that was demanded.
    Raises MalformedError PROOF_MALFORMED, NOTE_MALFORMED, CHECKPOINT_MALFORMED, RECEIPT_MALFORMED;
    VerificationError INCLUSION_INVALID and what `open_cosigned` raises.
    """
    proof = ProofFile.parse(receipt)
    if proof.extra is None:
        raise MalformedError(Reason.RECEIPT_MALFORMED, "a proof without an opening is no receipt")
    opening = ReceiptOpening.parse(proof.extra)
    leaf = leaf_hash(opening.entry().to_bytes())
    checkpoint, cosignatures = proof.verify_leaf(leaf, log, witnesses=witnesses, quorum=quorum)
    return VerifiedReceipt(opening, proof.index, checkpoint, cosignatures)
