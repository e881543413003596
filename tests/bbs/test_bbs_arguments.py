"""Arguments outside an operation's domain, keys that keep to themselves, and the registry of groups."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import Any, cast

import pytest

import bbs
from bbs import SHA_256, SHAKE_256, Ciphersuite, InputError, SecretKey, groups
from bbs.ciphersuite import resolve
from bbs.generators import create_generators, hash_to_generators
from bbs.groups.bls12_381 import r
from bbs.hashing import expand_message_xmd, expand_message_xof, hash_to_scalar
from bbs.proof import core_proof_verify
from bbs.scalars import calculate_random_scalars
from bbs.signature import core_sign, core_verify, finalize_sign

KEY_MATERIAL = bytes(range(32))
MESSAGES = [b"a", b"", b"c"]


class Signed:
    """One signature and a proof of it, to be misused."""

    def __init__(self, suite: Ciphersuite) -> None:
        self.suite = suite
        self.sk = bbs.keygen(KEY_MATERIAL, suite=suite)
        self.pk = bbs.sk_to_pk(self.sk, suite=suite)
        self.signature = bbs.sign(self.sk, self.pk, b"h", MESSAGES, suite=suite)
        self.proof = self.prove([1])

    def prove(self, indexes: Any, messages: Any = MESSAGES, **options: Any) -> bytes:
        return bbs.proof_gen(
            self.pk, self.signature, b"h", b"ph", messages, indexes, suite=self.suite, **options
        )

    def check(self, messages: Any, indexes: Any, proof: Any = None) -> None:
        bbs.proof_verify(self.pk, proof or self.proof, b"h", b"ph", messages, indexes, suite=self.suite)


@pytest.fixture(scope="module", params=[SHA_256, SHAKE_256], ids=["SHA", "SHAKE"])
def signed(request: pytest.FixtureRequest) -> Signed:
    return Signed(request.param)


def refused(reason: str, act: Callable[..., object], *args: Any, **options: Any) -> None:
    with pytest.raises(InputError) as caught:
        act(*args, **options)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "indexes",
    [
        [1, 0],
        [1, 1],
        [0, 2, 1],
        [-1],
        [-1, 0],
        [3],
        [0, 3],
        [2**64],
        [1.0],
        ["1"],
        [None],
        [True],
        [0, 1, 2, 3],
    ],
    ids=str,
)
def test_indexes_refused(signed: Signed, indexes: list[Any]) -> None:
    refused("INVALID_INDEXES", signed.prove, indexes)


@pytest.mark.parametrize(
    "indexes",
    [[1, 0], [1, 1], [0, 2, 1], [-1], [-1, 0], [3], [0, 4], [2**64], [1.0], ["1"], [None], [True]],
    ids=str,
)
def test_indexes_refused_by_the_verifier(signed: Signed, indexes: list[Any]) -> None:
    """The proof hides two messages, so that the length of the list says how many there are."""
    refused("INVALID_INDEXES", signed.check, [b""] * len(indexes), indexes)


@pytest.mark.parametrize(("messages", "indexes"), [([], [1]), ([b"", b""], [1]), ([b""], [])])
def test_messages_and_indexes_are_equally_many(
    signed: Signed, messages: list[bytes], indexes: list[int]
) -> None:
    refused("COUNT_MISMATCH", signed.check, messages, indexes)


def test_octets_are_bytes(signed: Signed) -> None:
    suite, pk, sk, signature = signed.suite, signed.pk, signed.sk, signed.signature
    proof = signed.proof
    bad: Any
    for bad in ("text", bytearray(b"x"), None, 7):
        refused("INVALID_TYPE", bbs.sign, sk, pk, bad, MESSAGES, suite=suite)
        refused("INVALID_TYPE", bbs.sign, sk, pk, b"", [bad], suite=suite)
        refused("INVALID_TYPE", bbs.sign, sk, bad, b"", MESSAGES, suite=suite)
        refused("INVALID_TYPE", bbs.sign, bad, pk, b"", MESSAGES, suite=suite)
        refused("INVALID_TYPE", bbs.verify, bad, signature, b"h", MESSAGES, suite=suite)
        refused("INVALID_TYPE", bbs.verify, pk, bad, b"h", MESSAGES, suite=suite)
        refused("INVALID_TYPE", bbs.verify, pk, signature, bad, MESSAGES, suite=suite)
        refused("INVALID_TYPE", bbs.proof_gen, pk, signature, b"h", bad, MESSAGES, [], suite=suite)
        refused("INVALID_TYPE", bbs.proof_gen, bad, signature, b"h", b"", MESSAGES, [], suite=suite)
        refused("INVALID_TYPE", bbs.proof_verify, pk, proof, b"h", bad, [b""], [1], suite=suite)
        refused("INVALID_TYPE", bbs.proof_verify, pk, bad, b"h", b"", [b""], [1], suite=suite)
        refused("INVALID_TYPE", bbs.sk_to_pk, bad, suite=suite)
        refused("INVALID_TYPE", bbs.keygen, bad, suite=suite)
    refused("INVALID_TYPE", bbs.sign, sk, pk, b"", cast(Any, b"one string, not many"), suite=suite)


def test_too_many_messages(signed: Signed) -> None:
    few = replace(signed.suite, max_messages=3)
    bbs.proof_verify(signed.pk, signed.proof, b"h", b"ph", [b""], [1], suite=few)
    refused("TOO_MANY_MESSAGES", bbs.sign, signed.sk, signed.pk, b"", [b""] * 4, suite=few)
    refused("TOO_MANY_MESSAGES", bbs.verify, signed.pk, signed.signature, b"", [b""] * 4, suite=few)
    longer = signed.proof + bytes(31) + b"\x01"
    refused("TOO_MANY_MESSAGES", bbs.proof_verify, signed.pk, longer, b"h", b"ph", [b""], [1], suite=few)
    refused("TOO_MANY_MESSAGES", create_generators, 5, few.api_id, suite=few)
    refused("COUNT_MISMATCH", create_generators, 0, few.api_id, suite=few)
    refused("COUNT_MISMATCH", hash_to_generators, -1, few.api_id, suite=few)


def test_key_generation_limits() -> None:
    for suite in (SHA_256, SHAKE_256):
        refused("INVALID_KEY_MATERIAL", bbs.keygen, bytes(31), suite=suite)
        refused("INVALID_KEY_INFO", bbs.keygen, KEY_MATERIAL, bytes(65536), suite=suite)
        refused("INVALID_DST", bbs.keygen, KEY_MATERIAL, b"", bytes(256), suite=suite)
        refused("INVALID_DST", bbs.keygen, KEY_MATERIAL, b"", b"", suite=suite)
        refused("INVALID_DST", hash_to_scalar, b"", bytes(256), suite=suite)
        keys = {
            bbs.keygen(KEY_MATERIAL, bytes(65535), suite=suite),
            bbs.keygen(KEY_MATERIAL, b"", bytes(255), suite=suite),
            bbs.keygen(KEY_MATERIAL + b"\x00", suite=suite),
            bbs.keygen(KEY_MATERIAL, suite=suite),
        }
        assert len(keys) == 4


def test_expand_message_limits() -> None:
    assert len(expand_message_xmd(b"", b"dst", 255 * 32)) == 255 * 32
    assert len(expand_message_xof(b"", b"dst", 65535)) == 65535
    refused("INPUT_TOO_LONG", expand_message_xmd, b"", b"dst", 255 * 32 + 1)
    refused("INPUT_TOO_LONG", expand_message_xof, b"", b"dst", 65536)


@pytest.mark.parametrize(
    "scalars",
    [[], [1] * 6, [1] * 8, [1] * 6 + [0], [1] * 6 + [r], [1] * 6 + [-1]],
    ids=["none", "6", "8", "0", "r", "-1"],
)
def test_randomness_refused(signed: Signed, scalars: list[int]) -> None:
    refused("INVALID_RANDOMNESS", signed.prove, [1], rng=lambda _: scalars)


def test_system_randomness() -> None:
    scalars = calculate_random_scalars(100)
    assert len(set(scalars)) == 100
    assert all(0 < scalar < r for scalar in scalars)


def test_ciphersuites_by_name(signed: Signed) -> None:
    suite = signed.suite
    for name in (str(suite), str(suite) + "H2G_HM2S_"):
        assert resolve(name) is suite
        bbs.verify(signed.pk, signed.signature, b"h", MESSAGES, suite=name)
    bad: Any
    for bad in ("", "BBS", str(suite).lower(), None, 1, suite.ciphersuite_id):
        refused("UNKNOWN_CIPHERSUITE", bbs.sk_to_pk, signed.sk, suite=bad)
    refused("UNKNOWN_CIPHERSUITE", replace, suite, ciphersuite_id=b"")
    refused("TOO_MANY_MESSAGES", replace, suite, max_messages=-1)
    with pytest.raises(FrozenInstanceError):
        suite.max_messages = 1  # type: ignore[misc]


def test_groups_by_name() -> None:
    assert groups.default().name == groups.available()[0]
    assert {"arkworks", "py_ecc"} <= set(groups.available())
    for name in groups.available():
        assert SHA_256.with_group(groups.by_name(name)).group.name == name
    for name in ("", "protocol", "nothing"):
        refused("UNKNOWN_GROUP", groups.by_name, name)


def test_core_operations_check_counts_and_ranges(signed: Signed) -> None:
    suite, api_id = signed.suite, signed.suite.api_id
    generators = create_generators(3, api_id, suite=suite)
    key = SecretKey.from_octets(signed.sk, suite=suite)
    refused("COUNT_MISMATCH", core_sign, key, signed.pk, generators, b"", [1], api_id)
    refused("COUNT_MISMATCH", core_verify, signed.pk, signed.signature, generators, b"", [1], api_id)
    for wrong in (-1, r):
        refused("SCALAR_OUT_OF_RANGE", core_sign, key, signed.pk, generators, b"", [1, wrong], api_id)
        refused(
            "SCALAR_OUT_OF_RANGE",
            core_verify,
            signed.pk,
            signed.signature,
            generators,
            b"",
            [1, wrong],
            api_id,
        )
    refused(
        "COUNT_MISMATCH", core_proof_verify, signed.pk, signed.proof, generators, b"", b"", [1], [1], api_id
    )


def test_msm_and_secret_keys_of_each_group() -> None:
    for name in groups.available():
        group = groups.by_name(name)
        refused("COUNT_MISMATCH", group.msm, [group.BP1], [1, 2])
        refused("COUNT_MISMATCH", group.msm, [], [], group.prepare([group.BP1]), [1, 2])
        key = group.secret_key((5).to_bytes(32))
        refused("DEGENERATE", key.divide, group.BP1, r - 5)
        half = key.divide(group.BP1, 2)
        assert group.g1_to_octets(group.msm([half], [7])) == group.g1_to_octets(group.BP1)
        assert "5" not in repr(key)
        secret = SecretKey.from_octets((5).to_bytes(32), suite=SHA_256.with_group(group))
        identity = group.msm([], [])
        refused("DEGENERATE", finalize_sign, secret, identity, 1)


def test_secret_keys_keep_to_themselves(signed: Signed) -> None:
    suite = signed.suite
    key = SecretKey.from_octets(signed.sk, suite=suite)
    assert key.to_octets_secret() == signed.sk
    assert key.public_key() == signed.pk
    shown = f"{key} {key!r} {vars(key)}"
    assert signed.sk.hex() not in shown
    assert str(int.from_bytes(signed.sk)) not in shown
    for act in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            act(key)
    with pytest.raises(TypeError):
        hash(key)
    assert key == SecretKey.from_octets(signed.sk, suite=suite.with_group(groups.by_name("py_ecc")))
    assert key != SecretKey.generate(suite=suite)
    assert key != signed.sk


def test_a_generated_key_signs(signed: Signed) -> None:
    suite = signed.suite
    key = SecretKey.generate(suite=suite)
    signature = bbs.sign(key, key.public_key(), b"h", MESSAGES, suite=suite)
    bbs.verify(key.public_key(), signature, b"h", MESSAGES, suite=suite)
    assert SecretKey.generate(suite=suite, rng=bytes) == SecretKey.generate(suite=suite, rng=bytes)
    refused("INVALID_KEY_MATERIAL", SecretKey.generate, suite=suite, rng=lambda _: b"few")


def test_keys_and_their_suites_match(signed: Signed) -> None:
    suite = signed.suite
    other_suite = SHAKE_256 if suite is SHA_256 else SHA_256
    key = SecretKey.generate(suite=suite)
    other = SecretKey.generate(suite=other_suite)
    elsewhere = SecretKey.from_octets(signed.sk, suite=suite.with_group(groups.by_name("py_ecc")))
    for sk, pk in ((key, signed.pk), (other, other.public_key()), (elsewhere, signed.pk)):
        refused("KEY_MISMATCH", bbs.sign, sk, pk, b"", MESSAGES, suite=suite)


def test_errors_show_no_secret(signed: Signed) -> None:
    with pytest.raises(bbs.DecodingError) as caught:
        bbs.sk_to_pk(b"\xff" * 32, suite=signed.suite)
    assert "ff" not in str(caught.value)


def test_no_group_changes_the_recursion_limit() -> None:
    """py_ecc would; a process whose limit is beyond its stack dies where it ought to raise."""
    script = "import sys; before = sys.getrecursionlimit(); import bbs; bbs.groups.available(); "
    script += "sys.exit(sys.getrecursionlimit() != before)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
