"""Notes as they come in from anywhere: only what known keys have really signed is kept of them.

A line that does not verify is dropped rather than the note refused: whoever passes a contradiction on could
otherwise be made to pass on one that nobody takes, by a bad line beside the good ones.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tlog import Checkpoint, InputError, Policy, Reason, TlogError, VerificationError, Verifier
from tlog.keys import TIME_OCTETS
from tlog.note import MAX_NOTE_OCTETS, MAX_SIGNATURES, SignatureLine, parse_unverified


@dataclass(frozen=True)
class Known:
    """The keys of the logs that are followed, by origin, and of all witnesses that anybody named."""

    logs: dict[str, tuple[Verifier, ...]]
    urls: dict[str, str]
    witnesses: tuple[Verifier, ...]

    @classmethod
    def of(cls, policies: Iterable[Policy]) -> "Known":
        """Return what some policies name together.

        Raises InputError KEY_AMBIGUOUS: a public key under two names, whose lines under one of them would not
        be seen, or two keys that a line cannot tell apart.
        """
        logs = dict[str, tuple[Verifier, ...]]()
        urls, witnesses = dict[str, str](), dict[Verifier, None]()
        for policy in policies:
            for line in policy.logs:
                keys = logs.setdefault(line.verifier.name, ())
                logs[line.verifier.name] = tuple(dict.fromkeys((*keys, line.verifier)))
                if line.url is not None:
                    urls.setdefault(line.verifier.name, line.url.rstrip("/"))
            for each in policy.witnesses:
                witnesses[each.verifier] = None
        _check_apart([*(key for keys in logs.values() for key in keys), *witnesses])
        return cls(logs, urls, tuple(witnesses))


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

    def contradicts(self, other: "Seen") -> bool:
        """Tell whether the two are of one size and of other roots."""
        one, two = self.checkpoint, other.checkpoint
        return one.size == two.size and one.root != two.root

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
        """Return the same text with the lines of both, as far as they are kept."""
        return Seen(self.text, _kept(self.text, [*self.lines, *other.lines], known))


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
    cosigned = _verified(opened.text, opened.lines, known.witnesses)
    return Seen(opened.text, _kept(opened.text, [*signed, *cosigned], known))


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


def _kept(text: str, lines: Sequence[SignatureLine], known: Known) -> tuple[SignatureLine, ...]:
    """Return what is kept of lines that verify: the first of each key, and each witness's last by its times.

    Whoever signs with other nonces has any number of lines under one text. All of them would be more than a
    note can have, and nothing that is kept of it could be read again. Of lines of one time the first stays:
    one that tells nothing new changes nothing.
    """
    left = MAX_NOTE_OCTETS - len(text.encode()) - 1
    kept = dict[SignatureLine, None]()
    for line in _in_order(lines, known):
        octets = len(line.to_bytes())
        if line not in kept and len(kept) < MAX_SIGNATURES and octets <= left:
            kept[line], left = None, left - octets
    return tuple(kept)


def _in_order(lines: Sequence[SignatureLine], known: Known) -> Iterator[SignatureLine]:
    """Give the lines by how much they tell: the log's, the witnesses' first ones, their last ones."""
    of_witnesses = [own for key in known.witnesses if (own := [each for each in lines if each.is_by(key)])]
    for keys in known.logs.values():
        yield from (own[0] for key in keys if (own := [each for each in lines if each.is_by(key)]))
    yield from (min(own, key=_time) for own in of_witnesses)
    yield from (max(own, key=_time) for own in of_witnesses)


def _time(line: SignatureLine) -> bytes:
    return line.signature[:TIME_OCTETS]


def _check_apart(keys: Sequence[Verifier]) -> None:
    places, owners = dict[tuple[str, bytes], Verifier](), dict[bytes, Verifier]()
    for key in keys:
        same = [places.setdefault((key.name, key.key_id), key), owners.setdefault(key.public_key, key)]
        if other := next((each for each in same if each != key), None):
            raise InputError(Reason.KEY_AMBIGUOUS, f"{other} and {key} cannot be told apart")
