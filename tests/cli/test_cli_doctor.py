"""`zk doctor` at a server: what it depends on, its metrics port, its folder; each fault is seen."""

import datetime as dt
import json
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Home, start, zk
from zk.commands import doctor_server
from zk.commands.checking import Check
from zk.exits import Exit
from zk.home import Home as ZkHome
from zk.local_server import LocalServer
from zk.run import Remote, Run
from zkservice.storage import schema_version

OWN = metadata.version("zk-disclosure")
RUN = Run(as_json=True, lang="en", home=ZkHome.default(), remote=Remote())


def looked(checks: Iterable[Check]) -> dict[str, str]:
    return {each.name: each.state for each in checks}


def states(report: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["state"] for each in report["checks"]}


def check(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in report["checks"] if each["name"] == name]
    return dict(found)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Answer every request alike; give the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def told(**changed: Any) -> bytes:
    """What a metrics port tells, but for what is changed."""
    now = dt.datetime.now(dt.UTC).isoformat()
    return json.dumps({"ready": True, "missing": [], "time": now, "version": OWN} | changed).encode()


# the server's folder


def test_the_folder_of_a_running_server_is_in_order(home: Home, server: LocalServer, issuer: Home) -> None:
    report = home.json("doctor", "--data", server.data)
    found = states(report)
    assert {found[each] for each in ("readiness", "schema", "certificate_file")} == {"ok"}
    assert found["disk"] in {"ok", "warn"}
    assert check(report, "schema")["schema"] == schema_version.newest()
    assert check(report, "certificate_file")["days"] > 300
    home.json("vault", "create")  # nothing was locked or changed
    assert home.zk("doctor", "--data", server.data, "--lang", "zh").code == Exit.OK


def test_what_is_wrong_with_a_folder_is_told(home: Home, server: LocalServer, tmp_path: Path) -> None:
    absent = home.json("doctor", "--data", tmp_path / "none", code=Exit.UNHEALTHY)
    assert states(absent)["disk"] == "fail"
    empty = tmp_path / "empty"
    empty.mkdir()
    found = states(home.json("doctor", "--data", empty, code=Exit.UNHEALTHY))
    assert (found["schema"], found["certificate_file"]) == ("warn", "fail")
    assert sorted(empty.iterdir()) == [], "nothing is made"
    old = tmp_path / "old"
    old.mkdir()
    with (
        sqlite3.connect(server.data / "service.sqlite3") as live,
        sqlite3.connect(old / "service.sqlite3") as copied,
    ):
        live.backup(copied)
        copied.execute("update alembic_version set version_num = '0001'")
    shutil.copy2(server.data / "server.pem", old)
    found = states(home.json("doctor", "--data", old, code=Exit.UNHEALTHY))
    assert (found["schema"], found["certificate_file"]) == ("fail", "ok")
    (old / "service.sqlite3").write_bytes(b"no database" * 1000)
    report = home.json("doctor", "--data", old, code=Exit.UNHEALTHY)
    assert states(report)["schema"] == "fail"
    assert check(report, "schema")["problem"] == "DatabaseError"


@pytest.mark.parametrize(("free", "state"), [(1 << 20, "fail"), (5 << 30, "warn"), (50 << 30, "ok")])
def test_a_disk_that_fills(
    server: LocalServer, free: int, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(server.data)._replace(free=free)
    monkeypatch.setattr("zk.commands.doctor_server.shutil.disk_usage", lambda _: usage)
    assert looked(doctor_server.folder(RUN, server.data))["disk"] == state


def test_a_database_s_password_is_not_told(home: Home, tmp_path: Path) -> None:
    url = "postgresql+psycopg://zk:secret-word@127.0.0.1:1/zk"
    (tmp_path / "zk.toml").write_text(f'database = "{url}"\n')
    done = home.zk("doctor", "--data", tmp_path, "--json")
    assert done.code == Exit.UNHEALTHY
    assert states(done.json)["schema"] == "fail"
    assert "secret-word" not in done.out + done.err


# the metrics port


def test_a_metrics_port_that_is_well(home: Home, issuer: Home) -> None:
    with answering(200, told()) as url:
        report = home.json("doctor", "--metrics", url)
    found = states(report)
    assert (found["metrics"], found["skew"], found["version"]) == ("ok", "ok", "ok")
    assert abs(check(report, "skew")["seconds"]) < 60


@pytest.mark.parametrize(
    ("status", "changed", "expected"),
    [
        (503, {"ready": False, "missing": ["database", "sequencer"]}, {"metrics": "fail"}),
        (200, {"missing": ["witnesses"]}, {"metrics": "warn"}),
        (200, {"version": "9.9.9"}, {"metrics": "ok", "version": "warn"}),
        (200, {"time": "2020-01-01T00:00:00+00:00"}, {"metrics": "ok", "skew": "fail"}),
        (200, {"time": "2020-01-01T00:00:00"}, {"metrics": "fail"}),
        (200, {"time": 7}, {"metrics": "fail"}),
        (200, {"missing": None}, {"metrics": "fail"}),
        (404, {}, {"metrics": "fail"}),
        (200, {"filler": "x" * 100_000}, {"metrics": "fail"}),
    ],
    ids=["missing", "witnesses", "version", "clock", "no zone", "number", "none", "no such page", "long"],
)
def test_what_a_metrics_port_tells_is_seen(
    status: int, changed: dict[str, Any], expected: dict[str, str]
) -> None:
    with answering(status, told(**changed)) as url:
        found = looked(doctor_server.told(RUN, url))
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "no url", "ftp://127.0.0.1", "http://[::1", ""])
def test_no_metrics_port_is_a_fault(url: str) -> None:
    assert looked(doctor_server.told(RUN, url)) == {"metrics": "fail"}


def test_an_answer_that_steers_the_terminal_is_cleaned(home: Home) -> None:
    with answering(503, told(ready=False, missing=["\x1b[2J\x1b]0;x\x07"])) as url:
        done = home.zk("doctor", "--metrics", url)
    assert done.code == Exit.UNHEALTHY
    assert "\x1b]" not in done.out
    assert "\x1b[2J" not in done.out


# a real server with a metrics port


def test_a_real_server_s_port_and_folder(tmp_path: Path) -> None:
    server = start(
        "serve", "--dev", "--data", tmp_path / "data", "--port", "0", "--json",
        env={"ZK_METRICS_PORT": "0", "ZK_PROCESSES": "1"},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        url = f"http://127.0.0.1:{ready['metrics_port']}"
        arguments = (
            "doctor", "--metrics", url, "--data", tmp_path / "data", "--home", tmp_path / "home",
            "--server", ready["address"], "--root", tmp_path / "data" / "ca.pem", "--json",
        )  # fmt: skip
        found = states(zk(*arguments).json)
        for name in ("server", "readiness", "metrics", "skew", "version", "schema", "certificate_file"):
            assert found[name] == "ok", name
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


# what the operator alone is told


def test_the_operator_s_token_asks_for_the_server_s_status(
    home: Home, server: LocalServer, issuer: Home, tmp_path: Path
) -> None:
    report = home.json("doctor", "--operator-token-file", server.data / "operator.token")
    found = check(report, "status")
    assert (found["state"], found["version"]) == ("ok", OWN)
    assert found["sequences"]
    wrong = tmp_path / "wrong"
    wrong.write_text("x" * 43)
    for file in (wrong, tmp_path / "none", server.admin_token):
        done = home.zk("doctor", "--operator-token-file", file, "--json")
        assert done.code == Exit.UNHEALTHY
        assert states(done.json)["status"] == "fail"
        assert "x" * 43 not in done.out + done.err
