"""Blind signatures: every official vector, and what must be refused, made from them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bbs
from bbs import (
    SHA_256,
    SHAKE_256,
    Ciphersuite,
    CommitmentBinding,
    Committed,
    InputError,
    SecretKey,
    VerificationError,
)
from bbs.blind import BLIND_INTERFACE_ID, blind_generators, joint_generators, joint_scalars
from bbs.generators import create_generators
from bbs.groups.bls12_381 import r
from bbs.serialization import Signature, octets_to_signature, signature_to_octets
from bbs.signature import calculate_B, calculate_domain, core_verify, finalize_sign
from tests.bbs.blinding import (
    FALSE_OR_MALFORMED,
    ShownBlind,
    committed_of,
    load_from,
    mocked,
    refused,
    scalar,
)
from tests.bbs.mocked import FOLDERS, octets
from tests.bbs.test_bbs_properties import flip, quick, texts
from tests.vectors import require_vectors

COMMITMENTS = [f"commit/commit{n:03}.json" for n in (1, 2)]
SIGNATURES = [f"signature/signature{n:03}.json" for n in range(1, 6)]
PROOFS = [f"proof/proof{n:03}.json" for n in range(1, 9)]
WRONG_TRACE = "signature/signature003.json"  # of SHA-256: its domain holds B
by_suite = pytest.mark.parametrize("quick_suite", [SHA_256, SHAKE_256], ids=["SHA", "SHAKE"])


def api_id(suite: Ciphersuite) -> bytes:
    return suite.ciphersuite_id + BLIND_INTERFACE_ID


# the official vectors


def test_all_33_files_are_used() -> None:
    root = require_vectors("blind")
    files = [*COMMITMENTS, *SIGNATURES, *PROOFS, "generators.json"]
    used = {root / name / file for name in FOLDERS for file in files} | {root / "messages.json"}
    assert used == set(root.rglob("*.json"))
    assert len(used) == 33


def test_generators(suite: Ciphersuite) -> None:
    data, encode = load_from("blind", suite, "generators.json"), suite.group.g1_to_octets
    known, blind = data["generators"], data["blindGenerators"]
    assert [each["api_id"].encode() for each in (known, blind)] == [api_id(suite), b"BLIND_" + api_id(suite)]
    L, M = len(known["MsgGenerators"]), len(blind["MsgGenerators"])
    joint = joint_generators(L, M, api_id(suite), suite=suite)
    stated = [known["Q1"], *known["MsgGenerators"], blind["Q1"], *blind["MsgGenerators"]]
    assert [encode(point).hex() for point in joint.points] == stated
    of_commitments = blind_generators(M, api_id(suite), suite=suite)
    assert [encode(point).hex() for point in of_commitments.points] == stated[L + 1 :]
    assert known["P1"] == blind["P1"] == encode(suite.P1).hex()


@pytest.mark.parametrize("name", COMMITMENTS)
def test_commitment(suite: Ciphersuite, name: str) -> None:
    data = load_from("blind", suite, name)
    rng, asked = mocked(data, "commit", suite), data["mockRngParameters"]["commit"]["count"]
    messages = octets(data["committedMessages"])
    commitment, committed = bbs.commit(messages, suite=suite, rng=rng)
    assert commitment.hex() == data["commitmentWithProof"]
    assert committed == committed_of(data)
    trace = data["trace"]["random_scalars"]
    stated = [data["proverBlind"], trace["s_tilde"], *trace["m_tildes"]]
    assert rng(asked) == [scalar(value) for value in stated]


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(suite: Ciphersuite, name: str) -> None:
    data, committed = load_from("blind", suite, name), committed_of(load_from("blind", suite, name))
    keys = data["signerKeyPair"]
    sk, pk, header = octets([keys["secretKey"], keys["publicKey"], data["header"]])
    messages, commitment = octets(data["messages"]), bytes.fromhex(data["commitmentWithProof"] or "")
    M = len(committed.messages)
    signature = bbs.blind_sign(sk, pk, commitment, header, messages, M, suite=suite)
    assert signature.hex() == data["signature"]
    bbs.verify_blind_sign(pk, signature, header, messages, committed, suite=suite)

    generators = joint_generators(len(messages), M, api_id(suite), suite=suite)
    domain = calculate_domain(pk, generators, header, api_id(suite))
    scalars = joint_scalars(messages, committed, api_id(suite), suite=suite)
    B = suite.group.g1_to_octets(calculate_B(generators, domain, scalars)).hex()
    if name == WRONG_TRACE and suite.ciphersuite_id == SHA_256.ciphersuite_id:
        assert data["trace"]["domain"] == B
    else:
        assert (scalar(data["trace"]["domain"]), data["trace"]["B"]) == (domain, B)


@pytest.mark.parametrize("name", PROOFS)
def test_proof(suite: Ciphersuite, name: str) -> None:
    shown = ShownBlind.of(suite, name)
    assert shown.prove(rng=mocked(load_from("blind", suite, name), "proof", suite)) == shown.proof
    shown.verify()


# what is refused


@by_suite
@pytest.mark.parametrize("field", ["proof", "pk", "header", "ph"])
def test_every_flipped_bit_of_a_proof_is_refused_made_from_proof004(
    quick_suite: Ciphersuite, field: str
) -> None:
    shown = ShownBlind.of(quick_suite, "proof/proof004.json")
    shown.verify()
    value = getattr(shown, field)
    for bit in range(len(value) * 8):
        refused(FALSE_OR_MALFORMED, shown.verify, **{field: flip(value, bit)})


@by_suite
def test_every_part_of_the_statement_counts_made_from_proof004(quick_suite: Ciphersuite) -> None:
    """Shown: messages 0, 2, 4, 6, 8 of 10 and committed messages 0, 2, 4 of 5."""
    shown = ShownBlind.of(quick_suite, "proof/proof004.json")
    assert (shown.indexes, shown.committed_indexes) == ([0, 2, 4, 6, 8], [0, 2, 4])
    for field in ("known", "hidden"):
        values = getattr(shown, field)
        swapped = [values[1], values[0], *values[2:]]
        refused("PROOF_INVALID", shown.verify, **{field: swapped})
        refused("PROOF_INVALID", shown.verify, **{field: [b"another", *values[1:]]})
        refused("COUNT_MISMATCH", shown.verify, **{field: values[1:]})
        refused("COUNT_MISMATCH", shown.verify, **{field: [*values, b""]})
    refused("PROOF_INVALID", shown.verify, indexes=[0, 2, 4, 6, 9])
    refused("PROOF_INVALID", shown.verify, committed_indexes=[0, 2, 3])
    for L in (9, 11, 14):
        refused({"PROOF_INVALID", "INVALID_INDEXES"}, shown.verify, L=L)
    refused("COUNT_MISMATCH", shown.verify, L=16)
    for bad in (-1, True, 10.0, None):
        refused("COUNT_MISMATCH", shown.verify, L=bad)
    for more in (32, -32):
        padded = (shown.proof + b"\x01" * 32)[: len(shown.proof) + more]
        refused({"PROOF_INVALID", "INVALID_INDEXES"}, shown.verify, proof=padded)


@by_suite
def test_no_message_passes_from_one_kind_to_the_other(quick_suite: Ciphersuite) -> None:
    """In number they fit together; a committed message would stand where the issuer's stand."""
    shown = ShownBlind.of(quick_suite, "proof/proof004.json")
    for known, hidden in (
        ([*shown.known, shown.hidden[0]], shown.hidden[1:]),
        (shown.known[:-1], [shown.known[-1], *shown.hidden]),
    ):
        refused("COUNT_MISMATCH", shown.verify, known=known, hidden=hidden)
    moved = {"known": [*shown.known, shown.hidden[0]], "hidden": shown.hidden[1:]}
    refused("PROOF_INVALID", shown.verify, **moved, indexes=[0, 2, 4, 6, 8, 9], committed_indexes=[2, 4])
    refused("INVALID_INDEXES", shown.verify, **moved, indexes=[0, 2, 4, 6, 8, 11], committed_indexes=[2, 4])


@by_suite
def test_the_blind_is_never_disclosed(quick_suite: Ciphersuite) -> None:
    shown = ShownBlind.of(quick_suite, "proof/proof004.json")
    for indexes, committed in (([10], []), ([11], []), ([], [5]), ([], [-1]), ([1, 0], []), ([], [1, 1])):
        refused("INVALID_INDEXES", replace(shown, indexes=indexes, committed_indexes=committed).prove)


@by_suite
def test_a_blind_signature_is_no_plain_one(quick_suite: Ciphersuite) -> None:
    """Made from proof008 (no commitment), from a plain signature on its messages, and the other way round."""
    shown = ShownBlind.of(quick_suite, "proof/proof008.json")
    shown.verify()
    signed = (shown.pk, shown.signature, shown.header, shown.messages)
    refused("SIGNATURE_INVALID", bbs.verify, *signed, suite=quick_suite)
    proven = (shown.pk, shown.proof, shown.header, shown.ph, shown.known, shown.indexes)
    refused("PROOF_INVALID", bbs.proof_verify, *proven, suite=quick_suite)
    key = SecretKey.generate(suite=quick_suite)
    pk = key.public_key()
    plain = bbs.sign(key, pk, shown.header, shown.messages, suite=quick_suite)
    args = (pk, plain, shown.header, shown.messages, Committed())
    refused("SIGNATURE_INVALID", bbs.verify_blind_sign, *args, suite=quick_suite)


@by_suite
def test_every_flipped_bit_of_a_signature_is_refused_made_from_signature004(quick_suite: Ciphersuite) -> None:
    data = load_from("blind", quick_suite, "signature/signature004.json")
    pk, signature, header = octets([data["signerKeyPair"]["publicKey"], data["signature"], data["header"]])
    valid: dict[str, Any] = {
        "pk": pk, "signature": signature, "header": header, "messages": octets(data["messages"]),
        "committed": committed_of(data), "suite": quick_suite,
    }  # fmt: skip
    bbs.verify_blind_sign(**valid)
    for field in ("pk", "signature", "header"):
        for bit in range(len(valid[field]) * 8):
            changed = valid | {field: flip(valid[field], bit)}
            refused(FALSE_OR_MALFORMED, bbs.verify_blind_sign, **changed)
    committed = committed_of(data)
    first, *rest = committed.messages
    for other in (
        replace(committed, secret_prover_blind=committed.secret_prover_blind ^ 1),
        replace(committed, messages=(flip(first, 0), *rest)),
        replace(committed, messages=tuple(rest)),
        replace(committed, messages=(*committed.messages, b"")),
        Committed(),
    ):
        refused("SIGNATURE_INVALID", bbs.verify_blind_sign, **(valid | {"committed": other}))


@by_suite
def test_arguments(quick_suite: Ciphersuite) -> None:
    key = SecretKey.generate(suite=quick_suite)
    pk = key.public_key()
    other = SecretKey.generate(suite=quick_suite).public_key()
    options: dict[str, Any] = {"suite": quick_suite}
    refused("KEY_MISMATCH", bbs.blind_sign, key, other, b"", b"h", [], 0, **options)
    refused("INVALID_TYPE", bbs.blind_sign, key, pk, b"", "h", [], 0, **options)
    refused("INVALID_TYPE", bbs.blind_sign, key, pk, b"", b"h", ["m"], 0, **options)
    refused("INVALID_TYPE", bbs.commit, ["m"], **options)
    refused("UNKNOWN_CIPHERSUITE", bbs.commit, [], suite="BBS")
    refused("INVALID_RANDOMNESS", bbs.commit, [b"m"], **options, rng=lambda n: [1] * (n - 1))
    signature = bbs.blind_sign(key, pk, b"", b"h", [b"m"], 0, **options)
    for args in ((None, signature, b"h", b"p"), (pk, signature, 1, b"p"), (pk, signature, b"h", None)):
        refused("INVALID_TYPE", bbs.blind_proof_gen, *args, [b"m"], Committed(), [], [], **options)
    small = replace(quick_suite, max_messages=2)
    refused("TOO_MANY_MESSAGES", bbs.commit, [b""] * 3, suite=small)


# the exponent e


@by_suite
def test_two_B_have_two_e(quick_suite: Ciphersuite) -> None:
    """Whatever goes into B changes e: commitment, messages, header; the same B gives the same signature."""
    key = SecretKey.generate(suite=quick_suite)
    pk = key.public_key()
    commitments = [bbs.commit([b"k"], suite=quick_suite)[0] for _ in range(3)]

    def e(commitment: bytes, header: bytes = b"h", messages: tuple[bytes, ...] = (b"m",)) -> int:
        M = 1 if commitment else 0
        signature = bbs.blind_sign(key, pk, commitment, header, messages, M, suite=quick_suite)
        return octets_to_signature(signature, suite=quick_suite).e

    several = [e(each) for each in (*commitments, b"")]
    several += [e(commitments[0], b"other"), e(commitments[0], b"h", (b"n",)), e(commitments[0], b"h", ())]
    assert len(set(several)) == len(several)
    assert e(commitments[0]) == several[0]


@by_suite
def test_the_same_e_on_two_B_is_a_forgery(quick_suite: Ciphersuite) -> None:
    """Why e covers the commitment: with one e the mean of two signatures signs the mean of the messages."""
    key, api = SecretKey.generate(suite=quick_suite), api_id(quick_suite)
    pk, group = key.public_key(), quick_suite.group
    generators = create_generators(2, api, suite=quick_suite)
    domain = calculate_domain(pk, generators, b"h", api)
    halves = [finalize_sign(key, calculate_B(generators, domain, [m]), 7).A for m in (10, 20)]
    half = pow(2, -1, r)
    forged = Signature(group.msm(halves, [half, half]), 7)
    octets = signature_to_octets(forged, suite=quick_suite)
    core_verify(pk, octets, generators, b"h", [15], api)


# any messages


@by_suite
@quick
@given(texts, texts, st.binary(max_size=20), st.binary(max_size=20), st.booleans(), st.data())
def test_any_messages_can_be_signed_blind_and_any_of_them_shown(
    quick_suite: Ciphersuite,
    messages: list[bytes],
    committed_messages: list[bytes],
    header: bytes,
    ph: bytes,
    bound: bool,
    data: st.DataObject,
) -> None:
    key = SecretKey.generate(suite=quick_suite)
    pk = key.public_key()
    binding = CommitmentBinding(pk, data.draw(st.binary(min_size=16, max_size=40)), header) if bound else None
    commitment, committed = bbs.commit(committed_messages, suite=quick_suite, binding=binding)
    assert len(commitment) == 112 + 32 * len(committed_messages)
    M = len(committed_messages)
    signature = bbs.blind_sign(key, pk, commitment, header, messages, M, suite=quick_suite, binding=binding)
    bbs.verify_blind_sign(pk, signature, header, messages, committed, suite=quick_suite)

    def some(values: list[bytes]) -> list[int]:
        return sorted(data.draw(st.sets(st.integers(0, len(values) - 1)))) if values else []

    i, j = some(messages), some(committed_messages)
    shown = ShownBlind(
        quick_suite, pk, signature, header, ph, messages, committed, b"", len(messages),
        [messages[at] for at in i], [committed_messages[at] for at in j], i, j,
    )  # fmt: skip
    shown = replace(shown, proof=shown.prove())
    assert len(shown.proof) == 304 + 32 * (len(messages) + M - len(i) - len(j))
    shown.verify()
    with pytest.raises((VerificationError, InputError)):
        shown.verify(L=shown.L + 1)
    with pytest.raises(VerificationError):
        shown.verify(ph=ph + b"\x00")
