"""The ledger's code in the pages says what the package says: of good files, and with each octet changed.

Two things are other on purpose. A page also takes a log's key alone for a policy, and one whose last line
does not end. Of a policy that is no UTF-8 the package reads the names as octets; a page refuses it.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.tlog.making import LOG, WITNESSES, opening, record, sample_log
from tlog import (
    Policy,
    TlogError,
    cosign,
    inclusion_proof,
    open_pending,
    parse_entry,
    receipt_file,
    verify_receipt,
)

PAGES: Final = Path(__file__).parents[2] / "web" / "pages"
COMPILER: Final = PAGES.parent / "node_modules" / ".bin" / "tsc"
pytestmark = pytest.mark.skipif(not COMPILER.exists(), reason="not installed: scripts/web.sh does it")
Case = tuple[str, bytes]


def compiled(folder: Path) -> Path:
    """Compile the ledger's code for Node, beside the packages that it imports; return where it lies."""
    made = PAGES / "dist" / folder.name
    project = PAGES / "test" / "tsconfig.json"
    subprocess.run([COMPILER, "--project", project, "--outDir", made], check=True, timeout=240)
    (made / "package.json").write_text('{"type": "module"}')
    return made


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = compiled(tmp_path_factory.mktemp("ledger"))
    yield made
    shutil.rmtree(made)


def asked(ledger: Path, policy: Policy, cases: list[Case], *, mldsa: bool = False) -> list[dict[str, Any]]:
    node = shutil.which("node")
    assert node is not None
    written = [(kind, octets.hex()) for kind, octets in cases]
    given = {"policy": policy.to_bytes().hex(), "cases": written, "mldsa": mldsa}
    done = subprocess.run(
        [node, PAGES / "test" / "ledger.mjs", ledger], input=json.dumps(given), capture_output=True,
        text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


LOG_OF: Final = sample_log(blocks=3, receipts=2, records=1)
POLICY: Final = Policy.parse(
    "\n".join(
        [
            f"log {LOG.verifier}",
            *(f"witness w{number} {each.verifier}" for number, each in enumerate(WITNESSES[:3])),
            "group g 2 w0 w1 w2",
            "quorum g",
            "",
        ]
    ).encode()
)
NOTE: Final = LOG_OF.signed() + b"".join(
    cosign(LOG_OF.signed(), each, 1_700_000_000) for each in WITNESSES[:2]
)
RECEIPT: Final = receipt_file(opening(1), 1, inclusion_proof(1, LOG_OF.size, LOG_OF.node), NOTE)
ENTRIES: Final = [octets for octets, _ in LOG_OF.entries] + [record(5)]
NAMES: Final = {line.verifier: line.name for line in POLICY.witnesses}


def note_says(octets: bytes) -> Any:
    checkpoint, cosigned = open_pending(octets, POLICY)
    return {
        "origin": checkpoint.origin,
        "size": str(checkpoint.size),
        "root": checkpoint.root.hex(),
        "cosigned": sorted([NAMES[each.witness], str(each.time)] for each in cosigned),
        "anchored": POLICY.satisfied([each.witness for each in cosigned]),
    }


def receipt_says(octets: bytes) -> Any:
    """What a page calls not anchored, the package refuses where the quorum is demanded."""
    return str(verify_receipt(octets, LOG.verifier, policy=POLICY).index)


def policy_says(octets: bytes) -> Any:
    return Policy.parse(octets).to_bytes().decode()


def entry_says(octets: bytes) -> Any:
    return bool(parse_entry(octets))


SAYS: Final[dict[str, Callable[[bytes], Any]]] = {
    "note": note_says,
    "receipt": receipt_says,
    "policy": policy_says,
    "entry": entry_says,
}


def expected(case: Case) -> dict[str, Any]:
    kind, octets = case
    try:
        return {"good": SAYS[kind](octets)}
    except TlogError as error:
        return {"refused": error.reason}


def as_demanded(case: Case, answer: dict[str, Any]) -> dict[str, Any]:
    """Put a page's answer as the package puts it; see `receipt_says`."""
    if case[0] != "receipt" or "good" not in answer:
        return answer
    if not answer["good"]["anchored"]:
        return {"refused": "QUORUM_MISSING"}
    return {"good": answer["good"]["index"]}


def alike(case: Case, wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    """Tell whether both say the same. Of two faults in one file either may be told."""
    if case[0] == "policy" and not case[1].isascii():
        return "refused" in found
    return wanted == found or (case[0], wanted.get("refused"), found.get("refused")) in EITHER


def compare(ledger: Path, cases: list[Case]) -> list[dict[str, Any]]:
    wanted = [expected(each) for each in cases]
    found = [as_demanded(*each) for each in zip(cases, asked(ledger, POLICY, cases), strict=True)]
    differing = [each for each in zip(cases, wanted, found, strict=True) if not alike(*each)]
    assert not differing, (len(differing), differing[:5])
    return found


EITHER: Final = {("receipt", "CHECKPOINT_MALFORMED", "NOTE_SIGNATURE_INVALID")}
"""A text that is changed is no checkpoint any more, and is not what was signed."""
GOOD: Final[list[Case]] = [
    ("note", NOTE),
    ("receipt", RECEIPT),
    ("policy", POLICY.to_bytes()),
    *(("entry", each) for each in ENTRIES),
]


def test_what_is_good_says_the_same_to_both(ledger: Path) -> None:
    answers = compare(ledger, [*GOOD, ("note", LOG_OF.signed())])
    assert all("good" in each for each in answers)
    assert answers[0]["good"]["anchored"]
    assert not answers[-1]["good"]["anchored"]


@pytest.mark.parametrize("bit", [0x01, 0x80], ids=["low", "high"])
@pytest.mark.parametrize("kind", sorted(SAYS))
def test_each_octet_changed_is_judged_alike(ledger: Path, kind: str, bit: int) -> None:
    cases = [
        (name, octets[:at] + bytes([octets[at] ^ bit]) + octets[at + 1 :])
        for name, octets in GOOD
        if name == kind
        for at in range(len(octets))
    ]
    answers = compare(ledger, cases)
    assert any("refused" in each for each in answers)


@pytest.mark.parametrize("kind", sorted(SAYS))
def test_what_is_cut_or_goes_on_is_judged_alike(ledger: Path, kind: str) -> None:
    cases: list[Case] = []
    for name, octets in GOOD:
        if name == kind:
            cases += [(name, octets[:at]) for at in range(0, len(octets), 3)]
            cases += [(name, octets + more) for more in (b"\x00", b"\n", b" ", b"x")]
    if kind == "policy":
        cases = [(name, octets + b"\n") for name, octets in cases if len(octets.split()) > 1]
    compare(ledger, cases)


def test_a_log_s_key_alone_is_a_policy_to_a_page(ledger: Path) -> None:
    (answer,) = asked(ledger, POLICY, [("policy", str(LOG.verifier).encode())])
    assert answer["good"] == f"log {LOG.verifier}\nquorum none\n"
