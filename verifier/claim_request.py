"""What a verifier sends to its city's service that claims for it, signed by the key that it is registered by.

It says for which chain and city the claim is, what it follows from (`verifier.across.Grounds`), when it was
made, and from which header on the verifier wants to be shown what came of it. What came of the same claim is
the same however often it is asked; a request that is too old is not answered, so that nobody who has come by
its octets has a claim made that its verifier has given up.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from disclosure import MalformedError, Reason, RefusedError, VerifierName, canonical
from disclosure.attributes import is_whole
from disclosure.canonical import Item
from disclosure.composite import JointScope, SignedJointScope
from disclosure.names import check_attribute_id
from disclosure.request import SIGNATURE_OCTETS
from verifier.across import Grounds

MAX_OCTETS: Final = 1 << 15
AGE_SECONDS: Final = 300
"""So far the verifier's clock and the service's may be apart, the way between them counted in."""
_HASH_OCTETS: Final = 32
_MOST_HEIGHT: Final = (1 << 63) - 1
_LABEL: Final = "zk-disclosure/claim-request/v1"
_SIGNED_LABEL: Final = "zk-disclosure/signed-claim-request/v1"
_SIGNING_PREFIX: Final = b"zk-disclosure/claim-request-signature/v1\x00"


def _invalid(field: str) -> MalformedError:
    return MalformedError(Reason.REQUEST_INVALID, "the octets hold no request for a claim", field=field)


@dataclass(frozen=True)
class ClaimRequest:
    """One request: for a chain and its operator, at a moment in seconds since 1970.

    `height` and `header` are those of the header that the verifier trusts. Raises MalformedError
    REQUEST_INVALID, NAME_INVALID.
    """

    chain: str
    operator: str
    grounds: Grounds
    created: int
    height: int
    header: bytes

    def __post_init__(self) -> None:
        check_attribute_id(self.grounds.pseudonym, field="pseudonym")
        for field, octets in (
            ("presentation", self.grounds.presentation),
            ("tag", self.grounds.tag),
            ("header", self.header),
        ):
            if len(octets) != _HASH_OCTETS:
                raise _invalid(field)
        for field, number in (("created", self.created), ("height", self.height)):
            if not is_whole(number) or not 0 < number <= _MOST_HEIGHT:
                raise _invalid(field)

    @cached_property
    def canonical(self) -> bytes:
        """Its canonical bytes, which are signed."""
        grounds = self.grounds
        return canonical.encode(
            _LABEL, self.chain, self.operator, str(grounds.verifier), grounds.scope.scope.canonical,
            list(grounds.scope.signatures), grounds.pseudonym, grounds.presentation, grounds.tag,
            self.created, self.height, self.header,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, octets: bytes) -> "ClaimRequest":
        """Decode canonical bytes; MalformedError MALFORMED and the constructors'."""
        match canonical.decode(_LABEL, octets, most=MAX_OCTETS):
            case [
                str(chain), str(operator), str(verifier), bytes(scope), list(signatures), str(pseudonym),
                bytes(presentation), bytes(tag), int(created), int(height), bytes(header),
            ]:  # fmt: skip
                signed = SignedJointScope(JointScope.from_bytes(scope), _signatures(signatures))
                grounds = Grounds(VerifierName.parse(verifier), signed, pseudonym, presentation, tag)
                parsed = cls(chain, operator, grounds, created, height, header)
                if parsed.canonical == octets:
                    return parsed
        raise _invalid("")

    def signed(self, key: Ed25519PrivateKey) -> "SignedClaimRequest":
        """Sign it."""
        return SignedClaimRequest(self, key.sign(_SIGNING_PREFIX + self.canonical))


def _signatures(items: list[Item]) -> tuple[bytes, ...]:
    return tuple(each for each in items if isinstance(each, bytes))


@dataclass(frozen=True)
class SignedClaimRequest:
    """A request with a signature, which was not checked yet."""

    request: ClaimRequest
    signature: bytes

    def to_bytes(self) -> bytes:
        """Return what is sent."""
        return canonical.encode(_SIGNED_LABEL, self.request.canonical, self.signature)

    @classmethod
    def parse(cls, octets: bytes) -> "SignedClaimRequest":
        """Decode what is sent; MalformedError."""
        match canonical.decode(_SIGNED_LABEL, octets, most=MAX_OCTETS):
            case [bytes(request), bytes(signature)] if len(signature) == SIGNATURE_OCTETS:
                return cls(ClaimRequest.from_bytes(request), signature)
        raise _invalid("")

    def check(self, public_key: bytes) -> None:
        """Raise RefusedError REQUEST_SIGNATURE_INVALID unless the holder of this key has signed it."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(
                self.signature, _SIGNING_PREFIX + self.request.canonical
            )
        except (InvalidSignature, ValueError):
            detail = "the request is not signed by the key that its verifier is registered by"
            raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail, field="signature") from None
