"""`zk witness`: a folder, a key, a process that cosigns, and what it shows of itself."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.consortium.making import LOG, ORIGIN, MemoryLog
from tlog import AddCheckpoint, LogLine, Policy, Verifier, open_cosigned


def zk(*arguments: object) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "zk.cli", "--json", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy").write_bytes(Policy((LogLine(LOG.verifier),)).to_bytes())
    return tmp_path


def test_a_witness_is_made_cosigns_and_says_what_it_has(folder: Path) -> None:
    code, made, _ = zk("witness", "init", "w.example", "--data", folder / "w")
    assert code == 0
    key = Verifier.from_string(made["key"])
    command = [sys.executable, "-m", "zk.cli", "witness", "serve", "--data", folder / "w"]
    command += ["--policy", folder / "policy", "--port", "0", "--json"]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert (ready["event"], ready["keys"], ready["logs"]) == ("ready", [str(key)], [ORIGIN])
        log = MemoryLog().grow(3)
        body = AddCheckpoint(0, (), log.note).to_bytes()
        answer = httpx.post(f"http://{ready['address']}/add-checkpoint", content=body, trust_env=False)
        assert open_cosigned(log.note + answer.content, LOG.verifier, [key], 1)
        code, failed, _ = zk("witness", "show", "--data", folder / "w", "--policy", folder / "policy")
        assert (code, failed["error"]["reason"]) == (2, "FOLDER_BUSY")
        process.send_signal(signal.SIGTERM)
        assert json.loads(process.stdout.readline()) == {"event": "stopped"}
        assert process.wait(10) == 0
    code, shown, _ = zk("witness", "show", "--data", folder / "w", "--policy", folder / "policy")
    (row,) = shown["logs"]
    assert (code, row["origin"], row["size"], row["refused"]) == (0, ORIGIN, log.size, 0)


def test_a_key_changes_over_and_the_last_one_stays(folder: Path) -> None:
    first = zk("witness", "init", "w.example", "--data", folder / "w")[1]["key"]
    second = zk("witness", "init", "w.example", "--data", folder / "w")[1]["key"]
    show = ("witness", "show", "--data", folder / "w", "--policy", folder / "policy")
    assert zk(*show)[1]["keys"] == [second, first]
    old = Verifier.from_string(first).key_id.hex()
    assert zk("witness", "retire", old, "--data", folder / "w")[0] == 0
    assert zk(*show)[1]["keys"] == [second]
    new = Verifier.from_string(second).key_id.hex()
    for key_id in (old, new, "nonsense"):
        code, failed, _ = zk("witness", "retire", key_id, "--data", folder / "w")
        assert (code, failed["error"]["reason"]) == (2, "FOLDER_INVALID")


def test_what_cannot_be_is_said_in_a_sentence(folder: Path) -> None:
    (folder / "bad").write_text("nonsense\n")
    (folder / "empty").mkdir()
    cases = (
        (("init", "a name", "--data", folder / "x"), 2, "INVALID_NAME"),
        (("serve", "--data", folder / "empty", "--policy", folder / "policy"), 9, "FOLDER_INVALID"),
        (("serve", "--data", folder / "empty", "--policy", folder / "bad"), 4, "POLICY_MALFORMED"),
        (("show", "--data", folder / "empty", "--policy", folder / "policy"), 2, "FOLDER_INVALID"),
    )
    for arguments, expected, reason in cases:
        code, failed, told = zk("witness", *arguments)
        assert (code, failed["error"]["reason"]) == (expected, reason), told
        assert "Traceback" not in told
