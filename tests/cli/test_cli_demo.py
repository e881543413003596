"""The demo, played for real: each refusal with the service's own status and reason, figures, a clean end."""

import fcntl
import io
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from rich.console import Console

from disclosure import Presentation
from tests.cli.running import start, zk
from tlog import Verifier, verify_archive, verify_receipt
from verifier.record import Record, recheck
from zk.demo import DemoResult, run_demo
from zk.demo.people import HOLDER_NAME, HOLDER_NUMBER, Holder
from zk.demo.show import tables
from zk.demo.story import leaks
from zk.exits import CommandError, Exit


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "output"


@pytest.fixture(scope="module")
def result(output: Path) -> DemoResult:
    return run_demo(output, "en")


REFUSALS = {
    "demo.refused.changed_attribute": ("INVALID_ARGUMENT", "PROOF_INVALID"),
    "demo.refused.replayed": ("ALREADY_EXISTS", "REPLAYED"),
    "demo.refused.replayed_elsewhere": ("ALREADY_EXISTS", "REPLAYED"),
    "demo.refused.other_verifier": ("INVALID_ARGUMENT", "REQUEST_MISMATCH"),
    "demo.refused.other_verifier_rewritten": ("INVALID_ARGUMENT", "PROOF_INVALID"),
    "demo.refused.expired": ("FAILED_PRECONDITION", "REQUEST_EXPIRED"),
    "demo.refused.unknown_issuer": ("FAILED_PRECONDITION", "ISSUER_KEY_UNKNOWN"),
    "demo.refused.tampered_ledger": ("exit 4", "ARCHIVE_INVALID"),
}


def test_everything_that_must_fail_fails_with_its_own_status_and_reason(result: DemoResult) -> None:
    assert {each.name: (each.status, each.reason) for each in result.refusals} == REFUSALS
    assert all(each.as_it_must and each.detail for each in result.refusals)
    assert result.went_as_it_must


def test_the_tampered_ledger_is_named_by_its_place(result: DemoResult) -> None:
    (refusal,) = [each for each in result.refusals if each.name == "demo.refused.tampered_ledger"]
    assert "line 7, entry 4" in refusal.detail


def test_refusing_changes_nothing_and_sending_again_gives_the_same_receipt(result: DemoResult) -> None:
    assert result.accepted_after_refusal
    assert result.repeated_receipt_same
    assert (result.ledger.receipts, result.ledger.records) == (3, 2)


def test_each_party_saw_what_it_asked_for_and_nothing_else(result: DemoResult, output: Path) -> None:
    school, bank, service, public, departments = result.views
    assert [label.rpartition(" / ")[2] for label, _ in school.learnt] == [
        "District of residence", "Valid until", "Insured without a break since", "Valid until",
    ]  # fmt: skip
    assert {"Name", "Number", "Monthly contribution base"} < set(school.hidden)
    assert ("Social insurance / Monthly contribution base", "8564.00 CNY") in bank.learnt
    assert "Insured without a break since" in bank.hidden
    assert all(each.learnt for each in (service, public, departments))
    assert json.loads(result.bank_output)["base_in_fen"] == 856_400
    assert result.leaks == ()
    record = Record.load(output / "school-record.json")
    assert isinstance(record.presentation, Presentation)
    for secret in (HOLDER_NAME, HOLDER_NUMBER):
        assert secret.encode() not in record.presentation.canonical


def test_a_leak_would_be_found(result: DemoResult, output: Path) -> None:
    """What looks for name and number finds them where they are put on purpose."""
    planted = output / "server" / "planted"
    planted.write_bytes(b"..." + HOLDER_NAME.encode())
    try:
        assert leaks(output, Holder()) == ("name: server/planted",)
    finally:
        planted.unlink()
    assert leaks(output, Holder()) == ()


def test_every_figure_is_there_and_makes_sense(result: DemoResult) -> None:
    sizes = {each.name.removeprefix("demo.size."): each.octets for each in result.sizes}
    assert sizes["signature"] == 80
    assert sizes["note"] == 1024
    # 272 octets and 32 for each hidden message: 4 of 6 in the permit, 5 of 7 in the insurance record.
    assert (sizes["proof_residence"], sizes["proof_insurance"]) == (272 + 4 * 32, 272 + 5 * 32)
    assert sizes["presentation"] > sizes["proof_residence"] + sizes["proof_insurance"]
    assert {"request", "receipt", "record", "ledger"} < set(sizes)
    names = {each.name.removeprefix("demo.time.") for each in result.times}
    assert names == {
        "issuer_key", "issue", "claim", "prove", "submit", "verify", "verify_proofs", "receipt", "ledger",
    }  # fmt: skip
    for each in result.times:
        assert each.milliseconds > 0
        assert each.pairing_checks == pytest.approx(each.milliseconds / result.pairing_check_ms)
    assert result.seconds > 0


def test_receipts_record_and_ledger_stay_for_inspection(result: DemoResult, output: Path) -> None:
    log = Verifier.from_string((output / "server" / "log.vkey").read_text().strip())
    places = [(each.index, each.size) for each in result.places]
    receipts = sorted(output.glob("receipt-*.tlog-proof"))
    verified = [verify_receipt(each.read_bytes(), log) for each in receipts]
    assert sorted((each.index, each.checkpoint.size) for each in verified) == sorted(places)
    assert recheck(Record.load(output / "school-record.json"), log_verifier=log).index == places[0][0]
    with (output / "ledger.txt").open("rb") as file:
        report = verify_archive(file, log)
    assert (report.size, report.root) == (result.ledger.size, result.ledger.root)
    assert [each.block for each in result.places] == [2, 3, 4]
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
    done = zk("demo", "--output", output, "--json")
    assert done.code == 0, done
    assert done.json["went_as_it_must"] is True
    assert {each["name"]: (each["status"], each["reason"]) for each in done.json["refusals"]} == REFUSALS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_ends_its_server(tmp_path: Path, number: signal.Signals) -> None:
    process = start("demo", "--output", tmp_path / "out", stderr=subprocess.STDOUT)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Two departments"):
            break
    time.sleep(0.3)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED, out
    assert "Traceback" not in out
    assert server_has_ended(tmp_path / "out")
