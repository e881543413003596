"""A held signature, prepared for proofs.

ProofInit (draft-irtf-cfrg-bbs-signatures-09, section 3.7.1) computes the domain and B anew for each proof,
though neither depends on the proof's randomness; nor do the message scalars and the decoded signature. They
are kept here, so that a proof costs only what has to be fresh. The proofs are the same octets for the same
randomness.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bbs.ciphersuite import Ciphersuite, resolve
from bbs.generators import Generators, create_generators
from bbs.groups.protocol import G1Point, PreparedBases
from bbs.scalars import check_octets, messages_to_scalars
from bbs.serialization import Signature, octets_to_signature
from bbs.signature import calculate_B, calculate_domain


@dataclass(frozen=True, eq=False, repr=False)
class PreparedCredential:
    """A signature with everything that its proofs have in common. Holds all messages: as secret as they are.

    Made by `prepare_credential`, used by `proof_gen_prepared`; it may be shared between threads. The group's
    tables for A and B come with it and go with it.
    """

    generators: Generators
    signature: Signature
    messages: tuple[int, ...]
    domain: int
    B: G1Point
    api_id: bytes
    A_and_B: PreparedBases = field(init=False)

    def __post_init__(self) -> None:
        group = self.generators.suite.group
        object.__setattr__(self, "A_and_B", group.prepare((self.signature.A, self.B)))

    @property
    def suite(self) -> Ciphersuite:
        """The ciphersuite of its generators."""
        return self.generators.suite


def core_prepare_credential(
    PK: bytes,
    signature: Signature,
    generators: Generators,
    header: bytes,
    messages: Sequence[int],
    api_id: bytes,
) -> PreparedCredential:
    """Prepare a signature on message scalars; InputError COUNT_MISMATCH, SCALAR_OUT_OF_RANGE."""
    domain = calculate_domain(PK, generators, header, api_id)
    B = calculate_B(generators, domain, messages, secret=True)
    return PreparedCredential(generators, signature, tuple(messages), domain, B, api_id)


def prepare_credential(
    pk: bytes, signature: bytes, header: bytes, messages: Sequence[bytes], *, suite: Ciphersuite | str
) -> PreparedCredential:
    """Prepare a held signature for any number of proofs by `proof_gen_prepared`.

    The signature is not verified: a proof from a false one is false. Raises DecodingError if the signature is
    malformed; InputError TOO_MANY_MESSAGES, INVALID_TYPE, UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    check_octets(pk, "the public key")
    check_octets(header, "the header")
    message_scalars = messages_to_scalars(messages, suite.api_id, suite=suite)
    generators = create_generators(len(message_scalars) + 1, suite.api_id, suite=suite)
    parsed = octets_to_signature(signature, suite=suite)
    return core_prepare_credential(pk, parsed, generators, header, message_scalars, suite.api_id)
