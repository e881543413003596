"""`zk ledger monitor`, `evidence` and `report` in processes of their own."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.consortium.making import LOG
from tests.consortium.watching import NOW, Shown, TimedLog, W, in_a_fresh_process, policy, serving
from tests.tlog.cheating import ALL, KEYS, SECOND, view
from tests.tlog.making import LOG as CITY
from tests.tlog.making import WITNESSES, opening
from tlog import CosignatureSigner, Grade, LogLine, Policy, WitnessLine, accusing, cosign, receipt_file
from zk.exits import Exit

ZK = [sys.executable, "-c", "from zk.cli import main; main()"]


async def zk(*arguments: object) -> tuple[int, list[dict[str, object]]]:
    """Run `zk` in a process, beside the servers of the test; return its exit code and its documents."""
    process = await asyncio.create_subprocess_exec(
        *ZK, "--json", *map(str, arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode is not None, err
    return process.returncode, [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize(
    "name", ["SAME_SIZE", "OTHER_BEGINNING", "double", "HEADER_ROOT", "NOT_COVERED", "OBSERVED"]
)
def test_a_file_of_evidence_is_enough(tmp_path: Path, name: str) -> None:
    evidence = ALL[name]()
    finding = evidence.verify()
    (tmp_path / "file").write_bytes(evidence.to_bytes())
    code, found = in_a_fresh_process("ledger", "evidence", tmp_path / "file")
    proven = finding.grade is Grade.PROVEN
    assert code == (Exit.OK if proven else Exit.UNHEALTHY)
    assert found["accused"] == list(map(str, finding.accused))
    assert bool(found["accused"]) is proven
    assert found["word_of"] == list(map(str, finding.word_of))
    assert found["known"] is False


@pytest.mark.parametrize(("lang", "words"), [("en", ("PROVEN", "Accused: ")), ("zh", ("已证明", "被指控："))])
def test_every_fault_has_its_sentence(tmp_path: Path, lang: str, words: tuple[str, str]) -> None:
    script = (
        "import sys\nfrom zk.cli import main\n"
        "for file in sys.argv[2:]:\n"
        "    try: main(['--lang', sys.argv[1], 'ledger', 'evidence', file])\n"
        "    except SystemExit as end: print('exit', end.code)\n"
    )
    files = []
    for name, make in ALL.items():
        (tmp_path / name).write_bytes(make().to_bytes())
        files.append(str(tmp_path / name))
    done = subprocess.run(
        [sys.executable, "-c", script, lang, *files], capture_output=True, text=True, timeout=100, check=True
    )
    codes = [line for line in done.stdout.splitlines() if line.startswith("exit")]
    assert codes == ["exit 0"] * (len(files) - 2) + ["exit 8"] * 2, done.stderr
    assert done.stdout.count(words[0]) == done.stdout.count(words[1]) == len(files) - 2
    assert "{" not in done.stdout


def test_a_policy_says_whose_keys_they_are(tmp_path: Path) -> None:
    known = Policy(
        (LogLine(CITY.verifier), LogLine(SECOND.verifier)), (WitnessLine("w", WITNESSES[0].verifier),)
    )
    (tmp_path / "policy").write_bytes(known.to_bytes())
    (tmp_path / "other").write_bytes(policy(None).to_bytes())
    rotated = accusing.contradiction(view(1).note(None, CITY), view(2).note(None, SECOND), KEYS, [])[0]
    (tmp_path / "rotated").write_bytes(rotated.to_bytes())
    code, found = in_a_fresh_process(
        "ledger", "evidence", tmp_path / "rotated", "--policy", tmp_path / "policy"
    )
    assert (code, found["known"]) == (Exit.OK, True)
    code, found = in_a_fresh_process("ledger", "evidence", tmp_path / "rotated")
    assert (code, found["error"]["reason"]) == (Exit.NOT_VERIFIED, "KEYS_UNRELATED")
    (tmp_path / "double").write_bytes(ALL["double"]().to_bytes())
    code, found = in_a_fresh_process(
        "ledger", "evidence", tmp_path / "double", "--policy", tmp_path / "other"
    )
    assert (code, found["known"]) == (Exit.OK, False)


@pytest.mark.parametrize("name", ["NOT_COVERED", "OBSERVED"])
def test_a_word_is_only_as_good_as_the_key_under_it(tmp_path: Path, name: str) -> None:
    """Whoever makes a key of an honest witness's name, or a monitor's, has its word and nobody else's."""
    evidence = ALL[name]()
    finding = evidence.verify()
    (tmp_path / "file").write_bytes(evidence.to_bytes())
    namesakes = [CosignatureSigner.generate(each.name) for each in WITNESSES]
    for file, witnesses in (("honest", namesakes), ("these", WITNESSES)):
        lines = tuple(WitnessLine(f"w{n}", each.verifier) for n, each in enumerate(witnesses))
        (tmp_path / file).write_bytes(Policy((LogLine(CITY.verifier),), lines).to_bytes())
    ask = ("ledger", "evidence", tmp_path / "file", "--policy")
    code, found = in_a_fresh_process(*ask, tmp_path / "honest")
    assert (code, found["known"]) == (Exit.UNHEALTHY, False)
    code, found = in_a_fresh_process(*ask, tmp_path / "these")
    assert (code, found["known"]) == (Exit.UNHEALTHY, name == "NOT_COVERED"), "no policy names a monitor"
    if name == "OBSERVED":
        key = finding.word_of[0]
        code, found = in_a_fresh_process(*ask, tmp_path / "these", "--monitor", key)
        assert (code, found["known"]) == (Exit.UNHEALTHY, True)
        told = subprocess.run(
            [*ZK, "--lang", "en", *map(str, ask[:-1])], capture_output=True, text=True, check=False
        ).stdout
        assert f"Not a monitor that you named: {key}" in told


def test_policies_that_give_one_key_two_names_are_refused(tmp_path: Path) -> None:
    again = CosignatureSigner.from_secret("another.example", W[0].to_secret())
    (tmp_path / "one").write_bytes(policy(None, witnesses=W[:1]).to_bytes())
    (tmp_path / "two").write_bytes(policy(None, witnesses=[again]).to_bytes())
    policies = ("--policy", tmp_path / "one", "--policy", tmp_path / "two")
    code, found = in_a_fresh_process("ledger", "monitor", *policies, "--folder", tmp_path / "m", "--once")
    assert (code, found["error"]["reason"]) == (Exit.USAGE, "KEY_AMBIGUOUS")


def test_what_is_no_evidence_is_refused(tmp_path: Path) -> None:
    octets = ALL["SAME_SIZE"]().to_bytes()
    (tmp_path / "changed").write_bytes(octets.replace(b"\\n12\\n", b"\\n13\\n"))
    code, found = in_a_fresh_process("ledger", "evidence", tmp_path / "changed")
    assert (code, found["error"]["reason"]) == (Exit.NOT_VERIFIED, "NOTE_SIGNATURE_INVALID")
    (tmp_path / "noise").write_bytes(b"{}")
    code, found = in_a_fresh_process("ledger", "evidence", tmp_path / "noise")
    assert (code, found["error"]["reason"]) == (Exit.NOT_VERIFIED, "EVIDENCE_MALFORMED")
    code, found = in_a_fresh_process("ledger", "evidence", tmp_path / "nothing")
    assert (code, found["error"]["reason"]) == (Exit.USAGE, "FILE_UNREADABLE")


async def test_a_monitor_alarms_once_with_its_exit_code_and_a_receipt_is_reported(tmp_path: Path) -> None:
    log = TimedLog().grow(2, 2)
    other = log.fork(900).grow(3)
    log.grow(3)
    shown = Shown(log)
    shown.lines = cosign(log.note, W[0], NOW)
    async with serving(shown) as (url,):
        (tmp_path / "policy").write_bytes(policy(url, witnesses=W).to_bytes())
        (tmp_path / "receipt").write_bytes(receipt_file(opening(5), 3, [], other.note))
        watch = ("ledger", "monitor", "--policy", tmp_path / "policy", "--folder", tmp_path / "m")
        code, said = await zk(*watch, "--once")
        assert (code, [each["event"] for each in said]) == (Exit.OK, ["ready", "stopped"])
        arguments = [*ZK, "--json", *map(str, watch), "--interval", "0.1", "--listen", "127.0.0.1:0"]
        process = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE)
        assert process.stdout is not None
        ready = json.loads(await process.stdout.readline())
        gossip = f"http://127.0.0.1:{ready['port']}"
        code, said = await zk("ledger", "report", tmp_path / "receipt", "--to", gossip)
        assert (code, said[0]["event"]) == (Exit.OK, "reported")
        alarm = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        assert (alarm["event"], alarm["kind"], alarm["accused"]) == (
            "alarm",
            "SPLIT_VIEW",
            [str(LOG.verifier)],
        )
        process.send_signal(signal.SIGTERM)
        rest, _ = await process.communicate()
        assert [json.loads(line)["event"] for line in rest.splitlines()] == ["stopped"]
        assert process.returncode == Exit.NOT_VERIFIED
        code, said = await zk(*watch, "--once")
        assert (code, [each["event"] for each in said]) == (Exit.OK, ["ready", "stopped"]), "told once"
    code, said = await zk(*watch, "--once")
    assert (code, [each["event"] for each in said]) == (
        Exit.UNREACHABLE,
        ["ready", *["trouble"] * (len(said) - 2), "stopped"],
    ), "a log that was not seen is not seen to be honest"
    code, said = await zk("ledger", "evidence", alarm["file"])
    assert (code, said[0]["accused"]) == (Exit.OK, [str(LOG.verifier)])
    code, said = await zk("ledger", "report", tmp_path / "receipt", "--to", gossip)
    assert code == Exit.UNREACHABLE


async def test_a_monitor_that_cannot_start_says_so(tmp_path: Path) -> None:
    (tmp_path / "policy").write_bytes(policy(None).to_bytes())
    base = ("ledger", "monitor", "--policy", tmp_path / "policy", "--once")
    code, said = await zk(*base, "--folder", tmp_path / "policy")
    assert (code, said[-1]["error"]["exit_code"]) == (Exit.NOT_STARTED, Exit.NOT_STARTED)  # type: ignore[index]
    code, said = await zk(*base, "--folder", tmp_path / "m", "--listen", "nowhere")
    assert code == Exit.USAGE
