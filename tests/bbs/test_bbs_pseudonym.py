"""Pseudonyms: every official vector, and what must be refused, made from them."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import strategies as st

import bbs
import bbs.proof
from bbs import SHA_256, SHAKE_256, Ciphersuite, Committed, SecretKey
from bbs.blind import joint_generators, joint_scalars
from bbs.groups.bls12_381 import r
from bbs.proof import core_proof_gen
from bbs.pseudonym import PSEUDONYM_INTERFACE_ID, Context
from bbs.serialization import (
    integer_to_octets,
    octets_to_proof,
)
from bbs.signature import calculate_B, calculate_domain
from tests.bbs.blinding import (
    FALSE_OR_MALFORMED,
    ShownNym,
    committed_of,
    load_from,
    mocked,
    refused,
    scalar,
    scalars_in,
)
from tests.bbs.mocked import FOLDERS, octets
from tests.bbs.test_bbs_properties import flip
from tests.bbs.test_bbs_serialization import Case, changes
from tests.vectors import require_vectors

COMMITMENTS = [f"nymCommit/nymCommit{n:03}.json" for n in range(1, 5)]
SIGNATURES = [f"nymSignature/nymSignature{n:03}.json" for n in range(1, 7)]
PROOFS = [f"nymProof/nymProof{n:03}.json" for n in (*range(1, 8), *range(101, 105))]
ONE, TEN = "nymProof/nymProof004.json", "nymProof/nymProof104.json"
by_suite = pytest.mark.parametrize("quick_suite", [SHA_256, SHAKE_256], ids=["SHA", "SHAKE"])
by_number = pytest.mark.parametrize("name", [ONE, TEN], ids=["one", "ten"])
secrets_of = st.lists(st.integers(1, r - 1), min_size=1, max_size=4)


def api_id(suite: Ciphersuite) -> bytes:
    return suite.ciphersuite_id + PSEUDONYM_INTERFACE_ID


# the official vectors


def test_all_45_files_are_used() -> None:
    root = require_vectors("pseudonym")
    files = [*COMMITMENTS, *SIGNATURES, *PROOFS, "generators.json"]
    used = {root / name / file for name in FOLDERS for file in files} | {root / "messages.json"}
    assert used == set(root.rglob("*.json"))
    assert len(used) == 45


def test_generators(suite: Ciphersuite) -> None:
    data, encode = load_from("pseudonym", suite, "generators.json"), suite.group.g1_to_octets
    known, blind = data["generators"], data["blindGenerators"]
    assert [each["api_id"].encode() for each in (known, blind)] == [api_id(suite), b"BLIND_" + api_id(suite)]
    L, M = len(known["MsgGenerators"]), len(blind["MsgGenerators"])
    joint = joint_generators(L, M, api_id(suite), suite=suite)
    stated = [known["Q1"], *known["MsgGenerators"], blind["Q1"], *blind["MsgGenerators"]]
    assert [encode(point).hex() for point in joint.points] == stated


@pytest.mark.parametrize("name", COMMITMENTS)
def test_commitment(suite: Ciphersuite, name: str) -> None:
    data = load_from("pseudonym", suite, name)
    rng, nyms = mocked(data, "commit", suite), scalars_in(data, "proverNyms")
    messages = octets(data["committedMessages"])
    commitment, committed = bbs.commit_with_nym(messages, nyms, suite=suite, rng=rng)
    assert commitment.hex() == data["commitmentWithProof"]
    assert committed == committed_of(data)
    trace = data["trace"]["random_scalars"]
    stated = [data["proverBlind"], trace["s_tilde"], *trace["m_tildes"]]
    assert rng(len(stated)) == [scalar(value) for value in stated]


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(suite: Ciphersuite, name: str) -> None:
    data = load_from("pseudonym", suite, name)
    keys, committed, nyms = data["signerKeyPair"], committed_of(data), scalars_in(data, "proverNyms")
    sk, pk, header = octets([keys["secretKey"], keys["publicKey"], data["header"]])
    messages, commitment = octets(data["messages"]), bytes.fromhex(data["commitmentWithProof"])
    M, N, entropy = len(committed.messages), len(nyms), scalar(data["signer_nym_entropy"])
    signature = bbs.blind_sign_with_nym(sk, pk, commitment, N, entropy, header, messages, M, suite=suite)
    assert signature.hex() == data["signature"]
    found = bbs.verify_finalize_with_nym(
        pk, signature, header, messages, committed, nyms, entropy, suite=suite
    )
    assert found == scalars_in(data, "nym_secrets")

    generators = joint_generators(len(messages), M + N, api_id(suite), suite=suite)
    domain = calculate_domain(pk, generators, header + integer_to_octets(N), api_id(suite))
    scalars = (*joint_scalars(messages, committed, api_id(suite), suite=suite), *found)
    B = calculate_B(generators, domain, scalars)
    assert scalar(data["trace"]["domain"]) == domain
    stated = data["trace"]["B"][:96]  # one of them ends in a stray letter
    assert suite.group.g1_to_octets(B).hex() == stated


@pytest.mark.parametrize("name", PROOFS)
def test_proof(suite: Ciphersuite, name: str) -> None:
    shown, data = ShownNym.of(suite, name), load_from("pseudonym", suite, name)
    made = shown.prove(rng=mocked(data, "proof", suite))
    assert made == (shown.proof, shown.pseudonym)
    assert bbs.calculate_pseudonym(shown.context_id, shown.nym_secrets, suite=suite) == shown.pseudonym
    shown.verify()


@pytest.mark.parametrize("name", PROOFS)
def test_trace_of_the_pseudonym(suite: Ciphersuite, name: str) -> None:
    """Ut is the same from the prover's blindings and from the responses; ten secrets leave more in it."""
    shown, data = ShownNym.of(suite, name), load_from("pseudonym", suite, name)
    trace, encode, N = data["trace"], suite.group.g1_to_octets, shown.N
    context = Context.of(shown.context_id, api_id(suite), suite=suite)
    extend = context.extension(context.pseudonym(shown.nym_secrets), N)
    proof = octets_to_proof(shown.proof, suite=suite)
    m_tilde = mocked(data, "proof", suite)(5 + len(proof.m_hat))[5:]
    assert proof.c == scalar(trace["challenge"])
    for (pseudonym, Ut), octs in (extend(m_tilde, 0), extend(proof.m_hat, proof.c)):
        assert encode(pseudonym).hex() == trace["pseudonym"]
        assert encode(Ut).hex() == trace["Ut"]
        assert octs == integer_to_octets(len(shown.context_id)) + shown.context_id
    if N > 1:
        assert encode(context.OP).hex() == trace["OP"]
        assert context.evaluate(shown.nym_secrets) == scalar(trace["poly_eval_pseudo"])
        assert context.evaluate(m_tilde[-N:]) == scalar(trace["poly_eval_proof"])


# what is refused


PSEUDONYM_CASES = changes({"pseudonym": 0}, {}, [0, 47, 49, 96])


@by_suite
@by_number
@pytest.mark.parametrize("field", ["proof", "pseudonym", "context_id", "pk", "header", "ph"])
def test_flipped_bits_are_refused_made_from_nymProof004_and_104(
    quick_suite: Ciphersuite, name: str, field: str
) -> None:
    shown = ShownNym.of(quick_suite, name)
    shown.verify()
    value = getattr(shown, field)
    for bit in range(0, len(value) * 8, 1 if name == ONE else 7):
        refused(FALSE_OR_MALFORMED, shown.verify, **{field: flip(value, bit)})


@pytest.mark.parametrize("case", PSEUDONYM_CASES, ids=str)
def test_octets_that_are_no_pseudonym_made_from_nymProof004(suite: Ciphersuite, case: Case) -> None:
    """Among them the identity, which belongs to everybody, and points outside the subgroup: a second name."""
    shown = ShownNym.of(suite, ONE)
    refused(case.reason, shown.verify, pseudonym=case.change(shown.pseudonym))


@by_suite
def test_the_base_point_is_no_pseudonym(quick_suite: Ciphersuite) -> None:
    base = quick_suite.group.g1_to_octets(quick_suite.group.BP1)
    refused("INVALID_POINT", ShownNym.of(quick_suite, ONE).verify, pseudonym=base)


@by_suite
@by_number
def test_a_pseudonym_is_of_one_context(quick_suite: Ciphersuite, name: str) -> None:
    shown = ShownNym.of(quick_suite, name)
    elsewhere = shown.proven(context_id=b"another verifier")
    elsewhere.verify()
    assert elsewhere.pseudonym != shown.pseudonym
    refused("PROOF_INVALID", shown.verify, pseudonym=elsewhere.pseudonym)
    refused("PROOF_INVALID", shown.verify, proof=elsewhere.proof, pseudonym=elsewhere.pseudonym)
    refused("PROOF_INVALID", shown.verify, context_id=elsewhere.context_id)
    refused("PROOF_INVALID", shown.verify, context_id=elsewhere.context_id, pseudonym=elsewhere.pseudonym)
    for context_id in (b"", shown.context_id + b"\x00", shown.context_id[:-1]):
        refused("PROOF_INVALID", shown.verify, context_id=context_id)


def proven_by_hand(shown: ShownNym, claimed: tuple[int, ...]) -> ShownNym:
    """A prover who does everything right but for the secrets of the pseudonym, how many they are included."""
    suite, api, N = shown.suite, api_id(shown.suite), len(claimed)
    scalars = joint_scalars(shown.messages, shown.committed, api, suite=suite)
    generators = joint_generators(shown.L, len(scalars) - shown.L - 1 + shown.N, api, suite=suite)
    context = Context.of(shown.context_id, api, suite=suite)
    pseudonym = context.pseudonym(claimed)
    proof = core_proof_gen(
        shown.pk, shown.signature, generators, shown.header + integer_to_octets(N), shown.ph,
        (*scalars, *shown.nym_secrets),
        [*shown.indexes, *(shown.L + 1 + j for j in shown.committed_indexes)],
        api, extend=context.extension(pseudonym, N),
    )  # fmt: skip
    return replace(shown, proof=proof, pseudonym=suite.group.g1_to_octets(pseudonym), N=N)


@by_suite
@by_number
def test_a_proof_with_another_secret_than_the_signed_one_is_refused(
    quick_suite: Ciphersuite, name: str
) -> None:
    shown = ShownNym.of(quick_suite, name)
    proven_by_hand(shown, shown.nym_secrets).verify()
    for at in range(shown.N):
        claimed = tuple(value + (i == at) for i, value in enumerate(shown.nym_secrets))
        refused("PROOF_INVALID", proven_by_hand(shown, claimed).verify)


@by_suite
@by_number
def test_the_statement_is_bound(quick_suite: Ciphersuite, name: str) -> None:
    shown = ShownNym.of(quick_suite, name)
    for field in ("known", "hidden"):
        values = getattr(shown, field)
        refused("PROOF_INVALID", shown.verify, **{field: [values[1], values[0], *values[2:]]})
        refused("COUNT_MISMATCH", shown.verify, **{field: values[1:]})
    refused("PROOF_INVALID", shown.verify, indexes=[0, 2, 4, 6, 9])
    refused("PROOF_INVALID", shown.verify, committed_indexes=[0, 2, 3])
    both = {"PROOF_INVALID", "INVALID_INDEXES"}
    for change in ({"L": 9}, {"L": 11}, {"N": shown.N + 1}, {"N": shown.N - 1}, {"N": shown.N + 2, "L": 8}):
        refused(both | {"COUNT_MISMATCH"}, shown.verify, **change)
    for bad in (0, -1, True, None, 99):
        refused("COUNT_MISMATCH", shown.verify, N=bad)


@by_suite
def test_one_signature_has_one_number_of_secrets(quick_suite: Ciphersuite) -> None:
    """A holder of ten secrets who calls the first of them committed messages would have another pseudonym."""
    shown = ShownNym.of(quick_suite, TEN)
    fewer = proven_by_hand(shown, shown.nym_secrets[1:])
    assert fewer.N == 9
    assert fewer.pseudonym != shown.pseudonym
    refused("PROOF_INVALID", fewer.verify)
    data = load_from("pseudonym", quick_suite, "nymSignature/nymSignature006.json")
    sk, pk = octets([data["signerKeyPair"]["secretKey"], data["signerKeyPair"]["publicKey"]])
    commitment = bytes.fromhex(data["commitmentWithProof"])
    signatures = {
        bbs.blind_sign_with_nym(sk, pk, commitment, N, 7, b"h", [], 15 - N, suite=quick_suite)
        for N in (1, 9, 10)
    }
    assert len(signatures) == 3


@by_suite
@by_number
def test_secrets_and_blind_are_never_disclosed(quick_suite: Ciphersuite, name: str) -> None:
    shown = ShownNym.of(quick_suite, name)
    for indexes, committed in (([10], []), ([], [5]), ([], [5 + shown.N - 1]), ([], [-1])):
        refused("INVALID_INDEXES", replace(shown, indexes=indexes, committed_indexes=committed).prove)


@by_suite
def test_proofs_of_two_presentations_do_not_mix_made_from_nymProof004(quick_suite: Ciphersuite) -> None:
    shown = ShownNym.of(quick_suite, ONE)
    other = shown.proven()
    assert other.pseudonym == shown.pseudonym
    for start, end in pairwise([0, 48, 96, *range(144, len(shown.proof) + 1, 32)]):
        assert other.proof[start:end] != shown.proof[start:end]
        mixed = shown.proof[:start] + other.proof[start:end] + shown.proof[end:]
        refused("PROOF_INVALID", shown.verify, proof=mixed)


@by_suite
def test_interfaces_do_not_meet(quick_suite: Ciphersuite) -> None:
    """Made from nymProof004: as a proof of a blind signature, with the secret as one more hidden message."""
    shown = ShownNym.of(quick_suite, ONE)
    args = (
        shown.pk, shown.proof, shown.header + integer_to_octets(1), shown.ph, shown.L, shown.known,
        shown.hidden, shown.indexes, shown.committed_indexes,
    )  # fmt: skip
    refused("PROOF_INVALID", bbs.blind_proof_verify, *args, suite=quick_suite)


@by_suite
def test_the_holder_refuses_what_was_not_signed_made_from_nymSignature006(quick_suite: Ciphersuite) -> None:
    data = load_from("pseudonym", quick_suite, "nymSignature/nymSignature006.json")
    pk, signature, header = octets([data["signerKeyPair"]["publicKey"], data["signature"], data["header"]])
    valid: dict[str, Any] = {
        "pk": pk, "signature": signature, "header": header, "messages": octets(data["messages"]),
        "committed": committed_of(data), "prover_nyms": scalars_in(data, "proverNyms"),
        "signer_nym_entropy": scalar(data["signer_nym_entropy"]), "suite": quick_suite,
    }  # fmt: skip
    nyms, entropy = valid["prover_nyms"], valid["signer_nym_entropy"]
    bbs.verify_finalize_with_nym(**valid)
    for change in (
        {"signer_nym_entropy": entropy ^ 1},
        {"signer_nym_entropy": 0},
        {"prover_nyms": nyms[:-1]},
        {"prover_nyms": (nyms[1], nyms[0], *nyms[2:])},
        {"committed": Committed()},
        {"messages": valid["messages"][1:]},
        {"header": header + b"\x00"},
        {"signature": flip(signature, 0)},
    ):
        refused(FALSE_OR_MALFORMED, bbs.verify_finalize_with_nym, **(valid | change))
    refused("COUNT_MISMATCH", bbs.verify_finalize_with_nym, **(valid | {"prover_nyms": ()}))
    refused("SCALAR_OUT_OF_RANGE", bbs.verify_finalize_with_nym, **(valid | {"signer_nym_entropy": r}))


@by_suite
def test_arguments(quick_suite: Ciphersuite) -> None:
    key = SecretKey.generate(suite=quick_suite)
    options: dict[str, Any] = {"suite": quick_suite}
    pk = key.public_key()
    refused("COUNT_MISMATCH", bbs.commit_with_nym, [], [], **options)
    refused("SCALAR_OUT_OF_RANGE", bbs.commit_with_nym, [], [r], **options)
    refused("SCALAR_OUT_OF_RANGE", bbs.commit_with_nym, [], ["7"], **options)
    refused("DEGENERATE", bbs.calculate_pseudonym, b"", [0, 0], **options)
    refused("INVALID_TYPE", bbs.calculate_pseudonym, "context", [7], **options)
    commitment, _ = bbs.commit_with_nym([b"m"], [7], suite=quick_suite)

    def sign(N: Any = 1, entropy: Any = 7, M: Any = 1, of: bytes = commitment) -> bytes:
        return bbs.blind_sign_with_nym(key, pk, of, N, entropy, b"h", [], M, suite=quick_suite)

    assert len(sign()) == 80
    refused("INVALID_LENGTH", sign, 2)
    refused("INVALID_LENGTH", sign, of=b"")
    refused("SCALAR_OUT_OF_RANGE", sign, entropy=r)
    refused("SCALAR_OUT_OF_RANGE", sign, entropy=-1)
    for bad in (0, -1, True, None):
        refused("COUNT_MISMATCH", sign, N=bad)
    refused("TOO_MANY_MESSAGES", sign, N=quick_suite.max_messages + 1)
