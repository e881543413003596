"""A key that is prepared for many signatures gives the signatures that `sign` gives."""

import pytest

import bbs
from bbs import Ciphersuite
from tests.bbs.mocked import load, octets

SIGNATURES = [f"signature/signature{n:03}.json" for n in (1, 4)]


@pytest.mark.parametrize("name", SIGNATURES)
@pytest.mark.parametrize("begun", [0, 1, 10])
def test_the_official_vectors(suite: Ciphersuite, name: str, begun: int) -> None:
    data = load(suite, name)
    assert data["result"]["valid"]
    sk, pk = octets([data["signerKeyPair"]["secretKey"], data["signerKeyPair"]["publicKey"]])
    header, signature, *messages = octets([data["header"], data["signature"], *data["messages"]])
    begun = min(begun, len(messages))
    prepared = bbs.prepare_signing(sk, pk, header, messages[:begun], len(messages), suite=suite)
    for _ in range(2):
        assert prepared.sign(messages[begun:]) == signature


def test_one_beginning_many_lists(suite: Ciphersuite) -> None:
    key = bbs.SecretKey.generate(suite=suite)
    pk = key.public_key()
    prepared = bbs.prepare_signing(key, pk, b"h", [b"one"], 3, suite=suite)
    for rest in ([b"two", b"three"], [b"", b"three"], [b"three", b"two"], [b"two", b"three"]):
        assert prepared.sign(rest) == bbs.sign(key, pk, b"h", [b"one", *rest], suite=suite)
    assert bbs.prepare_signing(key, pk, b"", [], 0, suite=suite).sign([]) == bbs.sign(
        key, pk, b"", [], suite=suite
    )


def test_what_is_refused(suite: Ciphersuite) -> None:
    key, other = (bbs.SecretKey.generate(suite=suite) for _ in range(2))
    pk = key.public_key()
    prepared = bbs.prepare_signing(key, pk, b"a secret header", [b"a secret text"], 2, suite=suite)
    assert "secret" not in repr(prepared)
    for rest in ([], [b"", b""]):
        with pytest.raises(bbs.InputError, match="COUNT_MISMATCH"):
            prepared.sign(rest)
    with pytest.raises(bbs.InputError, match="INVALID_TYPE"):
        prepared.sign(["text"])  # type: ignore[list-item]
    with pytest.raises(bbs.InputError, match="COUNT_MISMATCH"):
        bbs.prepare_signing(key, pk, b"", [b"", b""], 1, suite=suite)
    with pytest.raises(bbs.InputError, match="TOO_MANY_MESSAGES"):
        bbs.prepare_signing(key, pk, b"", [], suite.max_messages + 1, suite=suite)
    with pytest.raises(bbs.InputError, match="KEY_MISMATCH"):
        bbs.prepare_signing(key, other.public_key(), b"", [], 1, suite=suite)
    with pytest.raises(bbs.InputError, match="INVALID_TYPE"):
        bbs.prepare_signing(key, pk, "text", [], 1, suite=suite)  # type: ignore[arg-type]
