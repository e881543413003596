"""Every official vector of the draft, on every group."""

import json
from typing import Any

import pytest

import bbs
from bbs import Ciphersuite, InputError, VerificationError
from bbs.generators import create_generators, hash_to_generators
from bbs.hashing import hash_to_scalar
from bbs.proof import RandomScalarsOfProof, calculate_challenge, proof_init, proof_verify_init, undisclosed
from bbs.scalars import messages_to_scalars
from bbs.serialization import octets_to_proof, octets_to_signature
from bbs.signature import calculate_B, calculate_domain
from tests.bbs.mocked import FOLDERS, SEED, load, mocked_rng, octets, seeded_random_scalars
from tests.vectors import require_vectors

SIGNATURES = [f"signature/signature{n:03}.json" for n in range(1, 11)]
PROOFS = [f"proof/proof{n:03}.json" for n in range(1, 16)]
SINGLE = ["keypair.json", "generators.json", "h2s.json", "MapMessageToScalarAsHash.json", "mockedRng.json"]


def scalar(value: str) -> int:
    return int(value, 16)


def test_all_61_files_are_used() -> None:
    root = require_vectors("bbs")
    used = {root / name / file for name in FOLDERS for file in SINGLE + SIGNATURES + PROOFS}
    used.add(root / "messages.json")
    assert used == set(root.rglob("*.json"))
    assert len(used) == 61


def test_messages_are_those_of_the_longest_vectors(suite: Ciphersuite) -> None:
    messages = json.loads(require_vectors("bbs", "messages.json").read_text())
    assert load(suite, "signature/signature004.json")["messages"] == messages


def test_key_pair(suite: Ciphersuite) -> None:
    data = load(suite, "keypair.json")
    material, info, dst = octets([data["keyMaterial"], data["keyInfo"], data["keyDst"]])
    sk = bbs.keygen(material, info, dst, suite=suite)
    assert sk.hex() == data["keyPair"]["secretKey"]
    assert bbs.sk_to_pk(sk, suite=suite).hex() == data["keyPair"]["publicKey"]
    assert bbs.keygen(material, info, suite=suite) == bbs.keygen(
        material, info, suite.ciphersuite_id + b"KEYGEN_DST_", suite=suite
    )


def test_generators(suite: Ciphersuite) -> None:
    data = load(suite, "generators.json")
    generators = create_generators(11, suite.api_id, suite=suite)
    encode = suite.group.g1_to_octets
    assert encode(suite.P1).hex() == data["P1"]
    assert encode(generators.Q_1).hex() == data["Q1"]
    assert [encode(H).hex() for H in generators.H] == data["MsgGenerators"]
    assert generators.octets.hex() == data["Q1"] + "".join(data["MsgGenerators"])
    (P1,) = hash_to_generators(1, suite.api_id, suite=suite, seed=b"BP_MESSAGE_GENERATOR_SEED")
    assert encode(P1).hex() == data["P1"]


def test_hash_to_scalar(suite: Ciphersuite) -> None:
    data = load(suite, "h2s.json")
    message, dst = octets([data["message"], data["dst"]])
    assert hash_to_scalar(message, dst, suite=suite) == scalar(data["scalar"])


def test_messages_to_scalars(suite: Ciphersuite) -> None:
    data = load(suite, "MapMessageToScalarAsHash.json")
    assert bytes.fromhex(data["dst"]) == suite.api_id + b"MAP_MSG_TO_SCALAR_AS_HASH_"
    messages = octets([case["message"] for case in data["cases"]])
    expected = [scalar(case["scalar"]) for case in data["cases"]]
    assert messages_to_scalars(messages, suite.api_id, suite=suite) == expected


def test_mocked_random_scalars(suite: Ciphersuite) -> None:
    data = load(suite, "mockedRng.json")
    seed, dst = octets([data["seed"], data["dst"]])
    assert seed == SEED
    rng = seeded_random_scalars(seed, dst, suite=suite)
    assert rng(data["count"]) == [scalar(value) for value in data["mockedScalars"]]


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(suite: Ciphersuite, name: str) -> None:
    data = load(suite, name)
    pk, signature, header = octets([data["signerKeyPair"]["publicKey"], data["signature"], data["header"]])
    messages = octets(data["messages"])
    if not data["result"]["valid"]:
        with pytest.raises(VerificationError, match="SIGNATURE_INVALID"):
            bbs.verify(pk, signature, header, messages, suite=suite)
        return
    sk = bytes.fromhex(data["signerKeyPair"]["secretKey"])
    assert bbs.sign(sk, pk, header, messages, suite=suite) == signature
    bbs.verify(pk, signature, header, messages, suite=suite)
    generators = create_generators(len(messages) + 1, suite.api_id, suite=suite)
    domain = calculate_domain(pk, generators, header, suite.api_id)
    B = calculate_B(generators, domain, messages_to_scalars(messages, suite.api_id, suite=suite))
    assert domain == scalar(data["trace"]["domain"])
    assert suite.group.g1_to_octets(B).hex() == data["trace"]["B"]


def proof_inputs(data: dict[str, Any]) -> tuple[bytes, ...]:
    names = ["signerPublicKey", "signature", "header", "presentationHeader", "proof"]
    return tuple(octets([data[name] for name in names]))


@pytest.mark.parametrize("name", PROOFS)
def test_proof(suite: Ciphersuite, name: str) -> None:
    data = load(suite, name)
    pk, signature, header, ph, proof = proof_inputs(data)
    messages, indexes = octets(data["messages"]), data["disclosedIndexes"]
    shown = [messages[i] for i in indexes]
    if data["result"]["valid"]:
        rng = mocked_rng(suite)
        made = bbs.proof_gen(pk, signature, header, ph, messages, indexes, suite=suite, rng=rng)
        assert made == proof
        bbs.proof_verify(pk, proof, header, ph, shown, indexes, suite=suite)
        return
    expected = (
        (InputError, "INVALID_INDEXES") if name.endswith("010.json") else (VerificationError, "PROOF_INVALID")
    )
    with pytest.raises(expected[0], match=expected[1]):
        bbs.proof_verify(pk, proof, header, ph, shown, indexes, suite=suite)


@pytest.mark.parametrize(
    "name", [name for name in PROOFS if name[-8:-5] in {"001", "002", "003", "014", "015"}]
)
def test_proof_trace(suite: Ciphersuite, name: str) -> None:
    data = load(suite, name)
    trace, encode = data["trace"], suite.group.g1_to_octets
    pk, signature, header, ph, proof = proof_inputs(data)
    indexes = data["disclosedIndexes"]
    messages = messages_to_scalars(octets(data["messages"]), suite.api_id, suite=suite)
    shown, hidden = [messages[i] for i in indexes], undisclosed(indexes, len(messages))
    generators = create_generators(len(messages) + 1, suite.api_id, suite=suite)

    scalars = RandomScalarsOfProof.drawn(mocked_rng(suite), len(hidden), suite=suite)
    stated = trace["random_scalars"]
    assert scalars == RandomScalarsOfProof(
        **{key: scalar(stated[key]) for key in ("r1", "r2", "e_tilde", "r1_tilde", "r3_tilde")},
        m_tilde=tuple(scalar(value) for value in stated["m_tilde_scalars"]),
    )
    parsed = octets_to_signature(signature, suite=suite)
    provers = proof_init(pk, parsed, generators, scalars, header, messages, hidden, suite.api_id)
    verifiers = proof_verify_init(
        pk, octets_to_proof(proof, suite=suite), generators, header, shown, indexes, suite.api_id
    )
    for init_res in (provers, verifiers):
        assert init_res.domain == scalar(trace["domain"])
        points = (init_res.Abar, init_res.Bbar, init_res.D, init_res.T1, init_res.T2)
        assert [encode(point).hex() for point in points] == [
            trace[key] for key in ("A_bar", "B_bar", "D", "T1", "T2")
        ]
        challenge = calculate_challenge(init_res, shown, indexes, ph, suite.api_id, suite=suite)
        assert challenge == scalar(trace["challenge"])
