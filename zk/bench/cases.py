"""A credential with everything that its operations need, as they are measured."""

from dataclasses import dataclass
from functools import cached_property

import bbs
from bbs import Ciphersuite, PreparedCredential, ProofClaim, SecretKey

HEADER, PH = b"header", b"nonce of the verifier"
KEY_MATERIAL = b"thirty-two octets of key material"


@dataclass(frozen=True)
class Case:
    """A credential of `count` messages of which `shown` are shown, under one ciphersuite.

    Each method is one operation on octets, as a caller of `bbs` has it; keys are SecretKey objects, as the
    service has them. The first run of each pays for generators, tables and decoded keys, the later ones not.
    """

    suite: Ciphersuite
    count: int
    shown: int

    @cached_property
    def key(self) -> SecretKey:
        """The issuer's key."""
        return SecretKey.generate(suite=self.suite)

    @cached_property
    def pk(self) -> bytes:
        """Its public half, in octets."""
        return self.key.public_key()

    @cached_property
    def messages(self) -> list[bytes]:
        """All messages."""
        return [b"message %d" % i for i in range(self.count)]

    @cached_property
    def indexes(self) -> list[int]:
        """Where the shown messages stand, spread evenly."""
        return [i * self.count // self.shown for i in range(self.shown)]

    @cached_property
    def disclosed(self) -> list[bytes]:
        """The shown messages."""
        return [self.messages[i] for i in self.indexes]

    @cached_property
    def signature(self) -> bytes:
        """A signature of all messages."""
        return self.sign()

    @cached_property
    def credential(self) -> PreparedCredential:
        """The credential prepared for proofs."""
        return self.prepare()

    @cached_property
    def proof(self) -> bytes:
        """A proof that shows the shown messages."""
        return self.proof_gen_prepared()

    def keygen(self) -> bytes:
        """Derive a secret key and its public key."""
        return bbs.sk_to_pk(bbs.keygen(KEY_MATERIAL, suite=self.suite), suite=self.suite)

    def sign(self) -> bytes:
        """Sign."""
        return bbs.sign(self.key, self.pk, HEADER, self.messages, suite=self.suite)

    def verify(self) -> None:
        """Verify the signature."""
        bbs.verify(self.pk, self.signature, HEADER, self.messages, suite=self.suite)

    def prepare(self) -> PreparedCredential:
        """Prepare the credential for proofs."""
        return bbs.prepare_credential(self.pk, self.signature, HEADER, self.messages, suite=self.suite)

    def proof_gen(self) -> bytes:
        """Prove, from the signature's octets."""
        return bbs.proof_gen(
            self.pk, self.signature, HEADER, PH, self.messages, self.indexes, suite=self.suite
        )

    def proof_gen_prepared(self) -> bytes:
        """Prove, from the prepared credential."""
        return bbs.proof_gen_prepared(self.credential, PH, self.indexes)

    def proof_verify(self) -> None:
        """Verify the proof."""
        bbs.proof_verify(self.pk, self.proof, HEADER, PH, self.disclosed, self.indexes, suite=self.suite)

    def claim(self) -> ProofClaim:
        """Return a fresh proof with what it takes to verify it."""
        proof = self.proof_gen_prepared()
        return ProofClaim(self.pk, proof, HEADER, PH, self.disclosed, self.indexes, self.suite)


@dataclass(frozen=True)
class Batch:
    """Proofs of one credential, all different, to be verified together."""

    claims: tuple[ProofClaim, ...]

    @classmethod
    def of(cls, case: Case, size: int) -> "Batch":
        """Make `size` proofs of a case."""
        return cls(tuple(case.claim() for _ in range(size)))

    def verify(self) -> None:
        """Verify all; RuntimeError unless every one holds."""
        if any(bbs.proof_verify_batch(self.claims)):
            raise RuntimeError("a proof of the benchmark does not hold")
