"""What a presentation gives besides shown values: pseudonyms and escrowed identities.

A pseudonym's scope is never a verifier's free choice: it derives from the verifier that signed the request,
or from a joint scope that each of its members signed. So nobody asks for names that people have elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from disclosure import canonical
from disclosure.attributes import LocalizedText
from disclosure.canonical import Item
from disclosure.composite.predicates import Operand, check_digest
from disclosure.credential import SUITES
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import VerifierName, check_attribute_id, check_id
from disclosure.request import SIGNATURE_OCTETS

MAX_MEMBERS: Final = 64
_JOINT_LABEL: Final = "zk-disclosure/joint-scope/v1"
_SCOPE_LABEL: Final = "zk-disclosure/pseudonym-scope/v1"
_COMPARED_LABEL: Final = "zk-disclosure/compared-scope/v1"
_SIGNING_PREFIX: Final = b"zk-disclosure/joint-scope-signature/v1\x00"


@dataclass(frozen=True)
class VerifierScope:
    """One verifier's own scope; `label` tells its purposes apart: one year's enrolment from another's."""

    label: str

    def __post_init__(self) -> None:
        check_id(self.label, "a scope's label", field="label")

    def octets(self, verifier: VerifierName) -> bytes:
        """Return the octets that pseudonyms of this scope are hashed from."""
        return canonical.encode(_SCOPE_LABEL, "verifier", str(verifier), self.label)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return ["verifier", self.label]


@dataclass(frozen=True)
class JointScope:
    """A scope that several verifiers share: they see that the same holder, or subject, came to any of them.

    Everyone of them signs it, so none can draw another in. A change of anything makes another scope, with
    other pseudonyms. `suite` is the one whose curve its pseudonyms are hashed to: in each suite a person has
    another, and who came by keys of one would come by keys of the other and not be known. Raises
    MalformedError REQUEST_INVALID, NAME_INVALID.
    """

    label: str
    purpose: LocalizedText
    members: tuple[VerifierName, ...]
    suite: str

    def __post_init__(self) -> None:
        check_id(self.label, "a scope's label", field="label")
        if not 1 < len(self.members) <= MAX_MEMBERS:
            detail = f"a joint scope has 2 to {MAX_MEMBERS} members"
            raise MalformedError(Reason.REQUEST_INVALID, detail, field="members")
        if list(self.members) != sorted(set(self.members), key=str):
            detail = "members stand in the order of their names, each once"
            raise MalformedError(Reason.REQUEST_INVALID, detail, field="members")
        if self.suite not in SUITES:
            detail = f"the suite is one of {', '.join(SUITES)}"
            raise MalformedError(Reason.REQUEST_INVALID, detail, field="suite")

    @cached_property
    def canonical(self) -> bytes:
        """The scope's canonical bytes: what its members sign."""
        members = [str(each) for each in self.members]
        return canonical.encode(_JOINT_LABEL, self.label, self.purpose.items(), members, self.suite)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "JointScope":
        """Decode canonical bytes; MalformedError MALFORMED, REQUEST_INVALID, NAME_INVALID, VALUE_INVALID."""
        match canonical.decode(_JOINT_LABEL, octets):
            case [str(label), [str(zh), str(en)], list(members), str(suite)]:
                names = tuple(VerifierName.parse(each) for each in members if isinstance(each, str))
                parsed = cls(label, LocalizedText(zh, en), names, suite)
                if parsed.canonical == octets:
                    return parsed
        raise MalformedError(Reason.REQUEST_INVALID, "the octets are no joint scope", field="scope")

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """Return a member's signature."""
        return key.sign(_SIGNING_PREFIX + self.canonical)


@dataclass(frozen=True)
class SignedJointScope:
    """A joint scope with the signatures of its members, in their order."""

    scope: JointScope
    signatures: tuple[bytes, ...]

    def __post_init__(self) -> None:
        lengths = {len(each) for each in self.signatures}
        if len(self.signatures) != len(self.scope.members) or lengths != {SIGNATURE_OCTETS}:
            detail = f"each member signs, with {SIGNATURE_OCTETS} octets"
            raise MalformedError(Reason.REQUEST_INVALID, detail, field="signatures")

    def octets(self, verifier: VerifierName) -> bytes:
        """Return the octets that pseudonyms of this scope are hashed from; the same for all its members.

        Raises RefusedError REQUEST_SIGNATURE_INVALID if the verifier is none of them.
        """
        if verifier not in self.scope.members:
            detail = "the verifier is no member of the joint scope"
            raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail, field="scope")
        return canonical.encode(_SCOPE_LABEL, "joint", self.scope.canonical)

    def check(self, find_key: Callable[[VerifierName], bytes]) -> None:
        """Raise RefusedError REQUEST_SIGNATURE_INVALID unless all members signed; what `find_key` raises."""
        for member, signature in zip(self.scope.members, self.signatures, strict=True):
            try:
                _check_signature(find_key(member), signature, self.scope.canonical)
            except (InvalidSignature, ValueError):
                detail = f"the joint scope is not signed by {member}"
                raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail, field="scope") from None

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return ["joint", self.scope.canonical, list(self.signatures)]


PseudonymScope = VerifierScope | SignedJointScope


@dataclass(frozen=True)
class PseudonymQuery:
    """A pseudonym that is asked for: of the holder, or of the subject whose secret an attribute is."""

    id: str
    scope: PseudonymScope
    subject: Operand | None = None

    def __post_init__(self) -> None:
        check_attribute_id(self.id, field="id")

    def scope_digest(self, verifier: VerifierName) -> bytes:
        """Return a digest of what it is a pseudonym in: two of one holder, or one subject, are equal there.

        Of a holder and of a subject it differs, as their pseudonyms do. Raises as `scope.octets` does.
        """
        of = "holder" if self.subject is None else "subject"
        octets = canonical.encode(_COMPARED_LABEL, of, self.scope.octets(verifier))
        return canonical.digest(_COMPARED_LABEL, octets)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.id, self.scope.items(), None if self.subject is None else self.subject.items()]

    @classmethod
    def from_items(cls, item: Item) -> "PseudonymQuery":
        """Decode what `items` gives; MalformedError."""
        match item:
            case [str(identifier), list(scope), subject]:
                operand = None if subject is None else Operand.from_items(subject)
                return cls(identifier, _scope_from(scope), operand)
        raise MalformedError(Reason.REQUEST_INVALID, "the octets hold no pseudonym", field="pseudonyms")


@dataclass(frozen=True)
class EscrowQuery:
    """A hidden identifier, encrypted to a regulator's key, which is named by its digest.

    A vault agrees only if the digest is in its own list of regulators that it trusts.
    """

    id: str
    operand: Operand
    regulator: bytes

    def __post_init__(self) -> None:
        check_attribute_id(self.id, field="id")
        check_digest(self.regulator, "regulator")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.id, self.operand.items(), self.regulator]

    @classmethod
    def from_items(cls, item: Item) -> "EscrowQuery":
        """Decode what `items` gives; MalformedError."""
        match item:
            case [str(identifier), operand, bytes(regulator)]:
                return cls(identifier, Operand.from_items(operand), regulator)
        raise MalformedError(Reason.REQUEST_INVALID, "the octets hold no escrow", field="escrows")


@lru_cache(maxsize=1024)
def _check_signature(key: bytes, signature: bytes, scope: bytes) -> None:
    """Raise unless a member signed; true ones are remembered, since every presentation asks again."""
    Ed25519PublicKey.from_public_bytes(key).verify(signature, _SIGNING_PREFIX + scope)


def _scope_from(items: list[Item]) -> PseudonymScope:
    match items:
        case ["verifier", str(label)]:
            return VerifierScope(label)
        case ["joint", bytes(scope), list(signatures)]:
            signed = tuple(each for each in signatures if isinstance(each, bytes))
            if len(signed) == len(signatures):
                return SignedJointScope(JointScope.from_bytes(scope), signed)
    raise MalformedError(Reason.REQUEST_INVALID, "the octets hold no scope", field="scope")
