"""The demo's last part, for real: each refusal with the service's status and reason, figures, a clean end."""

import base64
import fcntl
import io
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from rich.console import Console

from disclosure.composite import OpeningRecord
from tests.cli.running import start, zk
from tlog import RecordEntry, Verifier, parse_entry, verify_archive, verify_receipt
from verifier import CompositeRecord, load_record, recheck_composite
from zk.demo import DemoResult, run_demo
from zk.demo.people import Family
from zk.demo.show import tables
from zk.demo.views import leaks
from zk.exits import CommandError, Exit


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "output"


@pytest.fixture(scope="module")
def result(output: Path) -> DemoResult:
    return run_demo(output, "en")


REFUSALS = {
    "demo.refused.second_enrolment": ("verifier", "PSEUDONYM_SEEN"),
    "demo.refused.changed_attribute": ("INVALID_ARGUMENT", "PROOF_INVALID"),
    "demo.refused.unknown_issuer": ("INVALID_ARGUMENT", "QUERY_MISMATCH"),
    "demo.refused.replayed": ("ALREADY_EXISTS", "REPLAYED"),
    "demo.refused.replayed_elsewhere": ("ALREADY_EXISTS", "REPLAYED"),
    "demo.refused.other_verifier": ("INVALID_ARGUMENT", "REQUEST_MISMATCH"),
    "demo.refused.other_verifier_rewritten": ("INVALID_ARGUMENT", "PROOF_INVALID"),
    "demo.refused.expired": ("FAILED_PRECONDITION", "REQUEST_EXPIRED"),
    "demo.refused.old_witness": ("FAILED_PRECONDITION", "EPOCH_STALE"),
    "demo.refused.old_witness_renumbered": ("INVALID_ARGUMENT", "PROOF_INVALID"),
    "demo.refused.revoked": ("vault", "NOTHING_FITS"),
    "demo.refused.tampered_ledger": ("exit 4", "ARCHIVE_INVALID"),
}


def test_everything_that_must_fail_fails_with_its_own_status_and_reason(result: DemoResult) -> None:
    assert {each.name: (each.status, each.reason) for each in result.refusals} == REFUSALS
    assert all(each.as_it_must and each.detail for each in result.refusals)
    assert result.went_as_it_must
    assert result.seconds < 60


def test_the_tampered_ledger_is_named_by_its_place(result: DemoResult) -> None:
    (refusal,) = [each for each in result.refusals if each.name == "demo.refused.tampered_ledger"]
    assert f"entry {result.places[0].index}" in refusal.detail


def test_refusing_changes_nothing_and_sending_again_gives_the_same_receipt(result: DemoResult) -> None:
    """Four receipts: two parents for the school, the bank, and the true answer after a forged one."""
    assert result.accepted_after_refusal
    assert result.repeated_receipt_same
    assert result.ledger.receipts == 4


def test_each_party_learnt_what_it_asked_for_and_nothing_else(result: DemoResult, output: Path) -> None:
    school, bank, regulator, service, public, departments = result.views
    told = dict(school.learnt)
    assert "without showing which" in told["Household register / District of the household"]
    assert [each for each in told if "pseudonym of the child" in each]
    kept = {"Registered since", "The child's date of birth", "Commitment to the number", "The child's secret"}
    assert kept <= set(school.hidden)
    told = dict(bank.learnt)
    assert "at least 8000.00 CNY" in told["Social insurance / Monthly contribution base"]
    assert "at least 100000.00 CNY" in told["Income tax / Income of the year"]
    assert told["Income tax / Tax owed"] == "as good as shown: it is 0.00 CNY"
    assert "Tax owed" not in bank.hidden
    assert "at least 24 months" in told["Housing fund contributions / Months of contributions"]
    assert "A sealed identity, which two officers of Financial Regulator can open together" in told
    assert {"Commitment to the number", "Year", "Floor area", "Monthly contribution"} <= set(bank.hidden)
    assert all(each.learnt for each in (regulator, service, public, departments))
    printed = json.loads(result.bank_output)
    assert printed["branch"] == "salaried"
    assert len({each.split("/")[1] for each in printed["issuer_keys"]}) == 4
    assert result.leaks == ()


def test_no_value_is_shown_to_school_or_bank(result: DemoResult, output: Path) -> None:
    for name in ("school", "bank"):
        record = load_record(output / f"{name}-record.json")
        assert isinstance(record, CompositeRecord)
        shown = [each.shown for each in record.presentation.answer.credentials]
        assert [(dict(each.values), each.expiry) for each in shown] == [({}, None)] * len(shown)
    assert not (output / "school-second.json").exists()


def test_the_regulator_s_opening_stands_on_the_ledger(result: DemoResult, output: Path) -> None:
    assert (result.opened.found, result.opened.seen_by_holder) == (True, True)
    parts = [line.split(b" ") for line in (output / "ledger.txt").read_bytes().splitlines()]
    lines = [each for each in parts if len(each) == 3 and each[0].isdigit()]
    entries = [parse_entry(base64.b64decode(each[1])) for each in lines]
    records = [(index, each) for index, each in enumerate(entries) if isinstance(each, RecordEntry)]
    found = [(index, OpeningRecord.of_entry(each)) for index, each in records]
    opened = [(index, each) for index, each in found if each is not None]
    assert [each.officers for _, each in opened] == [1, 1, 2], "each officer's part, and then the opening"
    assert opened[-1][0] == result.opened.index


def test_a_leak_would_be_found(result: DemoResult, output: Path) -> None:
    """What looks for names, numbers and secrets finds them where they are put on purpose."""
    planted, family = output / "server" / "planted", Family()
    for octets, name in (
        (family.mother.name.encode(), "name of the first parent"),
        (family.father.number_hash.hex().encode(), "number of the second parent"),
        (family.child_secret, "secret of the child"),
        (family.home_secret.hex().encode(), "secret of the home"),
    ):
        planted.write_bytes(b"..." + octets)
        try:
            assert leaks(output, family) == (f"{name}: server/planted",)
        finally:
            planted.unlink()


def test_sizes_and_times_are_measured(result: DemoResult) -> None:
    sizes = {each.name.removeprefix("demo.size."): each.octets for each in result.sizes}
    assert sizes["signature"] == 80
    assert sizes["note"] == 1024
    assert 2000 < sizes["proof_school"] < sizes["presentation_school"]
    assert sizes["proof_school"] < sizes["proof_bank"] < sizes["presentation_bank"] < 65_536
    names = {each.name.removeprefix("demo.time.") for each in result.times}
    assert names == {
        "issuer_key", "digits", "issue", "claim", "prove", "submit", "verify", "verify_proofs", "revoke",
        "open", "record_opening", "receipt", "ledger",
    }  # fmt: skip
    for each in result.times:
        assert each.milliseconds > 0
        assert each.pairing_checks == pytest.approx(each.milliseconds / result.pairing_check_ms)


def test_receipts_record_and_ledger_stay_for_inspection(result: DemoResult, output: Path) -> None:
    log = Verifier.from_string((output / "server" / "log.vkey").read_text().strip())
    places = [(each.index, each.size) for each in result.places]
    receipts = sorted(output.glob("receipt-*.tlog-proof"))
    verified = [verify_receipt(each.read_bytes(), log) for each in receipts]
    assert sorted((each.index, each.checkpoint.size) for each in verified) == sorted(places)
    for name, place in (("school", places[0]), ("bank", places[1])):
        record = load_record(output / f"{name}-record.json")
        assert isinstance(record, CompositeRecord)
        assert recheck_composite(record, log_verifier=log).index == place[0]
    with (output / "ledger.txt").open("rb") as file:
        report = verify_archive(file, log)
    assert (report.size, report.root) == (result.ledger.size, result.ledger.root)
    assert sorted({each.block for each in result.places}) == [each.block for each in result.places]
    assert "after a forged one" in result.places[2].party


def server_has_ended(output: Path) -> bool:
    """Whether nobody holds the lock of the server's folder."""
    with (output / "server" / "server.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_the_server_has_ended(result: DemoResult, output: Path) -> None:
    assert server_has_ended(output)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_tables_show_everything(result: DemoResult, lang: str) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=160, markup=False, highlight=False)
    for each in tables(result, lang):  # type: ignore[arg-type]
        console.print(each)
    shown = stream.getvalue()
    for _, reason in REFUSALS.values():
        assert reason in shown
    assert result.ledger.root.hex() in shown.replace("\n", "")
    assert ("一切如预期" if lang == "zh" else "Everything went as it must") in shown
    assert "{" not in shown


def test_a_folder_that_is_not_the_demo_s_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(CommandError) as caught:
        run_demo(tmp_path, "en")
    assert (caught.value.exit_code, caught.value.reason) == (Exit.USAGE, "OUTPUT_IN_USE")
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_command_prints_one_document_and_may_be_repeated(result: DemoResult, output: Path) -> None:
    done = zk("demo", "--story", "attacks", "--output", output, "--json")
    assert done.code == 0, done
    assert done.json["went_as_it_must"] is True
    told = done.json["attacks"]
    assert {each["name"]: (each["status"], each["reason"]) for each in told["refusals"]} == REFUSALS
    assert done.json["stories"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_ends_its_server(tmp_path: Path, number: signal.Signals) -> None:
    process = start("demo", "--story", "attacks", "--output", tmp_path / "out", stderr=subprocess.STDOUT)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Five departments"):
            break
    time.sleep(0.3)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED, out
    assert "Traceback" not in out
    assert server_has_ended(tmp_path / "out")
