"""What pseudonyms are for: recognised where a holder comes again, nowhere else, and giving nothing away."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bbs
import bbs.proof
from bbs import SHA_256, SHAKE_256, Ciphersuite, CommitmentBinding, SecretKey
from bbs.groups.bls12_381 import r
from bbs.proof import InitResult
from bbs.pseudonym import PSEUDONYM_INTERFACE_ID, Context
from bbs.scalars import calculate_random_scalars
from bbs.serialization import Proof, octets_to_proof, points_to_octets, proof_to_octets, scalars_to_octets
from tests.bbs.blinding import ShownNym, load_from, refused, scalar
from tests.bbs.test_bbs_properties import quick, texts

by_suite = pytest.mark.parametrize("quick_suite", [SHA_256, SHAKE_256], ids=["SHA", "SHAKE"])
secrets_of = st.lists(st.integers(1, r - 1), min_size=1, max_size=4)


class Holder:
    """A holder with a signature that hides its secrets, issued with a binding."""

    def __init__(self, suite: Ciphersuite, key: SecretKey, nyms: list[int], entropy: int) -> None:
        self.suite, self.pk = suite, key.public_key()
        binding = CommitmentBinding(self.pk, b"a nonce of the issuer", b"h")
        commitment, self.committed = bbs.commit_with_nym([b"k"], nyms, suite=suite, binding=binding)
        self.signature = bbs.blind_sign_with_nym(
            key, self.pk, commitment, len(nyms), entropy, b"h", [b"m"], 1, suite=suite, binding=binding
        )
        self.nym_secrets = bbs.verify_finalize_with_nym(
            self.pk, self.signature, b"h", [b"m"], self.committed, nyms, entropy, suite=suite
        )

    def visit(self, context_id: bytes, ph: bytes) -> bytes:
        """Prove the pseudonym to a verifier, and return what the verifier remembers."""
        proof, pseudonym = bbs.proof_gen_with_nym(
            self.pk, self.signature, b"h", ph, self.nym_secrets, context_id, [b"m"], self.committed, [0], [],
            suite=self.suite,
        )  # fmt: skip
        bbs.proof_verify_with_nym(
            self.pk, proof, b"h", ph, pseudonym, context_id, 1, len(self.nym_secrets), [b"m"], [], [0], [],
            suite=self.suite,
        )  # fmt: skip
        return pseudonym


@by_suite
@quick
@given(secrets_of, st.binary(max_size=20), st.binary(max_size=20), texts)
def test_a_verifier_recognises_who_comes_again(
    quick_suite: Ciphersuite, nyms: list[int], here: bytes, there: bytes, phs: list[bytes]
) -> None:
    key = SecretKey.generate(suite=quick_suite)
    holder, another = (Holder(quick_suite, key, nyms, entropy) for entropy in calculate_random_scalars(2))
    names = {holder.visit(here, ph) for ph in [b"", *phs]}
    assert len(names) == 1
    assert (holder.visit(there, b"") in names) == (here == there)
    assert another.visit(here, b"") not in names


@by_suite
def test_the_issuers_entropy_keeps_names_apart_or_together(quick_suite: Ciphersuite) -> None:
    """Who commits to another's prover_nyms gets other names; a reissue with the same entropy keeps them."""
    key = SecretKey.generate(suite=quick_suite)
    first, copied, reissued = (Holder(quick_suite, key, [5, 6], entropy) for entropy in (8, 9, 8))
    names = [holder.visit(b"here", b"") for holder in (first, copied, reissued)]
    assert names[0] == names[2] != names[1]
    assert first.signature != reissued.signature


@by_suite
@pytest.mark.parametrize("name", ["nymProof/nymProof004.json", "nymProof/nymProof104.json"])
def test_the_simulator_needs_no_secret(
    quick_suite: Ciphersuite, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given one pair (P, x*P) and a random pseudonym: random points and responses, T1, T2 and Ut backwards.

    The challenge is programmed at the one input that the verifier then asks for.
    """
    shown, group, suite = ShownNym.of(quick_suite, name), quick_suite.group, quick_suite
    signature_key = scalar(
        load_from("pseudonym", suite, "nymSignature/nymSignature004.json")["signerKeyPair"]["secretKey"]
    )
    P = group.BP1
    xP = group.msm((P,), (signature_key,))
    count = len(octets_to_proof(shown.proof, suite=suite).m_hat)
    t, d, y, c, *responses = calculate_random_scalars(4 + 3 + count)
    Abar, Bbar, D, pseudonym = (
        group.msm((point,), (factor,)) for point, factor in ((P, t), (xP, t), (P, d), (P, y))
    )
    e_hat, r1_hat, r3_hat, *m_hat = responses
    simulated = Proof(Abar, Bbar, D, e_hat, r1_hat, r3_hat, tuple(m_hat), c)
    made = {
        "proof": proof_to_octets(simulated, suite=suite),
        "pseudonym": group.g1_to_octets(pseudonym),
    }
    refused("PROOF_INVALID", shown.verify, **made)

    def calculate_challenge(init_res: InitResult, *args: Any, **options: Any) -> int:
        return c

    monkeypatch.setattr(bbs.proof, "calculate_challenge", calculate_challenge)
    shown.verify(**made)
    wrong = replace(simulated, Bbar=group.msm((P,), (d,)))
    refused("PROOF_INVALID", shown.verify, **(made | {"proof": proof_to_octets(wrong, suite=suite)}))


@by_suite
@quick
@given(secrets_of, texts)
def test_what_the_issuer_sees_contains_no_secret(
    quick_suite: Ciphersuite, nyms: list[int], messages: list[bytes]
) -> None:
    commitment, committed = bbs.commit_with_nym(messages, nyms, suite=quick_suite)
    for each in (*nyms, committed.secret_prover_blind):
        assert scalars_to_octets(each, suite=quick_suite) not in commitment
    again, _ = bbs.commit_with_nym(messages, nyms, suite=quick_suite)
    edges = [0, *range(48, len(commitment) + 1, 32)]
    assert all(commitment[start:end] != again[start:end] for start, end in pairwise(edges))


@by_suite
def test_as_many_pseudonyms_as_secrets_fit_any_secrets(quick_suite: Ciphersuite) -> None:
    """Why there are ten: values at N contexts are those of some polynomial, whatever they are."""
    N = 4
    api_id = quick_suite.ciphersuite_id + PSEUDONYM_INTERFACE_ID
    contexts = [Context.of(b"%d" % i, api_id, suite=quick_suite) for i in range(N)]
    wanted = calculate_random_scalars(N)
    secrets = [0] * N
    for i, value in enumerate(wanted):  # Lagrange, coefficient by coefficient
        basis, scale = [1], 1
        for j in range(N):
            if j != i:
                shifted = [0, *basis]
                basis = [a - contexts[j].z * b for a, b in zip(shifted, [*basis, 0], strict=True)]
                scale = scale * (contexts[i].z - contexts[j].z) % r
        factor = value * pow(scale, -1, r)
        secrets = [(a + factor * b) % r for a, b in zip(secrets, basis, strict=True)]
    for context, value in zip(contexts, wanted, strict=True):
        expected = quick_suite.group.msm((context.OP,), (value,))
        found = context.pseudonym(secrets)
        assert points_to_octets(found, suite=quick_suite) == points_to_octets(expected, suite=quick_suite)
