"""What the leaves of the log hold: receipts, public records, block headers. Nothing else is an entry.

A receipt entry is a hiding commitment and the hash of a ciphertext that stands beside the leaf and that only
the holder's vault opens: no value, no name, nothing that links two receipts. A record is public by nature,
as an issuer's key is. Every kind begins with its own prefix and none is the beginning of another.
"""

import hashlib
import re
from dataclasses import dataclass

from tlog.block import BLOCK_PREFIX, BlockHeader
from tlog.encoding import check_bytes, decoding
from tlog.errors import InputError, MalformedError, Reason, VerificationError
from tlog.merkle import HASH_OCTETS

RECEIPT_PREFIX = b"zk-disclosure/receipt/v1\n"
RECORD_PREFIX = b"zk-disclosure/record/v1\n"
HOLDER_NOTE_OCTETS = 1024
MAX_RECORD_OCTETS = 60_000

_RECEIPT_OCTETS = len(RECEIPT_PREFIX) + 2 * HASH_OCTETS
_NOTE_PREFIX = b"zk-disclosure/holder-note/v1\n"
_KIND = re.compile(r"[a-z0-9-]{1,64}")


def note_hash(note: bytes) -> bytes:
    """Hash a holder's note of exactly 1024 octets; MalformedError HOLDER_NOTE_MALFORMED.

    All notes have one length, so that none tells what it holds.
    """
    with decoding(Reason.HOLDER_NOTE_MALFORMED):
        check_bytes(note, "a holder's note", HOLDER_NOTE_OCTETS)
    return hashlib.sha256(_NOTE_PREFIX + note).digest()


@dataclass(frozen=True)
class ReceiptEntry:
    """The leaf of a receipt; the constructor raises InputError INVALID_LENGTH, INVALID_TYPE."""

    commitment: bytes
    note_hash: bytes

    def __post_init__(self) -> None:
        check_bytes(self.commitment, "the commitment", HASH_OCTETS)
        check_bytes(self.note_hash, "the hash of the holder's note", HASH_OCTETS)

    def to_bytes(self) -> bytes:
        """Encode the log entry."""
        return RECEIPT_PREFIX + self.commitment + self.note_hash

    def check_note(self, note: bytes) -> None:
        """Check the holder's note beside this leaf.

        Raises MalformedError HOLDER_NOTE_MALFORMED, VerificationError HOLDER_NOTE_INVALID.
        """
        if note_hash(note) != self.note_hash:
            raise VerificationError(Reason.HOLDER_NOTE_INVALID, "the holder's note is not that of the entry")


@dataclass(frozen=True)
class RecordEntry:
    """The leaf of a public record.

    The constructor raises InputError INVALID_TEXT (the kind is not 1 to 64 of a-z, 0-9 and dash),
    INVALID_LENGTH, INVALID_TYPE.
    """

    kind: str
    payload: bytes

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or not _KIND.fullmatch(self.kind):
            raise InputError(Reason.INVALID_TEXT, "the kind of a record is 1 to 64 of a-z, 0-9 and dash")
        if len(check_bytes(self.payload, "the payload")) > MAX_RECORD_OCTETS:
            raise InputError(Reason.INVALID_LENGTH, f"a record has at most {MAX_RECORD_OCTETS} octets")

    def to_bytes(self) -> bytes:
        """Encode the log entry."""
        return RECORD_PREFIX + bytes([len(self.kind)]) + self.kind.encode() + self.payload


def is_receipt_of(entry: bytes, note: bytes | None) -> bool:
    """Tell, and quickly, whether an entry is a receipt and this the note beside it.

    True exactly where `parse_entry` gives a receipt and its `check_note` raises nothing; where it is false
    they say why.
    """
    return (
        note is not None
        and len(note) == HOLDER_NOTE_OCTETS
        and len(entry) == _RECEIPT_OCTETS
        and entry.startswith(RECEIPT_PREFIX)
        and hashlib.sha256(_NOTE_PREFIX + note).digest() == entry[-HASH_OCTETS:]
    )


Entry = ReceiptEntry | RecordEntry | BlockHeader


def parse_entry(data: bytes) -> Entry:
    """Decode a log entry; MalformedError ENTRY_MALFORMED, BLOCK_MALFORMED."""
    if data.startswith(BLOCK_PREFIX):
        return BlockHeader.parse(data)
    with decoding(Reason.ENTRY_MALFORMED):
        if data.startswith(RECEIPT_PREFIX):
            fields = data[len(RECEIPT_PREFIX) :]
            return ReceiptEntry(fields[:HASH_OCTETS], fields[HASH_OCTETS:])
        if data.startswith(RECORD_PREFIX):
            return _parse_record(data[len(RECORD_PREFIX) :])
    raise MalformedError(Reason.ENTRY_MALFORMED, "neither a receipt nor a record nor a block header")


def _parse_record(fields: bytes) -> RecordEntry:
    end = 1 + fields[0] if fields else 1
    if len(fields) < end:
        raise InputError(Reason.INVALID_LENGTH, "a record ends within its kind")
    # Latin 1 decodes every octet, so that a strange one fails as a kind and not as text.
    return RecordEntry(fields[1:end].decode("latin-1"), fields[end:])
