"""The tour in three processes, consent by a person at a terminal, and the bank's own program."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import EXAMPLES, VALUES, Home, start
from zk.exits import Exit

SECONDS = 60


def finished(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


def line_of(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    parsed: dict[str, Any] = json.loads(process.stdout.readline())
    return parsed


def prompt_of(process: "subprocess.Popen[str]") -> str:
    """Read standard error up to the end of a prompt; what was typed before it would be thrown away."""
    assert process.stderr is not None
    said = ""
    while not said.endswith(": ") and (each := process.stderr.read(1)):
        said += each
    return said


def test_three_processes_issue_ask_and_answer(issuer: Home, school: Home, home: Home) -> None:
    home.json("vault", "create")
    home.json("vault", "claim", issuer.issue("residence_permit"))
    issuing = start(
        "issuer", "issue", "social_insurance", "--values", VALUES / "social_insurance.yaml", "--json",
        "--home", issuer.path,
    )  # fmt: skip
    code, out, err = finished(issuing)
    assert code == 0, err
    home.json("vault", "claim", json.loads(out)["link"])

    asking = start(
        "verifier", "ask", EXAMPLES / "policies" / "school.yaml", "--json", "--home", school.path,
        "--record", home.path / "record.json",
    )  # fmt: skip
    asked = line_of(asking)
    answering = start("vault", "present", asked["link"], "--yes", "--json", "--home", home.path)
    code, out, err = finished(answering)
    assert code == 0, err
    presented = json.loads(out)
    code, out, err = finished(asking)
    assert code == 0, err
    answered = json.loads(out)

    assert answered["event"] == "answered"
    assert answered["entry_index"] == presented["entry_index"]
    values = {each["query"]: each["values"] for each in answered["credentials"]}
    assert values == {
        "residence": {"district": "370102"},
        "insurance": {"continuous_since": "2020-07-01"},
    }
    record = (home.path / "record.json").read_text("utf-8")
    assert "周晓岚" not in record
    assert "8a1d2f0c6b7e4935" not in record


def test_the_bank_s_program_says_how_it_is_called() -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "bank.py"], capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == Exit.USAGE
    assert done.stderr.startswith("usage: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (["a long passphrase", "another one here"] * 3, Exit.USAGE),
        (["short", "a long passphrase", "a long passphrase"], Exit.OK),
        (["short"] * 3, Exit.REFUSED),
    ],
)
def test_a_new_passphrase_is_asked_for_three_times_at_most(
    tmp_path: Path, typed: list[str], code: Exit
) -> None:
    # A session of its own has no terminal to ask at but the one that is its standard input.
    master, slave = pty.openpty()
    try:
        process = start(
            "vault", "create", "--home", tmp_path, "--lang", "zh", stdin=slave,
            env={"ZK_PASSPHRASE": None}, start_new_session=True,
        )  # fmt: skip
        asked = ""
        for each in typed:
            asked += prompt_of(process)
            os.write(master, f"{each}\n".encode())
        ended, _, rest = finished(process)
    finally:
        os.close(master)
        os.close(slave)
    err = asked + rest
    assert ended == code, err
    assert (tmp_path / "vault.sqlite3").exists() == (code is Exit.OK)
    assert "口令" in err
    assert err.count("两次输入不一致") == (3 if code is Exit.USAGE else 0)
    assert not any(each in err for each in typed)


@pytest.mark.parametrize(
    ("said", "code"), [("no", Exit.DECLINED), ("好", Exit.DECLINED), ("是", Exit.OK), ("yes", Exit.OK)]
)
def test_a_person_at_a_terminal_is_asked(school: Home, holder: Home, said: str, code: Exit) -> None:
    asked, _ = school.ask("school", "--timeout", "0.2", code=Exit.UNREACHABLE)
    master, slave = pty.openpty()
    try:
        process = start("vault", "present", asked["link"], "--home", holder.path, "--lang", "zh", stdin=slave)
        os.write(master, f"{said}\n".encode())
        ended, out, err = finished(process)
    finally:
        os.close(master)
        os.close(slave)
    assert ended == code, err
    assert "居住区县：历下区（370102）" in out
    assert "姓名" in out
    assert "周晓岚" not in out
    states = [each["state"] for each in holder.json("vault", "history")["usages"]]
    assert ("DECLINED" in err) == (code is Exit.DECLINED)
    assert states.count("sent") == 0
