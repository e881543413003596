"""The pseudonyms of bbs-2023: what holds, what does not, and that neither revision passes for the other.

The published vectors are checked where their documents are (tests/disclosure/w3c).
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest

import bbs
from bbs.pseudonym_single import (
    blind_sign_with_single_nym,
    commit_with_single_nym,
    proof_gen_with_single_nym,
    proof_verify_with_single_nym,
    verify_finalize_with_single_nym,
)

SUITE = bbs.SHA_256
SK = bbs.SecretKey.from_octets(bbs.keygen(bytes(range(32)), suite=SUITE), suite=SUITE)
PK = SK.public_key()
HEADER, PH, MESSAGES = b"header", b"nonce", [b"a", b"b", b"c"]
NYM, ENTROPY = 1234567, 7654321
HERE, THERE = b"here", b"there"


@dataclass
class Issuance:
    """A holder's commitment, and what an issuer makes of it."""

    committed_messages: tuple[bytes, ...] = ()
    made: tuple[bytes, bbs.Committed] = field(init=False)

    def __post_init__(self) -> None:
        self.made = commit_with_single_nym(self.committed_messages, NYM, suite=SUITE)

    @cached_property
    def signature(self) -> bytes:
        M = len(self.committed_messages)
        return blind_sign_with_single_nym(SK, PK, self.made[0], ENTROPY, HEADER, MESSAGES, M, suite=SUITE)

    @cached_property
    def secret(self) -> int:
        given = (PK, self.signature, HEADER, MESSAGES, self.made[1], NYM, ENTROPY)
        return verify_finalize_with_single_nym(*given, suite=SUITE)

    def prove(self, context: bytes = HERE) -> tuple[bytes, bytes]:
        given = (PK, self.signature, HEADER, PH, self.secret, context, MESSAGES, self.made[1], [1])
        return proof_gen_with_single_nym(*given, suite=SUITE)


ALONE, BOUND = Issuance(), Issuance((b"holder",))
both = pytest.mark.parametrize("issuance", [ALONE, BOUND], ids=["alone", "bound"])


def verify(issuance: Issuance, proof: bytes, nym: bytes, context: bytes = HERE, M: int | None = None) -> None:
    count = len(issuance.committed_messages) if M is None else M
    proof_verify_with_single_nym(
        PK, proof, HEADER, PH, nym, context, len(MESSAGES), count, [b"b"], [1], suite=SUITE
    )


@both
def test_a_pseudonym_is_proven(issuance: Issuance) -> None:
    assert issuance.secret == NYM + ENTROPY
    (proof, nym), (other_proof, same), (_, elsewhere) = (
        issuance.prove(), issuance.prove(), issuance.prove(THERE),
    )  # fmt: skip
    verify(issuance, proof, nym)
    verify(issuance, other_proof, nym)
    assert nym == same != elsewhere
    assert proof != other_proof


@both
def test_another_pseudonym_or_place_does_not_hold(issuance: Issuance) -> None:
    proof, nym = issuance.prove()
    _, elsewhere = issuance.prove(THERE)
    for given in ((proof, elsewhere, HERE), (proof, nym, THERE), (proof, elsewhere, THERE)):
        with pytest.raises(bbs.VerificationError, match="PROOF_INVALID"):
            verify(issuance, *given)
    with pytest.raises(bbs.DecodingError):
        verify(issuance, proof, SUITE.group.g1_to_octets(SUITE.group.BP1))
    with pytest.raises(bbs.DecodingError):
        verify(issuance, proof, bytes([0xC0]) + bytes(47))


@both
def test_the_number_of_committed_messages_is_the_verifiers(issuance: Issuance) -> None:
    proof, nym = issuance.prove()
    for M in (len(issuance.committed_messages) + 1, 7):
        with pytest.raises(bbs.InputError, match="COUNT_MISMATCH"):
            verify(issuance, proof, nym, M=M)


@both
def test_a_holder_knows_its_own_secrets(issuance: Issuance) -> None:
    given = (PK, issuance.signature, HEADER, MESSAGES, issuance.made[1])
    for nym, entropy in ((NYM + 1, ENTROPY), (NYM, ENTROPY + 1)):
        with pytest.raises(bbs.VerificationError, match="SIGNATURE_INVALID"):
            verify_finalize_with_single_nym(*given, nym, entropy, suite=SUITE)


def test_neither_revision_passes_for_the_other() -> None:
    commitment, committed = ALONE.made
    newer = bbs.blind_sign_with_nym(SK, PK, commitment, 1, ENTROPY, HEADER, MESSAGES, 0, suite=SUITE)
    with pytest.raises(bbs.VerificationError, match="SIGNATURE_INVALID"):
        verify_finalize_with_single_nym(PK, newer, HEADER, MESSAGES, committed, NYM, ENTROPY, suite=SUITE)
    given = (PK, ALONE.signature, HEADER, MESSAGES, committed, [NYM], ENTROPY)
    with pytest.raises(bbs.VerificationError, match="SIGNATURE_INVALID"):
        bbs.verify_finalize_with_nym(*given, suite=SUITE)
    proof, nym = ALONE.prove()
    given_proof: tuple[Any, ...] = (PK, proof, HEADER, PH, nym, HERE, len(MESSAGES), 1, [b"b"], [], [1], [])
    with pytest.raises(bbs.VerificationError, match="PROOF_INVALID"):
        bbs.proof_verify_with_nym(*given_proof, suite=SUITE)


def test_a_commitment_is_for_its_number_of_messages() -> None:
    for issuance, M in ((ALONE, 1), (BOUND, 0)):
        with pytest.raises(bbs.DecodingError, match="INVALID_LENGTH"):
            blind_sign_with_single_nym(SK, PK, issuance.made[0], ENTROPY, HEADER, MESSAGES, M, suite=SUITE)
    bent = bytearray(ALONE.made[0])
    bent[-1] ^= 1
    with pytest.raises(bbs.VerificationError, match="COMMITMENT_INVALID"):
        blind_sign_with_single_nym(SK, PK, bytes(bent), ENTROPY, HEADER, MESSAGES, 0, suite=SUITE)
