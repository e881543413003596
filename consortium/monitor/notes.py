"""Notes as they come in from anywhere: only what known keys have really signed is kept of them.

A line that does not verify is dropped rather than the note refused: whoever passes a contradiction on could
otherwise be made to pass on one that nobody takes, by a bad line beside the good ones.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tlog import Checkpoint, Policy, Reason, TlogError, VerificationError, Verifier
from tlog.keys import TIME_OCTETS
from tlog.note import SignatureLine, parse_unverified


@dataclass(frozen=True)
class Known:
    """The keys of the logs that are followed, by origin, and of all witnesses that anybody named."""

    logs: dict[str, tuple[Verifier, ...]]
    urls: dict[str, str]
    witnesses: tuple[Verifier, ...]

    @classmethod
    def of(cls, policies: Iterable[Policy]) -> "Known":
        """Return what some policies name together."""
        logs = dict[str, tuple[Verifier, ...]]()
        urls, witnesses = dict[str, str](), dict[bytes, Verifier]()
        for policy in policies:
            for line in policy.logs:
                keys = logs.setdefault(line.verifier.name, ())
                logs[line.verifier.name] = tuple(dict.fromkeys((*keys, line.verifier)))
                if line.url is not None:
                    urls.setdefault(line.verifier.name, line.url.rstrip("/"))
            for each in policy.witnesses:
                witnesses.setdefault(each.verifier.public_key, each.verifier)
        return cls(logs, urls, tuple(witnesses.values()))


@dataclass(frozen=True)
class Seen:
    """A checkpoint that its log signed, under lines that all verify: the log's and known witnesses'."""

    text: str
    lines: tuple[SignatureLine, ...]

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The size and the root."""
        return Checkpoint.parse(self.text)

    @property
    def key(self) -> bytes:
        """What tells this text from others."""
        return hashlib.sha256(self.text.encode()).digest()

    @cached_property
    def note(self) -> bytes:
        """The signed note."""
        return self.text.encode() + b"\n" + b"".join(line.to_bytes() for line in self.lines)

    def times(self, witness: Verifier) -> list[int]:
        """Return when a witness cosigned it; empty if it did not."""
        if not self.signed_by(witness):
            return []
        return [int.from_bytes(each.signature[:TIME_OCTETS]) for each in self.lines if each.is_by(witness)]

    def signed_by(self, key: Verifier) -> bool:
        """Tell whether a key's line stands under it."""
        return (key.name, key.key_id) in self._signers

    @cached_property
    def _signers(self) -> frozenset[tuple[str, bytes]]:
        return frozenset((each.name, each.key_id) for each in self.lines)

    def merged(self, other: "Seen", known: Known) -> "Seen":
        """Return the same text with the lines of both; of each witness's times the first and the last."""
        lines = dict.fromkeys((*self.lines, *other.lines))
        kept = [each for each in lines if not any(each.is_by(key) for key in known.witnesses)]
        for key in known.witnesses:
            own = sorted(
                (each for each in lines if each.is_by(key)), key=lambda each: each.signature[:TIME_OCTETS]
            )
            kept += dict.fromkeys((own[0], own[-1])) if own else ()
        return Seen(self.text, tuple(kept))


def open_seen(note: bytes, known: Known) -> Seen:
    """Verify a note of a followed log.

    Raises MalformedError NOTE_MALFORMED, CHECKPOINT_MALFORMED; VerificationError ORIGIN_UNKNOWN,
    NOTE_UNSIGNED.
    """
    opened = parse_unverified(note)
    checkpoint = Checkpoint.parse(opened.text)
    keys = known.logs.get(checkpoint.origin, ())
    if not keys:
        raise VerificationError(Reason.ORIGIN_UNKNOWN, f"no log {checkpoint.origin} is followed")
    signed = _verified(opened.text, opened.lines, keys)
    if not signed:
        raise VerificationError(Reason.NOTE_UNSIGNED, f"{checkpoint.origin} did not sign the checkpoint")
    return Seen(opened.text, (*signed, *_verified(opened.text, opened.lines, known.witnesses)))


def _verified(text: str, lines: Sequence[SignatureLine], keys: Sequence[Verifier]) -> list[SignatureLine]:
    found = list[SignatureLine]()
    for line in dict.fromkeys(lines):
        for key in keys:
            if line.is_by(key) and _holds(key, text, line.signature):
                found.append(line)
    return found


def _holds(key: Verifier, text: str, signature: bytes) -> bool:
    try:
        key.verify(text, signature)
    except TlogError:
        return False
    return True
