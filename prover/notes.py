"""Holder's notes: what stands beside a receipt's entry on the ledger and only the holder's vault can open.

A vault that was put back from an older copy of its file finds what it did since by reading ranges of the log
and trying each note; it never asks for its own. A note says that the vault wrote it, not that the entry is
its own: a note can be copied to stand beside another. What proves a use is its receipt.

There are notes of uses and of events (refusals, consents, withdrawals, things sent: `disclosure.event`), and
only whoever opens one can tell which it is. All have one length, so what is too long is cut: of a use first
the purpose, then names from the end; of an event the title.
"""

import datetime as dt
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from disclosure import (
    ConsentLink,
    ErrandLink,
    LocalizedText,
    MalformedError,
    Reason,
    VerifierName,
    canonical,
)
from disclosure.canonical import Item
from disclosure.event import EventKind
from disclosure.presentation import DIGEST_OCTETS
from prover.errors import VaultFileError, VaultReason
from prover.records import milliseconds, moment_of
from prover.sealing import NOTE_PLAIN_OCTETS, RandomOctets, VaultKeys

CUT_PURPOSE_OCTETS: Final = 120
MAX_PARTY_OCTETS: Final = 300
MAX_DETAIL_OCTETS: Final = 240
_LABEL: Final = "zk-disclosure/holder-note/v1"
_EVENT_LABEL: Final = "zk-disclosure/event-note/v1"
_LENGTH_OCTETS: Final = 2
_ELLIPSIS: Final = "…"
_ROOM: Final = NOTE_PLAIN_OCTETS - _LENGTH_OCTETS
_LIST_OVERHEAD: Final = 2
"""What a list of up to 255 items takes at most beside its items."""


@dataclass(frozen=True)
class NoteSummary:
    """What a note says of a use: who asked, what for, when, which request, and what was shown.

    `shown` has the attributes of each query; `whole` is false where something had to be cut.
    """

    verifier: VerifierName
    purpose: LocalizedText
    time: dt.datetime
    request_digest: bytes
    shown: Mapping[str, tuple[str, ...]]
    whole: bool = True

    def _octets(self) -> bytes:
        shown: list[Item] = [[query, list(names)] for query, names in self.shown.items()]
        return canonical.encode(
            _LABEL, str(self.verifier), self.purpose.items(), milliseconds(self.time), self.request_digest,
            shown, self.whole,
        )  # fmt: skip

    def fitted(self) -> bytes:
        """Return the plain text of exactly 996 octets, cut as far as it has to be."""
        octets = self._octets()
        if len(octets) > _ROOM:
            octets = self._cut()._octets()
        return _framed(octets)

    def _cut(self) -> "NoteSummary":
        purpose = LocalizedText(_cut(self.purpose.zh), _cut(self.purpose.en))
        shortest = replace(self, purpose=purpose, shown={}, whole=False)
        room = _ROOM - len(shortest._octets()) - _LIST_OVERHEAD
        kept: dict[str, tuple[str, ...]] = {}
        for query, names in self.shown.items():
            room -= 1 + _size(query) + _LIST_OVERHEAD
            if room < 0:
                break
            kept[query] = tuple(_first_that_fit(names, room))
            room -= sum(map(_size, kept[query]))
        return replace(shortest, shown=kept)

    @classmethod
    def _parse(cls, octets: bytes) -> "NoteSummary":
        match canonical.decode(_LABEL, octets):
            case [str(verifier), [str(zh), str(en)], int(time), bytes(digest), list(shown), bool(whole)]:
                return cls(
                    VerifierName.parse(verifier), LocalizedText(zh, en), moment_of(time), digest,
                    dict(map(_shown, shown)), whole,
                )  # fmt: skip
        raise _unknown()


@dataclass(frozen=True)
class EventNote:
    """What a note says of an event: what happened, with whom, what it was about, and when.

    `party` is the other side's resource name, `digest` 32 octets that the event's body has too, `detail` what
    the vault itself needs to go on with it, for on a new phone there is nothing else: as secret as the note.
    Raises MalformedError VALUE_INVALID.
    """

    kind: EventKind
    party: str
    title: LocalizedText
    digest: bytes
    time: dt.datetime
    detail: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        sizes = len(self.party.encode()), len(self.detail.encode()), len(self.digest)
        if sizes[0] > MAX_PARTY_OCTETS or sizes[1] > MAX_DETAIL_OCTETS or sizes[2] != DIGEST_OCTETS:
            detail = "an event's party, detail or digest has another length"
            raise MalformedError(Reason.VALUE_INVALID, detail)
        object.__setattr__(self, "title", LocalizedText(_cut(self.title.zh), _cut(self.title.en)))
        object.__setattr__(self, "time", moment_of(milliseconds(self.time)))

    def fitted(self) -> bytes:
        """Return the plain text of exactly 996 octets: the bounds of its parts leave room."""
        return _framed(self.octets())

    def octets(self) -> bytes:
        """Return its canonical bytes."""
        return canonical.encode(
            _EVENT_LABEL, self.kind.value, self.party, self.title.items(), self.digest,
            milliseconds(self.time), self.detail,
        )  # fmt: skip

    @classmethod
    def from_octets(cls, octets: bytes) -> "EventNote":
        """Decode its canonical bytes; MalformedError."""
        match canonical.decode(_EVENT_LABEL, octets):
            case [str(kind), str(party), [str(zh), str(en)], bytes(digest), int(time), str(detail)] if (
                kind in set(EventKind)
            ):
                title = LocalizedText(zh, en)
                return cls(EventKind(kind), party, title, digest, moment_of(time), detail)
        raise MalformedError(Reason.MALFORMED, "the octets are no event's note")


Note = NoteSummary | EventNote


def detail_of(link: ConsentLink | ErrandLink) -> str:
    """Return a link as an event's detail: nothing where a server's name is so long that there is no room.

    A new phone cannot go on by such a note then, and what it is of can be done all the same.
    """
    text = str(link)
    return text if len(text.encode()) <= MAX_DETAIL_OCTETS else ""


def _framed(octets: bytes) -> bytes:
    return (len(octets).to_bytes(_LENGTH_OCTETS) + octets).ljust(NOTE_PLAIN_OCTETS, b"\x00")


def _size(name: str) -> int:
    """Return how many octets an identifier of 1 to 63 letters takes in CBOR."""
    return len(name) + (1 if len(name) < 24 else 2)


def _first_that_fit(names: Iterable[str], room: int) -> Iterator[str]:
    for name in names:
        room -= _size(name)
        if room < 0:
            return
        yield name


def _shown(item: Item) -> tuple[str, tuple[str, ...]]:
    match item:
        case [str(query), list(names)]:
            return query, tuple(str(each) for each in names)
    raise _unknown()


def _cut(text: str) -> str:
    octets = text.encode()
    if len(octets) <= CUT_PURPOSE_OCTETS + len(_ELLIPSIS.encode()):
        return text
    return octets[:CUT_PURPOSE_OCTETS].decode(errors="ignore") + _ELLIPSIS


def _unknown() -> VaultFileError:
    return VaultFileError(VaultReason.VERSION_UNKNOWN, "the note is of a later version of this program")


def seal_note(keys: VaultKeys, summary: NoteSummary, rng: RandomOctets = secrets.token_bytes) -> bytes:
    """Return the holder's note of 1,024 octets: random to everybody but the vault."""
    return keys.seal_note(summary.fitted(), rng)


def seal_event(keys: VaultKeys, note: EventNote, rng: RandomOctets = secrets.token_bytes) -> bytes:
    """Return the note of an event: 1,024 octets that look like those of a use."""
    return keys.seal_note(note.fitted(), rng)


def open_note(keys: VaultKeys, note: bytes) -> Note | None:
    """Return what a note says, or None if this vault did not write it; VaultFileError VERSION_UNKNOWN."""
    plain = keys.open_note(note)
    if plain is None:
        return None
    octets = plain[_LENGTH_OCTETS : _LENGTH_OCTETS + int.from_bytes(plain[:_LENGTH_OCTETS])]
    try:
        return EventNote.from_octets(octets) if _is_event(octets) else NoteSummary._parse(octets)
    except MalformedError:
        raise _unknown() from None


def _is_event(octets: bytes) -> bool:
    """Tell by its label, which follows the array's head, which kind a note is."""
    label = canonical.encode(_EVENT_LABEL)[1:]
    return octets[1:].startswith(label)
