"""Looking for octets: such as two uses have in common, and such as are of a person, a credential, a question.

Both look for strings of eight octets in what the format says is random: commitments, hashes of notes, notes,
tiles, roots, signatures. Were these random, as assumed, a given string would stand at a given place with
probability 2^-64, so each search knows the bound of its own false alarms and refuses to run beyond it.
"""

import base64
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from disclosure import canonical
from tests.observer.seeing import Seen

STRING = 8
"""Octets. Shorter strings are shared by chance."""
FALSE_ALARMS = 2.0**-25
"""The bound of one search; there are sixteen at most, so that all of them together stay below 2^-21."""
_ROOT = Path(__file__).parents[2]
_ROOMS = ("bbs", "disclosure", "tlog", "prover", "verifier", "wire", "zkservice")
_LABEL = re.compile(rb"zk-disclosure/[a-z0-9-]+(?:/[a-z0-9-]+)*/?")
_SMALL = 64
"""What is longer is looked for as it is, in every place; what is not, in other forms and hashed too."""


def strings(octets: bytes) -> Iterator[bytes]:
    """Give all strings of eight octets, wherever they begin."""
    return (octets[at : at + STRING] for at in range(len(octets) - STRING + 1))


def shared(uses: Sequence[Seen]) -> list[str]:
    """Return what two uses have in common: strings of eight octets, beyond the framing."""
    by: dict[bytes, int] = {}
    found = []
    for number, use in enumerate(uses):
        for part in use.parts:
            for each in strings(part):
                if by.setdefault(each, number) != number:
                    found.append(f"{by[each]} and {number}: {each.hex()}")
    _check(len(by) ** 2 / 2)
    return found


def _check(chances: float) -> None:
    assert chances * 2.0**-64 < FALSE_ALARMS, "so much is searched that chance would be found"


@cache
def labels() -> tuple[bytes, ...]:
    """Return all labels that something is hashed under anywhere in the project."""
    found = set[bytes]()
    for room in _ROOMS:
        for path in (_ROOT / room).rglob("*.py"):
            found.update(_LABEL.findall(path.read_bytes()))
    return tuple(sorted(found))


class Needles:
    """What is looked for, in every form in which it could stand somewhere; with all that `base` has."""

    def __init__(self, base: "Needles | None" = None) -> None:
        self._base = base
        self._strings, self._hashes = set[bytes](), set[bytes]()
        self._whole = defaultdict[bytes, set[bytes]](set)
        self._added = set[tuple[type, object]]()

    def add(self, *values: bytes | str | int, labelled: bool = True) -> None:
        """Look for values, each by itself, and for its hashes: under all labels, or under none."""
        for value in values:
            if (key := (type(value), value)) in self._added:
                continue
            self._added.add(key)
            octets = _octets(value)
            for form in _forms(value, octets) if len(octets) <= _SMALL else (octets,):
                self._strings.update(strings(form))
                if len(form) >= STRING:
                    self._whole[form[:STRING]].add(form)
            prefixes = _prefixes() if labelled else ()
            self._hashes.update(each[:STRING] for each in _digests(octets, prefixes))

    @property
    def count(self) -> int:
        """How many strings are looked for."""
        return len(self._strings) + len(self._hashes) + (self._base.count if self._base else 0)

    def __contains__(self, string: bytes) -> bool:
        own = string in self._strings or string in self._hashes
        return own or (self._base is not None and string in self._base)

    def within(self, octets: Iterable[tuple[str, bytes]]) -> list[str]:
        """Return where eight octets of anything stand in what should be random."""
        found, places = [], 0
        for where, each in octets:
            places += len(each)
            found += [f"{where}: {string.hex()}" for string in strings(each) if string in self]
        _check(places * self.count)
        return found

    def whole_within(self, octets: Iterable[tuple[str, bytes]]) -> list[str]:
        """Return where the whole of anything stands, in whatever form, in files and answers of any kind."""
        forms = self._whole if self._base is None else {**self._base._whole, **self._whole}
        return [
            f"{where}: {form!r}"
            for where, each in octets
            for at, string in enumerate(strings(each))
            if string in forms
            for form in self._beginning(string)
            if each.startswith(form, at)
        ]

    def _beginning(self, string: bytes) -> Iterator[bytes]:
        yield from self._whole.get(string, ())
        if self._base is not None:
            yield from self._base._beginning(string)


def _octets(value: bytes | str | int) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            return value.encode()
        case _:
            return value.to_bytes(max(1, (value.bit_length() + 7) // 8))


def _forms(value: bytes | str | int, octets: bytes) -> Iterator[bytes]:
    """Give the forms in which a small value could be written, itself among them."""
    yield octets
    yield octets[::-1]
    yield from (octets.hex().encode(), octets.hex().upper().encode())
    for shift in range(3):
        for encoded in (base64.b64encode(octets[shift:]), base64.urlsafe_b64encode(octets[shift:])):
            yield encoded[: (len(octets) - shift) * 4 // 3]
    if isinstance(value, str):
        yield from (value.encode("utf-16-le"), value.encode("utf-16-be"))
    elif isinstance(value, int):
        size = max(STRING, len(octets))
        yield from (value.to_bytes(size), value.to_bytes(size, "little"))
        yield str(value).encode()
    yield _in_cbor(value)


def _in_cbor(value: bytes | str | int) -> bytes:
    """Return a value as it stands within canonical bytes: in an array, after a label."""
    return canonical.encode("", value)[len(canonical.encode("")) :]


def _digests(octets: bytes, prefixes: Iterable[bytes]) -> Iterator[bytes]:
    """Give its hashes: alone and in CBOR; and after each prefix, without and with its length before it."""
    framed = len(octets).to_bytes(4) + octets
    yield from (hashlib.sha256(each).digest() for each in (octets, framed, _in_cbor(octets)))
    yield from (hashlib.sha256(prefix + each).digest() for prefix in prefixes for each in (octets, framed))


@cache
def _prefixes() -> tuple[bytes, ...]:
    """Return each label with what may follow it."""
    return tuple(label + end for label in labels() for end in (b"", b"\n", b"\x00"))
