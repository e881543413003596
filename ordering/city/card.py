"""What a city shows the others before it is one of them: its keys, and where its node is reached.

A card is signed by the key of the operator's transactions and by the validator's, over one text, so that
nobody brings another's key in. That the log is the city's is for those to know who vote: its key signs
checkpoints and nothing else.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ordering.errors import RefusedError, StateError
from ordering.octets import Reader, Writer
from ordering.operators import Operator
from tlog import bounded_json, ed25519
from tlog.errors import TlogError
from tlog.keys import Verifier

FORMAT: Final = "zk-disclosure/consortium/card/v1"
MAX_OCTETS: Final = 8_192
_PREFIX: Final = b"zk-disclosure/consortium/card/v1\n"
_ADDRESS: Final = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([1-9][0-9]{0,4})")
_NODE: Final = re.compile(r"[0-9a-f]{40}")
_FIELDS: Final = frozenset(
    {"format", "name", "key", "log", "validator", "power", "node", "address", "signed", "validated"}
)


def check_address(written: str) -> str:
    """Return a HOST:PORT that others may be told; StateError."""
    found = _ADDRESS.fullmatch(written)
    if found is None or int(found[1]) > 0xFFFF:
        raise StateError(f"{written[:80]!r} is no HOST:PORT")
    return written


@dataclass(frozen=True)
class Card:
    """A city: as an operator, its node's identifier, the HOST:PORT where other nodes reach it; signed."""

    operator: Operator
    node: str
    address: str
    signed: bytes = field(default=b"", repr=False)
    validated: bytes = field(default=b"", repr=False)

    def text(self) -> bytes:
        """Return what both keys sign."""
        writer = self.operator.write(Writer().fixed(_PREFIX))
        return writer.text(self.node).text(self.address).to_bytes()

    def signed_by(self, key: Ed25519PrivateKey, validator: Ed25519PrivateKey) -> "Card":
        """Return it with both signatures."""
        text = self.text()
        return Card(self.operator, self.node, self.address, key.sign(text), validator.sign(text))

    @property
    def peer(self) -> str:
        """What the engine of another node is told of it."""
        return f"{self.node}@{self.address}"

    def document(self) -> dict[str, Any]:
        """Return the card as it is written."""
        one = self.operator
        return {
            "format": FORMAT,
            "name": one.name,
            "key": _text(one.key),
            "log": str(one.log),
            "validator": _text(one.validator),
            "power": one.power,
            "node": self.node,
            "address": self.address,
            "signed": _text(self.signed),
            "validated": _text(self.validated),
        }

    def to_bytes(self) -> bytes:
        """Return the file's octets."""
        return (json.dumps(self.document(), indent=1) + "\n").encode()

    @classmethod
    def parse(cls, data: bytes) -> "Card":
        """Decode a file strictly and check both signatures; StateError."""
        if len(data) > MAX_OCTETS:
            raise StateError("the card is too long")
        return cls.of(decoded(data, "the card"))

    @classmethod
    def of(cls, given: Any) -> "Card":
        """Decode a document strictly and check both signatures; StateError."""
        if not isinstance(given, dict) or set(given) != _FIELDS or given["format"] != FORMAT:
            raise StateError("that is no card of this version")
        try:
            card = cls(
                _operator(given), given["node"], given["address"], _octets(given["signed"]),
                _octets(given["validated"]),
            )  # fmt: skip
            if not _NODE.fullmatch(card.node):
                raise StateError("the card's node has no identifier")
            check_address(card.address)
            card._check()
        except (TypeError, ValueError, AttributeError, OverflowError, binascii.Error) as error:
            raise StateError(f"the card cannot be read: {type(error).__name__}") from None
        return card

    def _check(self) -> None:
        text = self.text()
        try:
            ed25519.public_key(self.operator.key).verify(self.signed, text)
            ed25519.public_key(self.operator.validator).verify(self.validated, text)
        except InvalidSignature:
            raise StateError(f"the card of {self.operator.name} is not signed by both of its keys") from None


def decoded(data: bytes, what: str) -> Any:
    """Decode JSON in which no name stands twice; StateError."""
    try:
        return bounded_json.loads(data, object_pairs_hook=_once)
    except ValueError:
        raise StateError(f"{what} is no JSON document") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _operator(given: dict[str, Any]) -> Operator:
    """Decode the operator by way of its one encoding, which has all the checks."""
    try:
        log = Verifier.from_string(given["log"])
        made = Operator(
            given["name"], _octets(given["key"]), log, _octets(given["validator"]), _whole(given["power"])
        )
        reader = Reader(made.write(Writer()).to_bytes())
        found = Operator.take(reader)
        reader.end()
    except (RefusedError, TlogError) as error:
        raise StateError(f"the card's operator: {error}") from None
    return found


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("that is no whole number")
    return value


def _octets(written: str) -> bytes:
    return base64.b64decode(written, validate=True)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
