"""`zk keyed`: a department runs its service and says who may ask; without petlib it says so."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from tests.zkservice.keyed.office import ROOT

ZK = [sys.executable, "-m", "zk.cli", "keyed"]


def zk(*arguments: object) -> "subprocess.CompletedProcess[str]":
    given = [*ZK, *map(str, arguments)]
    return subprocess.run(given, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_department_serves_admits_and_dismisses(tmp_path: Path) -> None:
    data, token = tmp_path / "data", tmp_path / "token"
    admitted = zk("admit", "counter-3", "--data", data, "--token-file", token, "--json")
    assert json.loads(admitted.stdout) == {"counter": "verifiers/counter-3", "token_file": str(token)}
    assert token.stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700
    assert token.read_text().strip() not in admitted.stdout + admitted.stderr
    command = [*ZK, "serve", "hrss", "--data", str(data), "--dev", "--port", "0", "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        ready = json.loads(served.stdout.readline())
        served.send_signal(signal.SIGTERM)
        rest, _ = served.communicate(timeout=60)
    assert (ready["event"], ready["department"], ready["curve"]) == ("ready", "departments/hrss", "P-256")
    assert len(bytes.fromhex(ready["keys"])) == 32
    assert json.loads(rest) == {"event": "stopped"}
    assert served.returncode == 0
    for count in (1, 0):
        assert json.loads(zk("dismiss", "counter-3", "--data", data, "--json").stdout)["tokens"] == count


def test_what_is_wrong_is_told_with_its_code(tmp_path: Path) -> None:
    done = zk("serve", "../hrss", "--data", tmp_path / "x", "--dev", "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["reason"]) == (2, "SETTING_INVALID")
    done = zk("serve", "hrss", "--data", tmp_path / "x", "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["reason"]) == (9, "NOT_STARTED")
    done = zk("admit", "No Counter", "--data", tmp_path / "y", "--token-file", tmp_path / "t", "--json")
    assert json.loads(done.stdout)["error"]["reason"] == "NAME_INVALID"
    assert not (tmp_path / "y").exists()


def test_without_petlib_it_says_what_to_run(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['petlib'] = None; from zk.cli import main; "
        f"main(['keyed', 'serve', 'hrss', '--data', {str(tmp_path)!r}, '--dev', '--json'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, json.loads(done.stdout)["error"]["reason"]) == (9, "KEYED_MISSING")
    assert "scripts/keyed.sh" in done.stderr
