"""What operators submit: signed, for one chain, each once, and nothing personal in it.

A transaction is its text (chain, operator, sequence number, what it says) and a signature of the operator's
key over a prefix of this format's own and the text. The number has to be higher than the operator's last
accepted one, so nothing counts twice, and whoever lost an answer may look at its number and knows.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ordering.errors import Refusal, RefusedError
from ordering.octets import Reader, Writer, malformed
from ordering.operators import Change, take_change, take_name, write_change
from tlog import ed25519
from tlog.ed25519 import PUBLIC_KEY_OCTETS, SIGNATURE_OCTETS
from tlog.witness import MAX_PROOF_HASHES

MAX_OCTETS: Final = 16_384
MAX_CHAIN_OCTETS: Final = 50
MAX_NOTE_OCTETS: Final = 8_192
MAX_SCOPE_OCTETS: Final = 255
MAX_ISSUER_OCTETS: Final = 255
HASH_OCTETS: Final = 32
_PREFIX: Final = b"zk-disclosure/consortium/transaction/v1\n"
_KEY_PREFIX: Final = b"zk-disclosure/consortium/key/v1\n"


@dataclass(frozen=True)
class SubmitCheckpoint:
    """The newest checkpoint of the operator's log, signed, and that it goes on from the last one here."""

    note: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True)
class SubmitEpoch:
    """A revocation epoch of an issuer of the operator's city: its number, the hash of what is published."""

    issuer: str
    number: int
    digest: bytes


@dataclass(frozen=True)
class Claim:
    """A uniqueness pseudonym that comes once in a scope, whichever city it comes from.

    `tag` is a hash of scope and pseudonym, `reference` a hash that its verifier knows the meaning of.
    """

    scope: str
    tag: bytes
    reference: bytes


@dataclass(frozen=True)
class Propose:
    """A change that operators vote on; who proposes it agrees with it."""

    change: Change


@dataclass(frozen=True)
class Vote:
    """A yes to a proposal, or a no."""

    proposal: bytes
    agrees: bool


@dataclass(frozen=True)
class RotateKey:
    """Another key for the operator's transactions, which has signed that it wants to be one."""

    key: bytes
    consent: bytes


Body: TypeAlias = SubmitCheckpoint | SubmitEpoch | Claim | Propose | Vote | RotateKey
_KINDS: Final[tuple[type[Body], ...]] = (SubmitCheckpoint, SubmitEpoch, Claim, Propose, Vote, RotateKey)


@dataclass(frozen=True)
class Transaction:
    """What an operator says, with its signature; whether that holds is for the rules to say."""

    chain: str
    operator: str
    sequence: int
    body: Body
    signature: bytes = b""

    def text(self) -> bytes:
        """Return what is signed, without the prefix."""
        writer = Writer().text(self.chain).text(self.operator).number(self.sequence, 8)
        _write_body(self.body, writer.number(_KINDS.index(type(self.body)) + 1, 1))
        return writer.to_bytes()

    def to_bytes(self) -> bytes:
        """Return the transaction as it is submitted."""
        return self.text() + self.signature

    def signed(self, key: Ed25519PrivateKey) -> "Transaction":
        """Return it with a signature."""
        signature = key.sign(_PREFIX + self.text())
        return Transaction(self.chain, self.operator, self.sequence, self.body, signature)

    def check_signature(self, key: bytes) -> None:
        """Raise RefusedError SIGNATURE_INVALID unless a public key's holder has signed it."""
        _check(key, self.signature, _PREFIX + self.text(), "the signature is not the operator's")

    @classmethod
    def parse(cls, data: bytes) -> "Transaction":
        """Decode strictly; RefusedError TOO_LARGE, MALFORMED, KEY_INVALID."""
        if len(data) > MAX_OCTETS:
            raise RefusedError(Refusal.TOO_LARGE, f"more than {MAX_OCTETS} octets")
        reader = Reader(data)
        chain, operator, sequence = reader.text(MAX_CHAIN_OCTETS), take_name(reader), reader.number(8)
        body = _take_body(reader)
        signature = reader.fixed(SIGNATURE_OCTETS)
        reader.end()
        return cls(chain, operator, sequence, body, signature)


def key_consent(chain: str, operator: str, key: Ed25519PrivateKey) -> bytes:
    """Have a new key sign that it is to be an operator's."""
    return key.sign(_consent_text(chain, operator))


def check_key_consent(chain: str, operator: str, body: RotateKey) -> None:
    """Raise RefusedError KEY_INVALID unless the new key has agreed."""
    if not ed25519.is_public_key(body.key):
        raise RefusedError(Refusal.KEY_INVALID, "that is no Ed25519 key")
    try:
        _check(body.key, body.consent, _consent_text(chain, operator), "")
    except RefusedError:
        raise RefusedError(Refusal.KEY_INVALID, "the new key has not signed") from None


def _consent_text(chain: str, operator: str) -> bytes:
    return _KEY_PREFIX + Writer().text(chain).text(operator).to_bytes()


def _check(key: bytes, signature: bytes, text: bytes, detail: str) -> None:
    try:
        ed25519.public_key(key).verify(signature, text)
    except InvalidSignature:
        raise RefusedError(Refusal.SIGNATURE_INVALID, detail) from None


def _write_body(body: Body, writer: Writer) -> None:
    match body:
        case SubmitCheckpoint(note, proof):
            writer.octets(note).number(len(proof), 1)
            for each in proof:
                writer.fixed(each)
        case SubmitEpoch(issuer, number, digest):
            writer.text(issuer).number(number, 8).fixed(digest)
        case Claim(scope, tag, reference):
            writer.text(scope).fixed(tag).fixed(reference)
        case Propose(change):
            write_change(change, writer)
        case Vote(proposal, agrees):
            writer.fixed(proposal).number(agrees, 1)
        case RotateKey(key, consent):
            writer.fixed(key).fixed(consent)


def _take_body(reader: Reader) -> Body:
    match reader.number(1):
        case 1:
            note = reader.octets(MAX_NOTE_OCTETS)
            return SubmitCheckpoint(note, tuple(reader.several(_take_hash, MAX_PROOF_HASHES)))
        case 2:
            return SubmitEpoch(_take_text(reader, MAX_ISSUER_OCTETS), reader.number(8), _take_hash(reader))
        case 3:
            return Claim(_take_text(reader, MAX_SCOPE_OCTETS), _take_hash(reader), _take_hash(reader))
        case 4:
            return Propose(take_change(reader))
        case 5:
            return Vote(_take_hash(reader), _take_flag(reader))
        case 6:
            return RotateKey(reader.fixed(PUBLIC_KEY_OCTETS), reader.fixed(SIGNATURE_OCTETS))
    raise malformed("that is no kind of transaction")


def _take_hash(reader: Reader) -> bytes:
    return reader.fixed(HASH_OCTETS)


def _take_text(reader: Reader, most: int) -> str:
    if not (text := reader.text(most)) or any(each < " " or each == "\x7f" for each in text):
        raise malformed("a name is empty or has a control character")
    return text


def _take_flag(reader: Reader) -> bool:
    if (flag := reader.number(1)) > 1:
        raise malformed("that is neither yes nor no")
    return bool(flag)
