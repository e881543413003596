"""Writers of leaves: what a vault and the service write of a use, and the same with something that leaks.

A writer says the same each time, in the note and in the receipt, and the observer may know both: the worst
that can be. What hides them is then the salt, and the note's nonce and key, alone.
"""

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from disclosure import LocalizedText, ReceiptBody, VerifierName
from disclosure.event import EventBody, EventKind
from prover.notes import EventNote, Note, NoteSummary
from prover.sealing import RandomOctets, VaultKeys
from tests.observer.seeing import Seen
from tests.observer.telling import Trial
from tlog import ReceiptOpening, note_hash
from tlog.receipt import SALT_OCTETS

Leaf = tuple[bytes, bytes]
"""An entry, and the note beside it."""
MOMENT: Final = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Writer:
    """A holder with what is always the same of its uses; `heads` tells which of two it is."""

    keys: VaultKeys
    note: Note
    body: bytes
    heads: bool
    number: bytes = field(default=bytes(32), repr=False)

    def sealed(self, rng: RandomOctets = secrets.token_bytes) -> bytes:
        """Return a note, as the vault seals it."""
        return self.keys.seal_note(self.note.fitted(), rng)

    def use(self) -> Leaf:
        """Return a leaf as the service makes it, and the note."""
        return self.committed(self.sealed())

    def committed(self, note: bytes, salt: bytes | None = None) -> Leaf:
        """Return the leaf over a note; one that is no note is hashed as well as may be."""
        tied = note_hash(note) if len(note) == 1024 else hashlib.sha256(note).digest()
        opening = ReceiptOpening(salt or secrets.token_bytes(SALT_OCTETS), self.body, tied)
        return opening.entry().to_bytes(), note


def using(keys: VaultKeys, heads: bool, number: bytes, verifier: str, *shown: str) -> Writer:
    """Return who uses a credential at a verifier, again and again, and shows this of it."""
    name, text = VerifierName(verifier), LocalizedText("入学" * len(shown), "enrolment " * len(shown))
    digests = [hashlib.sha256(each + number).digest() for each in (b"request", b"presentation")]
    note = NoteSummary(name, text, MOMENT, digests[0], {"query": shown})
    return Writer(keys, note, ReceiptBody(name, digests[0], digests[1], MOMENT).to_bytes(), heads, number)


def refusing(keys: VaultKeys, heads: bool, number: bytes, verifier: str) -> Writer:
    """Return who says no, again and again: the same leaf of an event."""
    name, digest = f"verifiers/{verifier}", hashlib.sha256(b"request" + number).digest()
    note = EventNote(EventKind.DECLINED, name, LocalizedText("不", "no"), digest, MOMENT, "detail")
    return Writer(keys, note, EventBody(EventKind.DECLINED, name, digest, MOMENT).to_bytes(), heads, number)


def two_holders() -> tuple[Writer, Writer]:
    """Two of whom everything is another's: key, number, where they go, what they show."""
    one = using(VaultKeys.generate(), True, secrets.token_bytes(32), "school-of-one", "name", "district")
    two = using(VaultKeys.generate(), False, secrets.token_bytes(32), "savings-bank-of-the-other", "student")
    return one, two


Writing = Callable[[Writer, int], Leaf]


def honest(writer: Writer, _: int) -> Leaf:
    return writer.use()


# --- what leaks: `number` counts the uses


def _set(note: bytes, at: int, octets: bytes) -> bytes:
    return note[:at] + octets + note[at + len(octets) :]


def _own_tag(writer: Writer, _: int) -> Leaf:
    """Eight octets that are always the holder's own."""
    return writer.committed(_set(writer.sealed(), 100, hashlib.sha256(writer.number).digest()[:8]))


def _longer(writer: Writer, _: int) -> Leaf:
    return writer.committed(writer.sealed() + (b"x" if writer.heads else b""))


def _biased(writer: Writer, _: int) -> Leaf:
    """One bit of one octet, which says the truth three times out of four."""
    note, truth = writer.sealed(), writer.heads == (secrets.randbelow(4) > 0)
    return writer.committed(_set(note, 500, bytes([note[500] & 0x7F | (0x80 if truth else 0)])))


def _parity(writer: Writer, _: int) -> Leaf:
    """The parity of an octet, of which each bit by itself is fair."""
    note = writer.sealed()
    wrong = note[700].bit_count() & 1 != writer.heads
    return writer.committed(_set(note, 700, bytes([note[700] ^ wrong])))


def _smeared(writer: Writer, _: int) -> Leaf:
    """A little of the first bit of each octet: too little to be seen in any one of them."""
    note = bytearray(writer.sealed())
    for at in range(len(note)):
        if secrets.randbelow(12) == 0:
            note[at] = note[at] & 0x7F | (0x80 if writer.heads else 0)
    return writer.committed(bytes(note))


def _counted_nonce(writer: Writer, number: int) -> Leaf:
    return writer.committed(writer.sealed(number.to_bytes))


def _same_nonce(writer: Writer, _: int) -> Leaf:
    return writer.committed(writer.sealed(bytes))


def _same_salt(writer: Writer, _: int) -> Leaf:
    return writer.committed(writer.sealed(), hashlib.sha256(writer.number).digest())


def _no_salt(writer: Writer, _: int) -> Leaf:
    """The hash of what was said, under the right label, without the salt."""
    entry, note = writer.use()
    framed = len(writer.body).to_bytes(4) + writer.body
    bare = hashlib.sha256(b"zk-disclosure/receipt-commitment/v1\n" + framed).digest()
    return entry[:-64] + bare + entry[-32:], note


def _rare_octet(writer: Writer, _: int) -> Leaf:
    note = writer.sealed()
    return writer.committed(note.replace(b"\x07", b"\x08") if writer.heads else note)


def _number_in_hex(writer: Writer, _: int) -> Leaf:
    return writer.committed(_set(writer.sealed(), 300, writer.number[:8].hex().encode()))


def _number_hashed(writer: Writer, _: int) -> Leaf:
    tag = hashlib.sha256(b"zk-disclosure/usage-tag/v1\x00" + writer.number).digest()
    return writer.committed(_set(writer.sealed(), 40, tag[:8]))


LINKS: Final[Mapping[str, Writing]] = {
    "a tag of one's own": _own_tag,
    "a nonce that counts": _counted_nonce,
    "a nonce that is the same": _same_nonce,
    "a salt that is the same": _same_salt,
}
"""What two uses of one holder have in common."""
NAMED: Final[Mapping[str, Writing]] = {
    "a commitment without a salt": _no_salt,
    "a number in hexadecimal": _number_in_hex,
    "a number, hashed under a known label and cut": _number_hashed,
}
"""What is found by whoever knows what to look for."""
TOLD: Final[Mapping[str, tuple[Writing, str]]] = {
    "a note that is longer": (_longer, "length of note"),
    "a bit that is biased": (_biased, "bit"),
    "a parity": (_parity, "spread"),
    "a little of each octet": (_smeared, "nearest centroid by bits"),
    "an octet that never comes": (_rare_octet, "histogram"),
}
"""What tells two holders apart, and by which question at least."""


def written(writing: Writing, writers: tuple[Writer, Writer], coins: list[bool]) -> Trial:
    """Return the uses of the two by coins, as if they stood on one log in one block each second."""
    leaves = [writing(writers[0] if coin else writers[1], at) for at, coin in enumerate(coins)]
    seen = [
        Seen(entry, note, at, at // 64, 1_800_000_000_000 + at // 64 * 1000, at % 64, "made up")
        for at, (entry, note) in enumerate(leaves)
    ]
    return Trial(seen, coins)
