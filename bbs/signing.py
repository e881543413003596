"""A key prepared for many signatures.

CoreSign (draft-irtf-cfrg-bbs-signatures-09, section 3.6.1) computes the domain anew for each signature, and
the share of every message in B, though lists that are signed under one header often begin alike. What they
have in common is computed here once. The signatures are the octets that `sign` gives: it is deterministic.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bbs.ciphersuite import Ciphersuite, resolve
from bbs.errors import InputError, Reason
from bbs.generators import Generators, create_generators
from bbs.groups.protocol import PreparedBases
from bbs.hashing import hash_to_scalar
from bbs.keys import SecretKey, as_key_pair
from bbs.scalars import check_octets, messages_to_scalars
from bbs.serialization import scalars_to_octets, signature_to_octets
from bbs.signature import calculate_domain, finalize_sign


@dataclass(frozen=True, eq=False, repr=False)
class PreparedSigning:
    """A secret key with a header and the messages that all lists begin with; made by `prepare_signing`.

    The group's table for what they have in common comes with it and goes with it.
    """

    secret_key: SecretKey
    generators: Generators
    domain: int
    beginning: tuple[int, ...]
    api_id: bytes
    bases: PreparedBases = field(init=False)

    def __post_init__(self) -> None:
        rest = self.generators.L - len(self.beginning)
        common = self.generators.combine((1, self.domain, *self.beginning, *[0] * rest))
        bases = self.generators.suite.group.prepare((common, *self.generators.H[len(self.beginning) :]))
        object.__setattr__(self, "bases", bases)

    def sign(self, messages: Sequence[bytes]) -> bytes:
        """Sign the messages that follow the beginning; the signature has 80 octets.

        Raises InputError COUNT_MISMATCH, INVALID_TYPE, DEGENERATE.
        """
        suite = self.generators.suite
        if len(self.beginning) + len(messages) != self.generators.L:
            detail = f"{self.generators.L - len(self.beginning)} messages follow the beginning"
            raise InputError(Reason.COUNT_MISMATCH, detail)
        scalars = messages_to_scalars(messages, self.api_id, suite=suite)
        B = suite.group.msm((), (), self.bases, (1, *scalars))
        octets = scalars_to_octets(*self.beginning, *scalars, self.domain, suite=suite)
        e_octs = self.secret_key.to_octets_secret() + octets
        e = hash_to_scalar(e_octs, self.api_id + b"H2S_", suite=suite)
        return signature_to_octets(finalize_sign(self.secret_key, B, e), suite=suite)


def prepare_signing(
    sk: bytes | SecretKey,
    pk: bytes,
    header: bytes,
    beginning: Sequence[bytes],
    count: int,
    *,
    suite: Ciphersuite | str,
) -> PreparedSigning:
    """Prepare a key to sign lists of `count` messages that all begin with the same ones, under one header.

    Raises DecodingError INVALID_LENGTH, INVALID_SCALAR (secret key); InputError KEY_MISMATCH,
    TOO_MANY_MESSAGES, COUNT_MISMATCH (the beginning is longer than a list), INVALID_TYPE,
    UNKNOWN_CIPHERSUITE.
    """
    suite = resolve(suite)
    SK = as_key_pair(sk, pk, suite=suite)
    if count > suite.max_messages:
        raise InputError(Reason.TOO_MANY_MESSAGES, f"more than {suite.max_messages} messages")
    if len(beginning) > count:
        raise InputError(Reason.COUNT_MISMATCH, "the beginning is longer than the list")
    scalars = messages_to_scalars(beginning, suite.api_id, suite=suite)
    generators = create_generators(count + 1, suite.api_id, suite=suite)
    domain = calculate_domain(pk, generators, check_octets(header, "the header"), suite.api_id)
    return PreparedSigning(SK, generators, domain, tuple(scalars), suite.api_id)
