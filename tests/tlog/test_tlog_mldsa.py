"""Cosignatures with ML-DSA-44: what is signed, by whom, and keys that anybody could sign for."""

import base64
import copy
import hashlib
import pickle

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tlog.making import LOG, ORIGIN, WITNESSES, digest, flip, refused
from tlog import (
    Checkpoint,
    CosignatureSigner,
    KeyType,
    MldsaCosignatureSigner,
    Signer,
    Verifier,
    cosign,
    mldsa,
    open_cosigned,
    open_note,
    sign_checkpoint,
)
from tlog.keys import signature_line

NAME = "witness.example.org/q"
CHECKPOINT = Checkpoint(ORIGIN, 12, digest(0))
SIGNED = sign_checkpoint(CHECKPOINT, LOG)
TIME = 1_700_000_000
NO_MLDSA = "the cryptographic library that is installed has no ML-DSA"

needs_mldsa = pytest.mark.skipif(not mldsa.is_supported(), reason=NO_MLDSA)


def seed(n: int) -> bytes:
    return hashlib.sha256(b"quantum witness %d" % n).digest()


def witness(n: int = 0, name: str = NAME) -> MldsaCosignatureSigner:
    return MldsaCosignatureSigner.from_secret(name, seed(n))


def by_hand(
    *,
    label: bytes = b"subtree/v1\n\0",
    name: bytes = NAME.encode(),
    time: int = TIME,
    origin: bytes = ORIGIN.encode(),
    start: int = 0,
    end: int = 12,
    root: bytes = CHECKPOINT.root,
) -> bytes:
    """The message as the specification writes it down, independent of the code under test."""
    numbers = {
        name: each.to_bytes(8, "big") for name, each in (("time", time), ("start", start), ("end", end))
    }
    head = label + bytes([len(name)]) + name + numbers["time"] + bytes([len(origin)]) + origin
    return head + numbers["start"] + numbers["end"] + root


def line_of(message: bytes, time: int = TIME, n: int = 0) -> bytes:
    """A cosignature line over a message that was made by hand, by the library alone."""
    key = MLDSA44PrivateKey.from_seed_bytes(seed(n))
    typed = b"\x06" + key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(NAME.encode() + b"\n" + typed).digest()[:4]
    octets = key_id + time.to_bytes(8, "big") + key.sign(message)
    return f"\u2014 {NAME} {base64.b64encode(octets).decode()}\n".encode()


@needs_mldsa
def test_what_is_signed_is_what_the_specification_says() -> None:
    verifier = witness().verifier
    note = SIGNED + line_of(by_hand())
    checkpoint, (found,) = open_cosigned(note, LOG.verifier, [verifier], 1)
    assert (checkpoint, found.witness, found.time) == (CHECKPOINT, verifier, TIME)
    line = cosign(SIGNED, witness(), TIME)
    name, encoded = line.decode().removeprefix("\u2014 ").removesuffix("\n").split(" ")
    octets = base64.b64decode(encoded)
    assert (name, len(octets)) == (NAME, 4 + 8 + 2420)
    key = MLDSA44PublicKey.from_public_bytes(verifier.public_key)
    assert octets[4:12] == TIME.to_bytes(8, "big")
    key.verify(octets[12:], by_hand())


@needs_mldsa
@pytest.mark.parametrize(
    "changed",
    [
        by_hand(label=b"subtree/v2\n\0"),
        by_hand(label=b"subtree/v1\n"),
        by_hand(name=b"witness.example.org/r"),
        by_hand(time=TIME + 1),
        by_hand(origin=b"log.example.org/town"),
        by_hand(start=1),
        by_hand(end=13),
        by_hand(root=digest(1)),
        by_hand() + b"\0",
        f"cosignature/v1\ntime {TIME}\n{CHECKPOINT.text()}".encode(),
        CHECKPOINT.text().encode(),
    ],
    ids=["label", "no zero", "name", "time", "origin", "start", "end", "root", "longer", "as 04", "as 01"],
)
def test_a_signature_over_anything_else_refuses_the_note(changed: bytes) -> None:
    note = SIGNED + line_of(changed)
    refused("NOTE_SIGNATURE_INVALID", open_cosigned, note, LOG.verifier, [witness().verifier], 0)
    refused("NOTE_SIGNATURE_INVALID", open_note, note, [witness().verifier])
    assert open_cosigned(note, LOG.verifier, [], 0)[0] == CHECKPOINT, "to others it is an unknown key's"


@needs_mldsa
def test_a_changed_line_refuses_the_note() -> None:
    verifier = witness().verifier
    octets = TIME.to_bytes(8, "big") + MLDSA44PrivateKey.from_seed_bytes(seed(0)).sign(by_hand())
    assert open_note(SIGNED + signature_line(NAME, verifier.key_id, octets), [verifier]).verified == (
        verifier,
    )
    for bit in (0, 63, 64, 8 * 1000, len(octets) * 8 - 1):
        changed = signature_line(NAME, verifier.key_id, flip(octets, bit))
        refused("NOTE_SIGNATURE_INVALID", open_note, SIGNED + changed, [verifier])
    for other in (octets[:-1], octets + b"\0", octets[8:], octets[:72], b"\0"):
        changed = signature_line(NAME, verifier.key_id, other)
        refused("NOTE_SIGNATURE_INVALID", open_note, SIGNED + changed, [verifier])
    for time in (2**63, 2**64 - 1):
        late = signature_line(NAME, verifier.key_id, time.to_bytes(8, "big") + octets[8:])
        refused("NOTE_SIGNATURE_INVALID", open_note, SIGNED + late, [verifier])


@needs_mldsa
def test_extension_lines_are_not_what_an_mldsa_witness_vouches_for() -> None:
    extended = Checkpoint(ORIGIN, 12, CHECKPOINT.root, ("extension",))
    line, old_line = cosign(SIGNED, witness(), TIME), cosign(SIGNED, WITNESSES[0], TIME)
    note = sign_checkpoint(extended, LOG)
    assert open_cosigned(note + line, LOG.verifier, [witness().verifier], 1)[0] == extended
    refused(
        "NOTE_SIGNATURE_INVALID", open_cosigned, note + old_line, LOG.verifier, [WITNESSES[0].verifier], 1
    )


@needs_mldsa
def test_a_text_that_is_no_checkpoint_has_no_cosignature() -> None:
    refused("CHECKPOINT_MALFORMED", witness().sign_line, "hello\n", TIME)
    refused("INVALID_TEXT", witness().sign_line, CHECKPOINT.text()[:-1], TIME)
    for time in (-1, 2**63):
        refused("OUT_OF_RANGE", witness().sign_line, CHECKPOINT.text(), time)
    line = line_of(by_hand())
    refused("NOTE_SIGNATURE_INVALID", open_note, b"hello\n\n" + line, [witness().verifier])


@needs_mldsa
def test_names_and_origins_are_as_long_as_the_message_holds() -> None:
    longest = "w" * 255
    signer = witness(name=longest)
    assert open_note(SIGNED + cosign(SIGNED, signer, TIME), [signer.verifier]).verified
    refused("INVALID_NAME", witness, 0, "w" * 256)
    refused("INVALID_NAME", Verifier, "ü" * 128, KeyType.MLDSA_COSIGNATURE, signer.verifier.public_key)
    far = Signer.from_secret("o" * 256, bytes(32))
    note = sign_checkpoint(Checkpoint(far.name, 1, digest(0)), far)
    refused("INVALID_LENGTH", cosign, note, signer, TIME)
    line = signature_line(NAME, witness().verifier.key_id, bytes(8 + 2420))
    refused("NOTE_SIGNATURE_INVALID", open_note, note + line, [witness().verifier])


@needs_mldsa
def test_both_kinds_of_witness_stand_in_one_quorum() -> None:
    old, new = WITNESSES[0], witness()
    note = SIGNED + cosign(SIGNED, old, TIME) + cosign(SIGNED, new, TIME + 5)
    keys = [old.verifier, new.verifier]
    _, found = open_cosigned(note, LOG.verifier, keys, 2)
    assert [(each.witness, each.time) for each in found] == [(keys[0], TIME), (keys[1], TIME + 5)]
    refused("QUORUM_MISSING", open_cosigned, SIGNED + cosign(SIGNED, new, TIME), LOG.verifier, keys, 2)


@needs_mldsa
def test_a_witness_with_two_keys_is_one_witness() -> None:
    old, new = CosignatureSigner.from_secret(NAME, bytes(32)), witness()
    keys = [old.verifier, new.verifier, WITNESSES[0].verifier]
    both = SIGNED + cosign(SIGNED, old, TIME) + cosign(SIGNED, new, TIME)
    assert len(open_cosigned(both, LOG.verifier, keys, 1)[1]) == 2, "both lines are told"
    refused("QUORUM_MISSING", open_cosigned, both, LOG.verifier, keys, 2)
    refused("OUT_OF_RANGE", open_cosigned, both, LOG.verifier, keys, 3)
    assert open_cosigned(both + cosign(SIGNED, WITNESSES[0], TIME), LOG.verifier, keys, 2)[0] == CHECKPOINT


@needs_mldsa
def test_one_key_under_two_names_is_refused() -> None:
    twins = [witness().verifier, witness(name="twin.example.org").verifier]
    refused("KEY_AMBIGUOUS", open_cosigned, SIGNED, LOG.verifier, twins, 1)
    refused("KEY_MISMATCH", open_cosigned, SIGNED, witness().verifier, [], 0)


@needs_mldsa
def test_verifier_keys_are_written_and_read() -> None:
    key = witness().verifier
    typed = b"\x06" + MLDSA44PrivateKey.from_seed_bytes(seed(0)).public_key().public_bytes_raw()
    key_id = hashlib.sha256(NAME.encode() + b"\n" + typed).digest()[:4].hex()
    assert str(key) == f"{NAME}+{key_id}+{base64.b64encode(typed).decode()}"
    assert Verifier.from_string(str(key)) == key
    for length in (0, 32, 1311, 1313):
        octets = b"\x06" + bytes(length)
        other = hashlib.sha256(b"a\n" + octets).digest()[:4].hex()
        written = f"a+{other}+{base64.b64encode(octets).decode()}"
        refused("KEY_MALFORMED", Verifier.from_string, written)


@needs_mldsa
def test_the_secret_keeps_to_itself() -> None:
    secret = witness()
    assert secret.to_secret() == seed(0)
    for shown in (repr(secret), str(secret), repr(vars(secret))):
        assert seed(0).hex() not in shown
        assert str(seed(0)) not in shown
    for act in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="not copied"):
            act(secret)
    assert secret == witness()
    assert secret != witness(1)
    assert secret != CosignatureSigner.from_secret(NAME, seed(0))
    refused("INVALID_LENGTH", MldsaCosignatureSigner.from_secret, NAME, bytes(31))
    assert MldsaCosignatureSigner.generate(NAME) != MldsaCosignatureSigner.generate(NAME)


def packed(coefficients: list[int]) -> bytes:
    number = sum(each << 10 * place for place, each in enumerate(coefficients))
    return number.to_bytes(1280, "little")


def forged(public_key: bytes, message: bytes) -> bytes:
    """A signature without a secret: response and hints are zero, and so is what the verifier rounds to."""
    mu = hashlib.shake_256(hashlib.shake_256(public_key).digest(64) + b"\0\0" + message).digest(64)
    challenge = hashlib.shake_256(mu + bytes(768)).digest(32)
    response = sum(1 << 17 + 18 * place for place in range(256))
    return challenge + 4 * response.to_bytes(576, "little") + bytes(84)


SPARSE = [1, 1023, 2, 1021, *[0] * 252] * 4
WEAK = {"zero": [0] * 1024, "minus one": [1023, *[0] * 255] * 4, "sparse": SPARSE}


@needs_mldsa
@pytest.mark.parametrize("t1", WEAK.values(), ids=WEAK)
@pytest.mark.parametrize("matrix", [bytes(32), seed(7)])
def test_keys_that_anybody_can_sign_for_are_refused(matrix: bytes, t1: list[int]) -> None:
    octets, message = matrix + packed(t1), by_hand()
    MLDSA44PublicKey.from_public_bytes(octets).verify(forged(octets, message), message)
    assert not mldsa.is_public_key(octets)
    refused("INVALID_KEY", Verifier, NAME, KeyType.MLDSA_COSIGNATURE, octets)


@needs_mldsa
def test_what_forges_under_a_weak_key_forges_nothing_under_a_good_one() -> None:
    octets, message = witness().verifier.public_key, by_hand()
    with pytest.raises(InvalidSignature):
        MLDSA44PublicKey.from_public_bytes(octets).verify(forged(octets, message), message)


@needs_mldsa
@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_keys_that_somebody_made_are_taken(made: bytes) -> None:
    assert mldsa.is_public_key(MLDSA44PrivateKey.from_seed_bytes(made).public_key().public_bytes_raw())


def test_without_the_library_the_type_is_said_to_be_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mldsa, "is_supported", lambda: False)
    octets = b"\x06" + seed(1) * 41
    key_id = hashlib.sha256(b"a\n" + octets).digest()[:4].hex()
    written = f"a+{key_id}+{base64.b64encode(octets).decode()}"
    assert "ML-DSA-44" in refused("KEY_UNSUPPORTED", Verifier.from_string, written).detail
    refused("KEY_UNSUPPORTED", Verifier, "a", KeyType.MLDSA_COSIGNATURE, octets[1:])
    refused("KEY_UNSUPPORTED", MldsaCosignatureSigner.from_secret, "a", bytes(32))
    refused("KEY_UNSUPPORTED", MldsaCosignatureSigner.generate, "a")
