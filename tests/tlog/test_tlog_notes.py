"""Notes, checkpoints and cosignatures."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tlog.making import LOG, ORIGIN, WITNESS_KEYS, WITNESSES, digest, flip, refused
from tlog import (
    EMPTY_ROOT,
    Checkpoint,
    CosignatureSigner,
    KeyType,
    Signer,
    TlogError,
    Verifier,
    cosign,
    open_checkpoint,
    open_cosigned,
    open_note,
    sign_checkpoint,
)
from tlog.keys import signature_line
from tlog.note import MAX_SIGNATURES, SignatureLine, parse_unverified, sign

TEXT = "first\n\nsecond \u4e2d\n"
OTHER = Signer.from_secret("other.example.org", bytes(32))
CHECKPOINT = Checkpoint(ORIGIN, 12, digest(0))
SIGNED = sign_checkpoint(CHECKPOINT, LOG)
lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30)
quick = settings(max_examples=40, deadline=None)


@quick
@given(st.lists(lines | st.just(""), max_size=5).map(lambda each: "".join(f"{line}\n" for line in each)))
def test_notes_round(text: str) -> None:
    if not text:
        refused("INVALID_TEXT", sign, text, LOG)
        return
    note = sign(text, LOG, OTHER)
    opened = open_note(note, [OTHER.verifier, LOG.verifier, LOG.verifier])
    assert opened.text == text
    assert opened.verified == (OTHER.verifier, LOG.verifier)
    assert [line.name for line in opened.lines] == [ORIGIN, "other.example.org"]
    assert b"".join(line.to_bytes() for line in opened.lines) == note.removeprefix(text.encode() + b"\n")


def test_what_is_signed_has_to_be_a_text() -> None:
    for text in ("", "no end", "\ud800\n", "tab\t\n", "a\r\n", "nul\0\n"):
        refused("INVALID_TEXT", sign, text, LOG)
        refused("INVALID_TEXT", LOG.sign_line, text)
        refused("INVALID_TEXT", WITNESSES[0].sign_line, text, 1)
    refused("INVALID_TYPE", sign, b"bytes\n", LOG)
    refused("OUT_OF_RANGE", sign, TEXT)
    refused("OUT_OF_RANGE", sign, TEXT, *[LOG] * (MAX_SIGNATURES + 1))
    refused("INVALID_LENGTH", sign, "a" * 1_000_000 + "\n", LOG)
    assert open_note(sign("\x7f\n", LOG), [LOG.verifier]).text == "\x7f\n"


def test_unknown_keys_are_passed_over() -> None:
    note = sign(TEXT, LOG)
    unknown = signature_line("unknown.example.org", bytes(4), bytes(64))
    same_name = signature_line(ORIGIN, bytes(4), bytes(64))
    same_id = signature_line("else.example.org", LOG.verifier.key_id, bytes(3))
    opened = open_note(note + unknown + same_name + same_id, [LOG.verifier])
    assert opened.verified == (LOG.verifier,)
    assert len(opened.lines) == 4
    assert opened.signatures_of(OTHER.verifier) == ()
    refused("NOTE_UNSIGNED", open_note, note, [OTHER.verifier])
    refused("NOTE_UNSIGNED", open_note, note, [])
    refused("NOTE_UNSIGNED", open_note, note, [Verifier(ORIGIN, KeyType.COSIGNATURE, digest(0))])


def test_a_known_key_that_fails_refuses_the_note() -> None:
    good = sign(TEXT, LOG, OTHER)
    for signature in (bytes(64), bytes(63), bytes(65), bytes(1)):
        bad = signature_line(ORIGIN, LOG.verifier.key_id, signature)
        refused("NOTE_SIGNATURE_INVALID", open_note, good + bad, [LOG.verifier])
        refused("NOTE_SIGNATURE_INVALID", open_note, good + bad, [OTHER.verifier, LOG.verifier])
        assert open_note(good + bad, [OTHER.verifier]).verified == (OTHER.verifier,)


def test_signatures_have_one_length() -> None:
    """Else a valid signature could carry octets that nobody signed."""
    for note, key in [(sign(TEXT, LOG), LOG.verifier), (cosigned((0, 7)), WITNESS_KEYS[0])]:
        parsed = parse_unverified(note)
        signature = parsed.lines[-1].signature
        key.verify(parsed.text, signature)
        for longer in (b"\0" + signature, signature + b"\0", signature[:8] + b"\0" + signature[8:]):
            refused("NOTE_SIGNATURE_INVALID", key.verify, parsed.text, longer)
        refused("NOTE_SIGNATURE_INVALID", key.verify, parsed.text, signature[1:])


def test_times_end_at_two_to_the_63() -> None:
    key = Ed25519PrivateKey.from_private_bytes(WITNESSES[0].to_secret())
    for time in (2**63 - 1, 2**63, 2**64 - 1):
        message = f"cosignature/v1\ntime {time}\n{CHECKPOINT.text()}".encode()
        signature = time.to_bytes(8) + key.sign(message)
        line = signature_line(WITNESSES[0].name, WITNESS_KEYS[0].key_id, signature)
        if time < 2**63:
            assert open_cosigned(SIGNED + line, LOG.verifier, WITNESS_KEYS, 1)[1][0].time == time
        else:
            refused("NOTE_SIGNATURE_INVALID", open_cosigned, SIGNED + line, LOG.verifier, WITNESS_KEYS, 1)


def test_duplicates_count_once() -> None:
    note = sign(TEXT, LOG, LOG)
    opened = open_note(note, [LOG.verifier])
    assert opened.verified == (LOG.verifier,)
    assert len(opened.signatures_of(LOG.verifier)) == len(opened.lines) == 2


def test_two_keys_of_one_name_and_id(monkeypatch: pytest.MonkeyPatch) -> None:
    impostor = Verifier(ORIGIN, KeyType.ED25519, digest(0))
    monkeypatch.setitem(impostor.__dict__, "key_id", LOG.verifier.key_id)
    refused("KEY_AMBIGUOUS", open_note, sign(TEXT, LOG), [LOG.verifier, impostor])
    refused("NOTE_SIGNATURE_INVALID", open_note, sign(TEXT, LOG), [impostor])


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        b"text\n\n\n",
        sign(TEXT, LOG)[:-1],
        sign(TEXT, LOG) + b"\n",
        sign(TEXT, LOG) + b"x\n",
        sign(TEXT, LOG).replace("\u2014".encode(), b"--"),
        sign(TEXT, LOG).replace(b"\n", b"\r\n"),
        sign(TEXT, LOG).replace(b"first", b"fir\x00st"),
        sign(TEXT, LOG).replace(b"first", b"fir\xffst"),
        sign(TEXT, LOG)[:-1] + b" \n",
        sign(TEXT, LOG) * (MAX_SIGNATURES + 1) + b"a" * 10,
        b"a\n\n" + LOG.sign_line("a\n") * (MAX_SIGNATURES + 1),
        b"a" * 1_000_000 + sign("a\n", LOG),
        "a\n\n\u2014 name AAAAAA==\n".encode(),
        "a\n\n\u2014 name AAAAAAB=\n".encode(),
        "a\n\n\u2014 name AAAAAAA\n".encode(),
        "a\n\n\u2014 na+me AAAAAAA=\n".encode(),
        "a\n\n\u2014  AAAAAAA=\n".encode(),
        "a\n\n\u2014 na\u00a0me AAAAAAA=\n".encode(),
        "a\n\n\u2014 name AAAA AAA=\n".encode(),
        "a\n\n\u2014\u00a0name AAAAAAA=\n".encode(),
    ],
)
def test_malformed_notes(note: bytes) -> None:
    refused("NOTE_MALFORMED", open_note, note, [LOG.verifier])
    refused("NOTE_MALFORMED", parse_unverified, note)


def test_the_smallest_notes() -> None:
    refused("INVALID_TYPE", SignatureLine, "a", "abcd", b"s")
    refused("INVALID_LENGTH", SignatureLine, "a", b"abcd", b"")
    parsed = parse_unverified("a\n\n\u2014 name AAAAAAA=\n".encode())
    assert parsed.lines == (SignatureLine("name", bytes(4), b"\0"),)


def test_every_changed_bit_of_a_checkpoint_is_refused() -> None:
    assert open_checkpoint(SIGNED, LOG.verifier) == CHECKPOINT
    for bit in range(len(SIGNED) * 8):
        with pytest.raises(TlogError):
            open_checkpoint(flip(SIGNED, bit), LOG.verifier)


@quick
@given(lines, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32), st.lists(lines, max_size=3))
def test_checkpoints_round(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


ROOT64 = base64.b64encode(digest(0)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        "a\n1\n",
        f"a\n1\n{ROOT64}",
        f"\n1\n{ROOT64}\n",
        f"a\n01\n{ROOT64}\n",
        f"a\n+1\n{ROOT64}\n",
        f"a\n-1\n{ROOT64}\n",
        f"a\n 1\n{ROOT64}\n",
        f"a\n\u0661\n{ROOT64}\n",
        f"a\n\n{ROOT64}\n",
        f"a\n{2**63}\n{ROOT64}\n",
        f"a\n1\n{ROOT64[:-1]}\n",
        f"a\n1\n{ROOT64} \n",
        f"a\n1\n{base64.b64encode(bytes(31)).decode()}\n",
        f"a\n1\n{ROOT64}\n\n",
        f"a\n1\n{ROOT64}\n\nextension\n",
    ],
)
def test_malformed_checkpoints(text: str) -> None:
    refused("CHECKPOINT_MALFORMED", Checkpoint.parse, text)
    if text.endswith("\n"):
        refused("CHECKPOINT_MALFORMED", open_checkpoint, sign(text, LOG), LOG.verifier)


def test_checkpoint_arguments() -> None:
    for bad in ((7, 1, digest(0)), ("a", 1, "root")):
        refused("INVALID_TYPE", Checkpoint, *bad)
    for size in (-1, 2**63, True, 1.0):
        refused("OUT_OF_RANGE", Checkpoint, "a", size, digest(0))
    refused("INVALID_LENGTH", Checkpoint, "a", 1, bytes(33))
    for line in ("", "a\nb", "a\rb"):
        refused("INVALID_TEXT", Checkpoint, line, 1, digest(0))
        refused("INVALID_TEXT", Checkpoint, "a", 1, digest(0), (line,))
    refused("KEY_MISMATCH", sign_checkpoint, CHECKPOINT, OTHER)
    refused("KEY_MISMATCH", open_checkpoint, SIGNED, WITNESS_KEYS[0])


def test_the_origin_is_the_name_of_the_key() -> None:
    refused("ORIGIN_UNKNOWN", open_checkpoint, sign(CHECKPOINT.text(), OTHER), OTHER.verifier)
    refused("ORIGIN_UNKNOWN", open_cosigned, sign(CHECKPOINT.text(), OTHER), OTHER.verifier, [], 0)


def cosigned(*times: tuple[int, int]) -> bytes:
    return SIGNED + b"".join(cosign(SIGNED, WITNESSES[who], time) for who, time in times)


def test_a_quorum_of_witnesses() -> None:
    note = cosigned((2, 100), (0, 200), (2, 50))
    for quorum in (0, 1, 2):
        checkpoint, cosignatures = open_cosigned(note, LOG.verifier, WITNESS_KEYS, quorum)
        assert checkpoint == CHECKPOINT
        assert [(each.witness, each.time) for each in cosignatures] == [
            (WITNESS_KEYS[0], 200),
            (WITNESS_KEYS[2], 100),
        ]
    refused("QUORUM_MISSING", open_cosigned, note, LOG.verifier, WITNESS_KEYS, 3)
    refused("QUORUM_MISSING", open_cosigned, note, LOG.verifier, [WITNESS_KEYS[1]], 1)
    assert open_cosigned(note, LOG.verifier, [], 0)[1] == ()
    for quorum in (-1, 5, True):
        refused("OUT_OF_RANGE", open_cosigned, note, LOG.verifier, WITNESS_KEYS, quorum)


def test_witnesses_do_not_replace_the_log() -> None:
    lines = cosigned((0, 1), (1, 1)).removeprefix(SIGNED)
    unsigned = CHECKPOINT.text().encode() + b"\n" + lines
    refused("NOTE_UNSIGNED", open_cosigned, unsigned, LOG.verifier, WITNESS_KEYS, 2)


def test_one_key_is_one_witness() -> None:
    twin = CosignatureSigner.from_secret("twin.example.org", WITNESSES[0].to_secret())
    note = cosigned((0, 1)) + cosign(SIGNED, twin, 1)
    refused("KEY_AMBIGUOUS", open_cosigned, note, LOG.verifier, [WITNESS_KEYS[0], twin.verifier], 2)
    refused("KEY_AMBIGUOUS", open_cosigned, note, LOG.verifier, [WITNESS_KEYS[0]] * 2, 2)
    itself = CosignatureSigner.from_secret(ORIGIN, LOG.to_secret())
    refused("KEY_AMBIGUOUS", open_cosigned, SIGNED, LOG.verifier, [itself.verifier], 1)
    refused("KEY_MISMATCH", open_cosigned, SIGNED, LOG.verifier, [OTHER.verifier], 1)
    refused("KEY_MISMATCH", open_cosigned, SIGNED, WITNESS_KEYS[0], [], 0)


def test_a_cosignature_covers_text_and_time() -> None:
    line = cosign(SIGNED, WITNESSES[0], 77)
    (parsed,) = parse_unverified(SIGNED + line).lines[1:]
    assert parsed.signature[:8] == (77).to_bytes(8)
    for bit in range(len(parsed.signature) * 8):
        changed = SignatureLine(parsed.name, parsed.key_id, flip(parsed.signature, bit)).to_bytes()
        refused("NOTE_SIGNATURE_INVALID", open_cosigned, SIGNED + changed, LOG.verifier, WITNESS_KEYS, 0)
    other = sign_checkpoint(Checkpoint(ORIGIN, 13, digest(0)), LOG)
    refused("NOTE_SIGNATURE_INVALID", open_cosigned, other + line, LOG.verifier, WITNESS_KEYS, 1)
    extended = sign_checkpoint(Checkpoint(ORIGIN, 12, digest(0), ("extension",)), LOG)
    refused("NOTE_SIGNATURE_INVALID", open_cosigned, extended + line, LOG.verifier, WITNESS_KEYS, 1)
    note = extended + cosign(extended, WITNESSES[0], 2**63 - 1)
    assert open_cosigned(note, LOG.verifier, WITNESS_KEYS, 1)[0].extensions == ("extension",)


def test_cosign_arguments() -> None:
    for time in (-1, 2**63, 1.0, True):
        refused("OUT_OF_RANGE", cosign, SIGNED, WITNESSES[0], time)
    refused("CHECKPOINT_MALFORMED", cosign, sign("no checkpoint\n", LOG), WITNESSES[0], 1)
    refused("NOTE_MALFORMED", cosign, b"no note", WITNESSES[0], 1)
    assert open_checkpoint(sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), LOG), LOG.verifier).size == 0


NEXT = Signer.from_secret(ORIGIN, bytes(range(32)))


def test_a_log_that_changes_its_key_signs_with_both() -> None:
    both = sign_checkpoint(CHECKPOINT, LOG, NEXT)
    keys = (LOG.verifier, NEXT.verifier)
    for known in (LOG.verifier, NEXT.verifier, keys, [NEXT.verifier]):
        assert open_checkpoint(both, known) == CHECKPOINT
    old, new = sign_checkpoint(CHECKPOINT, LOG), sign_checkpoint(CHECKPOINT, NEXT)
    assert open_checkpoint(old, keys) == open_checkpoint(new, keys) == CHECKPOINT
    refused("NOTE_UNSIGNED", open_checkpoint, new, LOG.verifier)
    refused("NOTE_UNSIGNED", open_checkpoint, old, NEXT.verifier)
    cosigned = both + cosign(both, WITNESSES[0], 1)
    assert open_cosigned(cosigned, keys, WITNESS_KEYS, 1)[0] == CHECKPOINT


def test_a_bad_signature_of_either_key_refuses_the_checkpoint() -> None:
    keys = (LOG.verifier, NEXT.verifier)
    for good, bad in ((LOG, NEXT), (NEXT, LOG)):
        line = bad.sign_line("another text\n")
        refused("NOTE_SIGNATURE_INVALID", open_checkpoint, sign_checkpoint(CHECKPOINT, good) + line, keys)


def test_several_keys_are_of_one_log_and_of_a_log() -> None:
    note = sign_checkpoint(CHECKPOINT, LOG)
    refused("KEY_MISMATCH", open_checkpoint, note, ())
    refused("KEY_MISMATCH", open_checkpoint, note, (LOG.verifier, OTHER.verifier))
    refused("KEY_MISMATCH", open_checkpoint, note, (LOG.verifier, WITNESS_KEYS[0]))
    refused("KEY_MISMATCH", sign_checkpoint, CHECKPOINT, LOG, OTHER)
    refused("OUT_OF_RANGE", sign_checkpoint, CHECKPOINT)
