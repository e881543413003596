"""A prepared credential gives the proofs that the unprepared one gives."""

import pytest

import bbs
from bbs import Ciphersuite, InputError
from tests.bbs.mocked import load, mocked_rng, octets

PROOFS = [f"proof/proof{n:03}.json" for n in (1, 2, 3, 14, 15)]


@pytest.mark.parametrize("name", PROOFS)
def test_the_official_vectors(suite: Ciphersuite, name: str) -> None:
    data = load(suite, name)
    names = ["signerPublicKey", "signature", "header", "presentationHeader", "proof"]
    pk, signature, header, ph, proof = octets([data[key] for key in names])
    messages, indexes = octets(data["messages"]), data["disclosedIndexes"]
    credential = bbs.prepare_credential(pk, signature, header, messages, suite=suite)
    for _ in range(2):
        assert bbs.proof_gen_prepared(credential, ph, indexes, rng=mocked_rng(suite)) == proof


def test_one_credential_many_proofs(suite: Ciphersuite) -> None:
    key = bbs.SecretKey.generate(suite=suite)
    pk, messages = key.public_key(), [b"one", b"two", b"three"]
    signature = bbs.sign(key, pk, b"h", messages, suite=suite)
    credential = bbs.prepare_credential(pk, signature, b"h", messages, suite=suite)
    proofs = set()
    for indexes in ([], [1], [1], [0, 1, 2]):
        proof = bbs.proof_gen_prepared(credential, b"ph", indexes)
        bbs.proof_verify(pk, proof, b"h", b"ph", [messages[i] for i in indexes], indexes, suite=suite)
        proofs.add(proof)
    assert len(proofs) == 4


def test_what_is_refused(suite: Ciphersuite) -> None:
    key = bbs.SecretKey.generate(suite=suite)
    pk = key.public_key()
    signature = bbs.sign(key, pk, b"", [b"a secret text"], suite=suite)
    with pytest.raises(bbs.DecodingError, match="INVALID_LENGTH"):
        bbs.prepare_credential(pk, signature[1:], b"", [b"a secret text"], suite=suite)
    credential = bbs.prepare_credential(pk, signature, b"", [b"a secret text"], suite=suite)
    assert "secret" not in repr(credential)
    with pytest.raises(InputError, match="INVALID_INDEXES"):
        bbs.proof_gen_prepared(credential, b"", [1])
    with pytest.raises(InputError, match="INVALID_TYPE"):
        bbs.proof_gen_prepared(credential, "text", [])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="INVALID_RANDOMNESS"):
        bbs.proof_gen_prepared(credential, b"", [], rng=lambda _: [])
