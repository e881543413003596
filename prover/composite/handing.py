"""What two vaults tell each other for a sum of what both hold: texts that go from device to device.

The second vault shows an `AskedOpening`, a link to the request that it would answer and a key for this one
sum; the first one answers with a `SealedNumber`. The key has to come from the other device itself, as a code
that is scanned: nobody between the two is told the number, but whoever could change the key would be.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final

from disclosure import ExchangeLink, MalformedError, Reason, canonical
from disclosure.canonical import Item
from disclosure.composite.handover import KEY_OCTETS, SEALED_OCTETS
from disclosure.composite.request import MAX_BRANCHES, MAX_OUTPUTS
from disclosure.names import check_attribute_id
from disclosure.presentation import DIGEST_OCTETS

MAX_TEXT: Final = 20_000
MAX_PARTS: Final = MAX_BRANCHES * MAX_OUTPUTS
_ASKED: Final = "zk-disclosure/asked-opening/v1"
_SEALED: Final = "zk-disclosure/sealed-number/v1"
_TEXT: Final = re.compile(r"(zk-key|zk-number):([A-Za-z0-9_-]+)", re.ASCII)


@dataclass(frozen=True)
class AskedOpening:
    """The link of the request that counts a number, and the key of 32 octets that its opening is sealed to.

    The link's ticket lets whoever has it answer that request: it goes to the other holder and nobody else.
    """

    link: ExchangeLink = field(repr=False)
    key: bytes

    def __post_init__(self) -> None:
        if len(self.key) != KEY_OCTETS:
            raise _malformed(f"a key has {KEY_OCTETS} octets")

    def __str__(self) -> str:
        return _written("zk-key", canonical.encode(_ASKED, str(self.link), self.key))

    @classmethod
    def parse(cls, text: str) -> "AskedOpening":
        """Decode its text; MalformedError MALFORMED, LINK_INVALID."""
        match canonical.decode(_ASKED, _read("zk-key", text)):
            case [str(link), bytes(key)]:
                return cls(ExchangeLink.parse(link), key)
        raise _malformed("the text is no key of another vault")


@dataclass(frozen=True)
class SealedPart:
    """The opening for one branch of the request, under the number's identifier there."""

    branch: str
    number: str
    sealed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_attribute_id(self.branch, field="branch")
        check_attribute_id(self.number, field="number")
        if len(self.sealed) != SEALED_OCTETS:
            raise _malformed(f"a sealed opening has {SEALED_OCTETS} octets")

    @classmethod
    def of(cls, item: Item) -> "SealedPart":
        """Decode it; MalformedError."""
        match item:
            case [str(branch), str(number), bytes(sealed)]:
                return cls(branch, number, sealed)
        raise _malformed("the text is no number that was handed over")


@dataclass(frozen=True)
class SealedNumber:
    """Numbers of one use, sealed to another vault for each branch of one request that counts them."""

    request: bytes
    parts: tuple[SealedPart, ...]

    def __post_init__(self) -> None:
        if len(self.request) != DIGEST_OCTETS or not 0 < len(self.parts) <= MAX_PARTS:
            raise _malformed("the text is no number that was handed over")

    def __str__(self) -> str:
        parts: list[Item] = [[each.branch, each.number, each.sealed] for each in self.parts]
        return _written("zk-number", canonical.encode(_SEALED, self.request, parts))

    @classmethod
    def parse(cls, text: str) -> "SealedNumber":
        """Decode its text; MalformedError MALFORMED."""
        match canonical.decode(_SEALED, _read("zk-number", text)):
            case [bytes(request), list(parts)]:
                return cls(request, tuple(map(SealedPart.of, parts)))
        raise _malformed("the text is no number that was handed over")


def _written(kind: str, octets: bytes) -> str:
    return f"{kind}:{urlsafe_b64encode(octets).rstrip(b'=').decode()}"


def _read(kind: str, text: str) -> bytes:
    """Return the octets of a text that is written in the one way; MalformedError MALFORMED."""
    found = _TEXT.fullmatch(text) if len(text) <= MAX_TEXT else None
    if found is not None and found[1] == kind and len(found[2]) % 4 != 1:
        octets = urlsafe_b64decode(found[2] + "=" * (-len(found[2]) % 4))
        if _written(kind, octets) == text:
            return octets
    raise _malformed(f"it begins with {kind}: and is whole")


def _malformed(detail: str) -> MalformedError:
    return MalformedError(Reason.MALFORMED, detail)
