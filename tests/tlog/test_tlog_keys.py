"""The keys of logs and witnesses: written and read, and none that anybody else could sign with."""

import base64
import contextlib
import copy
import hashlib
import pickle
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tlog.making import LOG, ORIGIN, WITNESS_KEYS, WITNESSES, digest, flip, refused
from tlog import (
    Checkpoint,
    CosignatureSigner,
    KeyType,
    Signer,
    TlogError,
    Verifier,
)
from tlog.ed25519 import is_public_key
from tlog.note import sign
from tlog.statement import COSIGNATURE_PREFIX

CHECKPOINT = Checkpoint(ORIGIN, 12, digest(0))
SECRETS: list[Signer | CosignatureSigner] = [LOG, WITNESSES[0]]
quick = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize("secret", SECRETS, ids=["01", "04"])
def test_secrets_keep_to_themselves(secret: Signer | CosignatureSigner) -> None:
    seed = secret.to_secret()
    for shown in (repr(secret), str(secret), repr(vars(secret))):
        assert seed.hex() not in shown
        assert base64.b64encode(seed).decode() not in shown
        assert str(seed) not in shown
    for act in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="not copied"):
            act(secret)
    with pytest.raises(TypeError):
        hash(secret)
    assert secret == type(secret).from_secret(secret.name, seed)
    assert secret != type(secret).from_secret(secret.name + "x", seed)
    assert secret != type(secret).generate(secret.name)
    assert secret != seed
    assert type(secret).generate("a", rng=bytes).to_secret() == bytes(32)
    for bad in (seed + b"\0", seed[:31], b""):
        refused("INVALID_LENGTH", type(secret).from_secret, "a", bad)
    refused("INVALID_LENGTH", type(secret).generate, "a", rng=lambda count: bytes(count - 1))


def test_one_seed_under_two_types_is_two_keys() -> None:
    one, two = Signer.from_secret("a", bytes(32)), CosignatureSigner.from_secret("a", bytes(32))
    assert one != two
    assert one.verifier.key_id != two.verifier.key_id
    assert one.verifier.public_key == two.verifier.public_key
    text = f"{COSIGNATURE_PREFIX}time 1\n{CHECKPOINT.text()}"
    refused("INVALID_TEXT", one.sign_line, text)
    refused("INVALID_TEXT", sign, text, one)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u2003", "a\nb", "a\tb", "\ud800", 7, None])
def test_names_refused(name: Any) -> None:
    refused("INVALID_NAME", Signer.generate, name)
    refused("INVALID_NAME", Verifier, name, KeyType.ED25519, bytes(32))


def test_key_ids_follow_the_specification() -> None:
    for secret in SECRETS:
        key = secret.verifier
        typed = bytes([secret.KEY_TYPE]) + key.public_key
        assert key.key_id == hashlib.sha256(key.name.encode() + b"\n" + typed).digest()[:4]
        assert str(key) == f"{key.name}+{key.key_id.hex()}+{base64.b64encode(typed).decode()}"
        assert Verifier.from_string(str(key)) == key
        assert {key: 1}[Verifier.from_string(str(key))] == 1


def vkey(typed: bytes, name: str = "a") -> str:
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(typed).decode()}"


def test_verifier_keys_refused() -> None:
    good = str(LOG.verifier)
    assert Verifier.from_string(vkey(b"\x01" + LOG.verifier.public_key, ORIGIN)) == LOG.verifier
    for bad in ["", "a", "a+b", good + "\n", good + "=", good[:-1], " " + good, good.replace("+", "-"), "++"]:
        refused("KEY_MALFORMED", Verifier.from_string, bad)
    name, key_id, key = good.split("+", 2)
    other = WITNESS_KEYS[0].key_id.hex()
    for bad in [f"{name}+{key_id.upper()}+{key}", f"{name}+{other}+{key}", f"{name}x+{key_id}+{key}"]:
        refused("KEY_MALFORMED", Verifier.from_string, bad)
    for typed in (b"", b"\x01", b"\x01" + bytes(31), b"\x01" + bytes(33), b"\x04" + bytes(64)):
        refused("KEY_MALFORMED", Verifier.from_string, vkey(typed))
    for key_type in (0, 2, 3, 5, 7, 0xFF):
        refused("KEY_UNSUPPORTED", Verifier.from_string, vkey(bytes([key_type]) + bytes(32)))
    refused("INVALID_TYPE", Verifier, "a", 1, bytes(32))
    refused("INVALID_LENGTH", Verifier, "a", KeyType.ED25519, bytes(31))


P = 2**255 - 19
_Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
"""The y of one of the points of order 8."""
SMALL_ORDER = [1, P - 1, 0, _Y8, P - _Y8]


@pytest.mark.parametrize("sign", [0, 1 << 255])
@pytest.mark.parametrize("y", [*SMALL_ORDER, *range(P, 2**255)])
def test_keys_that_anybody_can_sign_for_are_refused(y: int, sign: int) -> None:
    octets = (y | sign).to_bytes(32, "little")
    assert not is_public_key(octets)
    refused("INVALID_KEY", Verifier, "a", KeyType.ED25519, octets)
    refused("KEY_MALFORMED", Verifier.from_string, vkey(b"\x01" + octets))
    refused("KEY_MALFORMED", Verifier.from_string, vkey(b"\x04" + octets))


def test_the_points_of_small_order_are_what_their_name_says() -> None:
    """Under each of them one signature, made without a secret, holds for one message in eight at least."""
    for y in SMALL_ORDER:
        octets = y.to_bytes(32, "little")
        key, forged = Ed25519PublicKey.from_public_bytes(octets), (1).to_bytes(32, "little") + bytes(32)
        held = 0
        for number in range(200):
            with contextlib.suppress(InvalidSignature):
                key.verify(forged, b"%d" % number)
                held += 1
        assert held, "the library itself takes such keys, or this test would say nothing"


@quick
@given(st.binary(min_size=32, max_size=32))
def test_keys_that_somebody_made_are_taken(seed: bytes) -> None:
    assert is_public_key(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def test_octets_that_are_no_point_are_refused() -> None:
    taken = [is_public_key(y.to_bytes(32, "little")) for y in range(2, 402)]
    assert 140 < sum(taken) < 260, "half of all y belong to a point"
    for octets in (b"", bytes(31), bytes(33), LOG.verifier.public_key + b"\0"):
        assert not is_public_key(octets)


def test_every_bit_of_a_verifier_key_counts() -> None:
    good = str(LOG.verifier).encode()
    for bit in range(len(good) * 8):
        with pytest.raises((TlogError, UnicodeDecodeError)):
            Verifier.from_string(flip(good, bit).decode())
