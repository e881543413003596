"""Cosignatures of ML-DSA-44: the pages verify what the package signs, and count nothing before they can."""

import base64
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.tlog.making import LOG, WITNESSES, sample_log
from tests.web.test_ledger import COMPILER, Case, asked, compiled
from tlog import MldsaCosignatureSigner, Policy, TlogError, Verifier, cosign, mldsa, open_pending
from tlog.encoding import to_base64

pytestmark = [
    pytest.mark.skipif(not COMPILER.exists(), reason="not installed: scripts/web.sh does it"),
    pytest.mark.skipif(not mldsa.is_supported(), reason="the cryptographic library has no ML-DSA"),
]
TIME: Final = 1_700_000_000
NEW: Final = [
    MldsaCosignatureSigner.from_secret(f"new.example.org/{n}", hashlib.sha256(b"new%d" % n).digest())
    for n in range(2)
]
LINES: Final = (("old", WITNESSES[0].verifier), ("new0", NEW[0].verifier), ("new1", NEW[1].verifier))


def policy_text(*lines: tuple[str, object]) -> bytes:
    given = [f"log {LOG.verifier}", *(f"witness {name} {key}" for name, key in lines)]
    names = " ".join(name for name, _ in lines)
    return "\n".join([*given, f"group g 2 {names}", "quorum g", ""]).encode()


POLICY: Final = Policy.parse(policy_text(*LINES))
SIGNED: Final = sample_log(blocks=2, receipts=1, records=1).signed()
NAMES: Final = {line.verifier: line.name for line in POLICY.witnesses}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = compiled(tmp_path_factory.mktemp("mldsa"))
    yield made
    shutil.rmtree(made)


def says(note: bytes) -> dict[str, Any]:
    try:
        _, cosigned = open_pending(note, POLICY)
    except TlogError as error:
        return {"refused": error.reason}
    known = [each.witness for each in cosigned]
    return {
        "cosigned": sorted([NAMES[each.witness], str(each.time)] for each in cosigned),
        "anchored": POLICY.satisfied(known),
    }


def compare(ledger: Path, notes: list[bytes]) -> list[dict[str, Any]]:
    answers = asked(ledger, POLICY, [("note", each) for each in notes], mldsa=True)
    found = [
        {name: each["good"][name] for name in ("cosigned", "anchored")} if "good" in each else each
        for each in answers
    ]
    assert found == [says(each) for each in notes]
    return found


def line(key: Verifier, signature: bytes) -> bytes:
    return f"\u2014 {key.name} {to_base64(key.key_id + signature)}\n".encode()


def octets_of(cosignature: bytes) -> bytes:
    """What stands in a line after the id of its key."""
    return base64.b64decode(cosignature.split()[-1])[4:]


def test_they_count_as_the_package_counts_them(ledger: Path) -> None:
    new = [cosign(SIGNED, each, TIME) for each in NEW]
    old = cosign(SIGNED, WITNESSES[0], TIME + 5)
    at_once = cosign(SIGNED, NEW[0], 0)
    found = compare(
        ledger,
        [SIGNED, SIGNED + new[0], SIGNED + new[0] + new[1], SIGNED + new[0] + old, SIGNED + at_once + new[1]],
    )
    assert [each["anchored"] for each in found] == [False, False, True, True, True]


def test_before_they_can_be_verified_they_count_for_nothing(ledger: Path) -> None:
    note = SIGNED + cosign(SIGNED, NEW[0], TIME) + cosign(SIGNED, WITNESSES[0], TIME)
    (answer,) = asked(ledger, POLICY, [("note", note)])
    assert answer["good"]["cosigned"] == [["old", str(TIME)]]
    assert not answer["good"]["anchored"]


def test_what_is_changed_is_refused(ledger: Path) -> None:
    good = octets_of(cosign(SIGNED, NEW[0], TIME))
    key, other = NEW[0].verifier, NEW[1].verifier
    at = [0, 7, 8, 40, 2000, len(good) - 85, len(good) - 1]
    changed = [good[:each] + bytes([good[each] ^ 1]) + good[each + 1 :] for each in at]
    changed += [good[:-1], good + b"\0", good[8:], good[:8], bytes(len(good)), b"\xff" * len(good)]
    changed.append(b"\x80" + good[1:])  # a time that nobody signs
    lines = [line(key, each) for each in changed]
    lines.append(line(other, good))  # another one's name is in what was signed
    other_log = sample_log(blocks=3, receipts=1, records=1).signed()
    lines.append(cosign(other_log, NEW[0], TIME))
    found = compare(ledger, [SIGNED + each for each in lines])
    assert found == [{"refused": "NOTE_SIGNATURE_INVALID"}] * len(lines)


def test_keys_that_anybody_could_sign_for_are_none(ledger: Path) -> None:
    """Each of these keys has the right id, and is refused by both or by neither."""
    honest = NEW[0].verifier.public_key
    seed, t1 = honest[:32], honest[32:]
    keys = [
        seed + bytes(len(t1)),
        seed + b"\xff" * len(t1),
        seed + t1[: len(t1) // 3] + bytes(len(t1) * 2 // 3),
    ]
    keys = [each.ljust(len(honest), b"\0") for each in keys] + [honest[:-1], honest + b"\0"]
    named = [("weak.example.org/w", each) for each in keys]
    named.append(("n" * 256, honest))
    cases: list[Case] = [("policy", policy_text(*LINES[:2], ("weak", _written(*each)))) for each in named]
    cases.append(
        ("policy", policy_text(*LINES[:2], ("weak", _written("n" * 255, NEW[1].verifier.public_key))))
    )
    answers = asked(ledger, POLICY, cases)
    for (_, octets), answer in zip(cases[:-1], answers[:-1], strict=True):
        with pytest.raises(TlogError):
            Policy.parse(octets)
        assert answer == {"refused": "KEY_MALFORMED"}
    assert answers[-1]["good"] == Policy.parse(cases[-1][1]).to_bytes().decode()


def _written(name: str, key: bytes) -> str:
    typed = b"\6" + key
    named = name.encode() + b"\n" + typed
    return f"{name}+{hashlib.sha256(named).hexdigest()[:8]}+{to_base64(typed)}"
