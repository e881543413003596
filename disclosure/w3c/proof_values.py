"""Proof values: CBOR behind three octets, in multibase (Vc-di-bbs, sections 3.2.1 to 3.2.7).

The three octets say what the proof is of and which options it has. They are written in one way only, and
nothing is taken that would be written otherwise: no tags, no other order, no length in more octets than it
needs, no element too many.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

import cbor2

from bbs.groups.bls12_381 import r
from disclosure.errors import MalformedError, Reason
from disclosure.w3c.selection import check_pointers

MAX_OCTETS: Final = 1 << 18
MAX_HEADER: Final = 1024
"""Of a presentation header: a verifier's nonce and what it binds to it."""
_PREFIX: Final = b"\xd9\x5d"
_BASE64: Final = re.compile(r"u[A-Za-z0-9_-]*", re.ASCII)


class Feature(Enum):
    """The suite's options (section 3.3.1, featureOption), with the octets of base and derived proofs.

    The text gives `pseudonym` 06 and 07; the published vectors have 08 and 09 for it as for
    `holder_binding_pseudonym`, since they do not differ in what they contain. Both are read, and whoever
    verifies says which one is meant.
    """

    BASELINE = ("baseline", 0x02)
    ANONYMOUS_HOLDER_BINDING = ("anonymous_holder_binding", 0x04)
    PSEUDONYM = ("pseudonym", 0x06)
    HOLDER_BINDING_PSEUDONYM = ("holder_binding_pseudonym", 0x08)

    @property
    def option(self) -> str:
        """The option's name."""
        return self.value[0]

    @property
    def base(self) -> int:
        """The third octet of a base proof; that of a derived proof is one more."""
        return self.value[1]

    @property
    def has_nym(self) -> bool:
        """Whether proofs have a pseudonym."""
        return self.base >= Feature.PSEUDONYM.base

    @property
    def is_bound(self) -> bool:
        """Whether the holder's own secret is signed, without being seen."""
        return self in {Feature.ANONYMOUS_HOLDER_BINDING, Feature.HOLDER_BINDING_PSEUDONYM}


def invalid(detail: str) -> MalformedError:
    """Return the error of a proof value that is none."""
    return MalformedError(Reason.DOCUMENT_INVALID, detail, field="proof.proofValue")


@dataclass(frozen=True)
class BaseProof:
    """What an issuer gives to the holder, who shows it to nobody. `signer_nym_entropy` only of pseudonyms.

    Raises MalformedError DOCUMENT_INVALID, POINTER_INVALID.
    """

    signature: bytes = field(repr=False)
    header: bytes
    public_key: bytes
    hmac_key: bytes = field(repr=False)
    mandatory_pointers: tuple[str, ...]
    octet: int
    signer_nym_entropy: int | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        lengths = (self.signature, 80), (self.header, 64), (self.public_key, 96), (self.hmac_key, 32)
        if not all(isinstance(each, bytes) and len(each) == length for each, length in lengths):
            raise invalid("an element of the base proof has another length")
        if not all(isinstance(each, str) for each in self.mandatory_pointers):
            raise invalid("pointers are texts")
        check_pointers(self.mandatory_pointers)
        _check_octet(self.octet, 0)
        _check_nym(self.octet, self.signer_nym_entropy is not None)
        entropy = self.signer_nym_entropy
        if entropy is not None and (type(entropy) is not int or not 0 <= entropy < r):
            raise invalid("the entropy is no scalar")

    def encode(self) -> str:
        """Return the proof value (serializeBaseProofValue, section 3.2.1)."""
        parts = [self.signature, self.header, self.public_key, self.hmac_key, list(self.mandatory_pointers)]
        return _written(
            self.octet, parts if self.signer_nym_entropy is None else [*parts, self.signer_nym_entropy]
        )

    @classmethod
    def decode(cls, value: str) -> "BaseProof":
        """Read a proof value (parseBaseProofValue, section 3.2.2); MalformedError."""
        octet, parts = _read(value)
        match parts:
            case [signature, header, key, hmac_key, list(pointers), *entropy] if len(entropy) < 2:
                proof = cls(signature, header, key, hmac_key, tuple(pointers), octet, *entropy)
                if proof.encode() == value:
                    return proof
        raise invalid("the value is no base proof of bbs-2023")


@dataclass(frozen=True)
class DerivedProof:
    """What the holder shows. `label_map` gives to each canonical label, without `c14n`, that without `b`.

    `pseudonym` only of pseudonyms; `length` is the number of the issuer's messages, in all but the baseline.
    Raises MalformedError DOCUMENT_INVALID.
    """

    bbs_proof: bytes
    label_map: Mapping[int, int]
    mandatory_indexes: tuple[int, ...]
    selective_indexes: tuple[int, ...]
    presentation_header: bytes
    octet: int
    pseudonym: bytes | None = None
    length: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.bbs_proof, bytes) or not isinstance(self.presentation_header, bytes):
            raise invalid("the proof and its header are octets")
        if len(self.presentation_header) > MAX_HEADER:
            raise invalid(f"a presentation header has at most {MAX_HEADER} octets")
        _check_octet(self.octet, 1)
        _check_nym(self.octet - 1, self.pseudonym is not None)
        if self.pseudonym is not None and (type(self.pseudonym) is not bytes or len(self.pseudonym) != 48):
            raise invalid("a pseudonym has 48 octets")
        _check_numbers(self.label_map.keys(), self.label_map.values(), (self.length or 0,))
        for indexes in (self.mandatory_indexes, self.selective_indexes):
            _check_numbers(indexes)
            if list(indexes) != sorted(set(indexes)):
                raise invalid("indexes ascend")
        if sorted(self.label_map) != list(range(len(self.label_map))):
            raise invalid("the label map has every canonical label")
        if len(set(self.label_map.values())) != len(self.label_map):
            raise invalid("the label map gives no label twice")
        if (self.length is None) != (self.octet - 1 == Feature.BASELINE.base):
            raise invalid("all but the baseline say how many messages there are")

    def encode(self) -> str:
        """Return the proof value (serializeDerivedProofValue, section 3.2.6)."""
        parts: list[Any] = [
            self.bbs_proof, dict(sorted(self.label_map.items())), list(self.mandatory_indexes),
            list(self.selective_indexes), self.presentation_header,
        ]  # fmt: skip
        return _written(
            self.octet, [*parts, *(each for each in (self.pseudonym, self.length) if each is not None)]
        )

    @classmethod
    def decode(cls, value: str) -> "DerivedProof":
        """Read a proof value (parseDerivedProofValue, section 3.2.7); MalformedError."""
        octet, parts = _read(value)
        match parts:
            case [proof, dict(labels), list(mandatory), list(selective), header, *more] if len(more) < 3:
                *nym, length = more or [None]
                given = (proof, labels, tuple(mandatory), tuple(selective), header, octet)
                derived = cls(*given, nym[0] if nym else None, length)
                if derived.encode() == value:
                    return derived
        raise invalid("the value is no derived proof of bbs-2023")


def _written(octet: int, parts: list[Any]) -> str:
    octets = _PREFIX + bytes([octet]) + cbor2.dumps(parts)
    return "u" + base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _read(value: Any) -> tuple[int, Any]:
    """Return the third octet and the array behind it, of what `_written` could have made."""
    if not isinstance(value, str) or len(value) > MAX_OCTETS or not _BASE64.fullmatch(value):
        raise invalid("a proof value is base64url without padding, behind u")
    try:
        octets = base64.urlsafe_b64decode(value[1:] + "=" * (-len(value[1:]) % 4))
    except (binascii.Error, ValueError):
        raise invalid("a proof value is base64url without padding, behind u") from None
    if len(octets) < 4 or octets[:2] != _PREFIX:
        raise invalid("the value is no proof of bbs-2023")
    return octets[2], _Reader(octets[3:]).whole()


class _Reader:
    """Reads the few kinds of CBOR that occur, none of them nested more than once in the array.

    The library resolves tags before anybody could refuse them, so that strangers' octets are not given to it.
    """

    def __init__(self, octets: bytes) -> None:
        self._octets, self._at = octets, 0

    def whole(self) -> Any:
        """Read one item that ends where the octets end."""
        item = self._item(0)
        if self._at != len(self._octets):
            raise invalid("something stands behind the proof")
        return item

    def _item(self, depth: int) -> Any:
        kind, number = self._head()
        match kind:
            case 0:
                return number
            case 2:
                return self._take(number)
            case 3:
                return self._text(number)
            case 4 if depth < 2 and number <= len(self._octets):
                return [self._item(depth + 1) for _ in range(number)]
            case 5 if depth == 1 and number <= len(self._octets):
                return {self._label(): self._label() for _ in range(number)}
            case 6 if number == 2:
                return self._large()
        raise invalid("the value has something of CBOR that no proof has")

    def _large(self) -> int:
        """Read an integer of more than 64 bits (RFC 8949, section 3.4.3)."""
        kind, length = self._head()
        if kind != 2 or not 8 < length <= 32:
            raise invalid("an integer is too large")
        return int.from_bytes(self._take(length))

    def _label(self) -> int:
        kind, number = self._head()
        if kind != 0:
            raise invalid("labels are numbers")
        return number

    def _text(self, length: int) -> str:
        try:
            return self._take(length).decode()
        except UnicodeDecodeError:
            raise invalid("a text is UTF-8") from None

    def _head(self) -> tuple[int, int]:
        head = self._take(1)[0]
        information = head & 31
        if information > 27:
            raise invalid("lengths are definite")
        if information < 24:
            return head >> 5, information
        return head >> 5, int.from_bytes(self._take(1 << (information - 24)))

    def _take(self, count: int) -> bytes:
        taken = self._octets[self._at : self._at + count]
        if len(taken) != count:
            raise invalid("the value ends too early")
        self._at += count
        return taken


def _check_octet(octet: int, more: int) -> None:
    if octet not in {each.base + more for each in Feature}:
        raise invalid("the value is no such proof of bbs-2023")


def _check_nym(base: int, has_nym: bool) -> None:
    if has_nym != (base >= Feature.PSEUDONYM.base):
        raise invalid("pseudonyms, and only they, have what pseudonyms need")


def _check_numbers(*groups: Any) -> None:
    for group in groups:
        if not all(type(each) is int and 0 <= each < 4096 for each in group):
            raise invalid("an index or a label is a small number")
