"""What a bank files: one file that its auditor verifies years later, with the log's key and nothing else."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tlog
from disclosure import DisclosureError
from tests.flows.borrowers import borrower, documents
from tests.flows.town import BANK, furnished, policy
from tests.prover.town import running
from verifier import CompositeRecord, RecordError, load_record, recheck_composite

FINANCE = "inclusive-finance"
TEN_YEARS_LATER = """
import datetime, time
ahead = datetime.timedelta(days=3653)
now = datetime.datetime.now
class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return now(tz) + ahead
datetime.datetime = Later
seconds = time.time
time.time = lambda: seconds() + ahead.total_seconds()
import sys
from zk.cli import main
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The bank's file and the log's key; the server that they come from is gone."""
    folder = tmp_path_factory.mktemp("filed")
    with running(folder / "server") as town:
        flows = furnished(town)
        with flows.vault(folder / "own.vault", borrower().members[0], documents("newcomer")) as vault:
            flows.answered(FINANCE, vault, "newcomer").keep(folder / "loan.json")
        flows.close()
        return folder / "loan.json", str(town.log)


def check(
    path: Path, key: str, *, script: str = "from zk.cli import main; import sys; main(sys.argv[1:])"
) -> Any:
    """Run `zk verifier check` in a process of its own, in an empty home; return how it ended."""
    home = path.parent / "auditor"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZK_")}
    arguments = ["verifier", "check", str(path), "--key", key, "--json", "--home", str(home)]
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_auditor_verifies_it_with_the_log_key_alone(filed: tuple[Path, str]) -> None:
    done = check(*filed)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["verifier"], said["branch"], said["key_pinned"]) == (str(BANK), "newcomer", True)
    assert all(not each["values"] for each in said["credentials"])
    assert said["policy"]["name"] == f"{BANK}/policies/inclusive-finance-2026@1"
    assert said["policy"]["legal_basis"]["zh"] == "《个人贷款管理办法》第十七条"
    assert said["policy"]["retention_days"] == 1826
    assert set(said["escrows"]) == {"borrower"}


def test_ten_years_later_it_says_the_same(filed: tuple[Path, str]) -> None:
    """Credentials have expired by then: what counts is the moment that the receipt states."""
    now, later = check(*filed), check(*filed, script=TEN_YEARS_LATER)
    assert later.returncode == 0, later.stderr
    assert json.loads(later.stdout) == json.loads(now.stdout)


def test_another_log_does_not_vouch_for_it(filed: tuple[Path, str]) -> None:
    path, key = filed
    other = tlog.Signer.generate(tlog.Verifier.from_string(key).name).verifier
    assert check(path, str(other)).returncode != 0


def test_it_holds_the_policy_the_registration_and_all_schemas(filed: tuple[Path, str]) -> None:
    record = load_record(filed[0])
    assert isinstance(record, CompositeRecord)
    (branch,) = (each for each in policy(FINANCE).branches if each.id == "newcomer")
    assert set(record.directory.schemas) == {name for query in branch.queries for name in query.schemas}
    assert record.policy.entry() in record.proofs
    assert record.policy.name == record.request.policy
    # Six credentials of five departments, each with schema, key, accumulator, epoch and table; a list, the
    # digits of the sum, the regulator, the policy and the bank's own registration.
    assert len(record.proofs) == len(record.directory.schemas) + 4 * len(record.directory.issuer_keys) + 5


def leaves(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the place of every leaf."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else None
    if items is None:
        yield at
        return
    for name, each in items:
        yield from leaves(each, (*at, name))


def altered(value: Any) -> Any:
    """Change one value as little as its kind allows: of octets one bit."""
    if isinstance(value, str) and value:
        try:
            octets = bytearray(base64.b64decode(value, validate=True))
            octets[len(octets) // 2] ^= 1
            return base64.b64encode(bytes(octets)).decode()
        except (ValueError, IndexError):
            return value[:-1] + chr(ord(value[-1]) ^ 1)
    return value + 1 if isinstance(value, int) and not isinstance(value, bool) else [1]


def test_whatever_is_altered_in_it_is_found_out(filed: tuple[Path, str]) -> None:
    """Each single field, but the word of the record itself whether an issuer's key still signed."""
    written, log = filed[0].read_text(), tlog.Verifier.from_string(filed[1])
    places = [each for each in leaves(json.loads(written)) if each[-1] != "state"]
    assert len(places) > 100
    for place in places:
        data = json.loads(written)
        inner = data
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = altered(inner[place[-1]])
        octets = json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"
        try:
            recheck_composite(CompositeRecord.from_bytes(octets), log_verifier=log)
        except (RecordError, DisclosureError, tlog.TlogError):
            continue
        pytest.fail(f"nobody notices a change at {place}")
