"""Holder's notes: what stands beside a receipt's entry on the ledger and only the holder's vault can open.

A vault that was put back from an older copy of its file finds what it did since by reading ranges of the log
and trying each note; it never asks for its own. A note says that the vault wrote it, not that the entry is
its own: a note can be copied to stand beside another. What proves a use is its receipt.

All notes have one length, so a summary that is too long is cut: first the purpose, then names from the end.
"""

import datetime as dt
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from disclosure import LocalizedText, MalformedError, VerifierName, canonical
from disclosure.canonical import Item
from prover.errors import VaultFileError, VaultReason
from prover.records import milliseconds, moment_of
from prover.sealing import NOTE_PLAIN_OCTETS, RandomOctets, VaultKeys

CUT_PURPOSE_OCTETS: Final = 120
_LABEL: Final = "zk-disclosure/holder-note/v1"
_LENGTH_OCTETS: Final = 2
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
        framed = len(octets).to_bytes(_LENGTH_OCTETS) + octets
        return framed.ljust(NOTE_PLAIN_OCTETS, b"\x00")

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
    def _parse(cls, plain: bytes) -> "NoteSummary":
        end = _LENGTH_OCTETS + int.from_bytes(plain[:_LENGTH_OCTETS])
        match canonical.decode(_LABEL, plain[_LENGTH_OCTETS:end]):
            case [str(verifier), [str(zh), str(en)], int(time), bytes(digest), list(shown), bool(whole)]:
                return cls(
                    VerifierName.parse(verifier), LocalizedText(zh, en), moment_of(time), digest,
                    dict(map(_shown, shown)), whole,
                )  # fmt: skip
        raise _unknown()


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
    if len(octets) <= CUT_PURPOSE_OCTETS:
        return text
    return octets[:CUT_PURPOSE_OCTETS].decode(errors="ignore") + "…"


def _unknown() -> VaultFileError:
    return VaultFileError(VaultReason.VERSION_UNKNOWN, "the note is of a later version of this program")


def seal_note(keys: VaultKeys, summary: NoteSummary, rng: RandomOctets = secrets.token_bytes) -> bytes:
    """Return the holder's note of 1,024 octets: random to everybody but the vault."""
    return keys.seal_note(summary.fitted(), rng)


def open_note(keys: VaultKeys, note: bytes) -> NoteSummary | None:
    """Return what a note says, or None if this vault did not write it; VaultFileError VERSION_UNKNOWN."""
    plain = keys.open_note(note)
    if plain is None:
        return None
    try:
        return NoteSummary._parse(plain)
    except MalformedError:
        raise _unknown() from None
