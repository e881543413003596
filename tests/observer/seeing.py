"""What an observer sees of one use or event, and what of it is framing: taken from the format, not from data.

A leaf is `zk-disclosure/receipt/v1\\n`, 32 octets of commitment and 32 of the note's hash; beside it stands
a note of 1,024 octets. In bundles two octets of length stand before each. All that two leaves may have in
common is that prefix and those lengths, and all that two notes may have in common is their length.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from tlog import HOLDER_NOTE_OCTETS, ReceiptEntry, note_hash
from tlog.entry import RECEIPT_PREFIX
from tlog.merkle import HASH_OCTETS

LEAF_OCTETS = len(RECEIPT_PREFIX) + 2 * HASH_OCTETS


@dataclass(frozen=True)
class Seen:
    """One leaf with its note, and where and when it stands: the block's height, its time, its place in it."""

    entry: bytes
    note: bytes
    index: int = 0
    height: int = 0
    time_ms: int = 0
    place: int = 0
    log: str = ""

    @property
    def payload(self) -> bytes:
        """The leaf without its prefix, and the note: what is left when the framing is taken off."""
        return self.entry.removeprefix(RECEIPT_PREFIX) + self.note

    @property
    def parts(self) -> tuple[bytes, bytes]:
        """The same in two, since no string of octets reaches from a leaf into a note."""
        return self.entry.removeprefix(RECEIPT_PREFIX), self.note


def misshapen(uses: list[Seen]) -> Iterator[str]:
    """Give what is wrong with the shape of each: prefix, lengths, or the hash that ties leaf and note."""
    for each in uses:
        if not each.entry.startswith(RECEIPT_PREFIX):
            yield "prefix of a leaf"
        if len(each.entry) != LEAF_OCTETS:
            yield "length of a leaf"
        if len(each.note) != HOLDER_NOTE_OCTETS:
            yield "length of a note"
        elif each.entry[-HASH_OCTETS:] != note_hash(each.note):
            yield "hash of a note"


def simulated() -> tuple[bytes, bytes]:
    """Return a leaf and its note, made by somebody who knows nothing: of random octets, and of the format."""
    note = secrets.token_bytes(HOLDER_NOTE_OCTETS)
    return ReceiptEntry(secrets.token_bytes(HASH_OCTETS), note_hash(note)).to_bytes(), note
