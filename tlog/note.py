"""Signed notes (c2sp.org/signed-note).

What `open_note` returns is the text and the keys that vouch for it. Signatures by unknown keys say nothing
and are passed over; each signature by a known key is verified, duplicates too, and one that fails refuses the
note. A key is known when name, key id and type are: of an unsupported type, none is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tlog.encoding import check_bytes, decoding, from_base64, from_utf8
from tlog.errors import InputError, Reason, VerificationError
from tlog.keys import (
    KEY_ID_OCTETS,
    KeyType,
    Signer,
    Verifier,
    check_name,
    check_note_text,
    signature_line,
)

__all__ = [
    "MAX_NOTE_OCTETS",
    "MAX_SIGNATURES",
    "KeyType",
    "OpenedNote",
    "SignatureLine",
    "Signer",
    "UnverifiedNote",
    "Verifier",
    "only_lines_of",
    "open_note",
    "parse_unverified",
    "sign",
    "text_unverified",
]

MAX_NOTE_OCTETS = 1_000_000
MAX_SIGNATURES = 100

_DASH = "\u2014 "


@dataclass(frozen=True)
class SignatureLine:
    """One line under a note: who claims to have signed it, and what stands after the key id."""

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        check_bytes(self.key_id, "a key id", KEY_ID_OCTETS)
        if not check_bytes(self.signature, "a signature"):
            raise InputError(Reason.INVALID_LENGTH, "a signature is empty")

    def to_bytes(self) -> bytes:
        """Encode the line with its newline."""
        return signature_line(self.name, self.key_id, self.signature)

    def is_by(self, verifier: Verifier) -> bool:
        """Tell whether the line names this key, which does not yet mean that the key signed it."""
        return self.name == verifier.name and self.key_id == verifier.key_id


@dataclass(frozen=True)
class UnverifiedNote:
    """A note taken apart; nobody has vouched for its text."""

    text: str
    lines: tuple[SignatureLine, ...]


@dataclass(frozen=True)
class OpenedNote:
    """A note that at least one known key signed: its text, those keys in the order asked, all its lines."""

    text: str
    verified: tuple[Verifier, ...]
    lines: tuple[SignatureLine, ...]

    def signatures_of(self, verifier: Verifier) -> tuple[bytes, ...]:
        """Return the verified signatures of a key, none if it was not among those asked for."""
        if verifier not in self.verified:
            return ()
        return tuple(line.signature for line in self.lines if line.is_by(verifier))


def sign(text: str, *signers: Signer) -> bytes:
    """Return the note of a text signed by at least one key.

    Raises InputError INVALID_TEXT, INVALID_TYPE, OUT_OF_RANGE (no signer, or too many), INVALID_LENGTH.
    """
    if not 0 < len(signers) <= MAX_SIGNATURES:
        raise InputError(Reason.OUT_OF_RANGE, f"a note has 1 to {MAX_SIGNATURES} signatures")
    lines = b"".join(signer.sign_line(text) for signer in signers)
    note = check_note_text(text).encode() + b"\n" + lines
    if len(note) > MAX_NOTE_OCTETS:
        raise InputError(Reason.INVALID_LENGTH, f"a note has at most {MAX_NOTE_OCTETS} octets")
    return note


def parse_unverified(note: bytes) -> UnverifiedNote:
    """Take a note apart without verifying it; MalformedError NOTE_MALFORMED."""
    with decoding(Reason.NOTE_MALFORMED):
        text, lines = _split(note)
        if not lines.endswith("\n"):
            raise InputError(Reason.INVALID_TEXT, "the last line of a note does not end")
        split = lines[:-1].split("\n")
        if len(split) > MAX_SIGNATURES:
            raise InputError(Reason.OUT_OF_RANGE, f"a note has at most {MAX_SIGNATURES} signatures")
        return UnverifiedNote(text, tuple(map(_parse_line, split)))


def only_lines_of(note: bytes, verifiers: Collection[Verifier]) -> bytes:
    """Return a note with those of its lines that name one of these keys; it does not verify them.

    Raises MalformedError NOTE_MALFORMED.
    """
    taken = parse_unverified(note)
    lines = [each.to_bytes() for each in taken.lines if any(map(each.is_by, verifiers))]
    return taken.text.encode() + b"\n" + b"".join(lines)


def text_unverified(note: bytes) -> str:
    """Return the text of a note without looking at its signatures; MalformedError NOTE_MALFORMED."""
    with decoding(Reason.NOTE_MALFORMED):
        return _split(note)[0]


def open_note(note: bytes, verifiers: Sequence[Verifier]) -> OpenedNote:
    """Verify a note against the known keys, one of which has to have signed it.

    Raises MalformedError NOTE_MALFORMED; VerificationError NOTE_SIGNATURE_INVALID, NOTE_UNSIGNED; InputError
    KEY_AMBIGUOUS (two different keys of one name and id).
    """
    known = _by_place(verifiers)
    parsed = parse_unverified(note)
    verified = set()
    for line in parsed.lines:
        if verifier := known.get((line.name, line.key_id)):
            verifier.verify(parsed.text, line.signature)
            verified.add(verifier)
    if not verified:
        raise VerificationError(Reason.NOTE_UNSIGNED, "no known key signed the note")
    return OpenedNote(parsed.text, tuple(key for key in known.values() if key in verified), parsed.lines)


def _by_place(verifiers: Sequence[Verifier]) -> dict[tuple[str, bytes], Verifier]:
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise InputError(Reason.KEY_AMBIGUOUS, f"two keys of {verifier.name} have the same id")
    return known


def _split(note: bytes) -> tuple[str, str]:
    if len(note) > MAX_NOTE_OCTETS:
        raise InputError(Reason.INVALID_LENGTH, f"a note has at most {MAX_NOTE_OCTETS} octets")
    text, gap, lines = from_utf8(note, "a note").rpartition("\n\n")
    if not gap:
        raise InputError(Reason.INVALID_TEXT, "no empty line before the signatures")
    return text + "\n", lines


def _parse_line(line: str) -> SignatureLine:
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2:
        raise InputError(Reason.INVALID_TEXT, "a line is not a signature")
    name, encoded = parts
    octets = from_base64(encoded, "a signature")
    return SignatureLine(name, octets[:KEY_ID_OCTETS], octets[KEY_ID_OCTETS:])
