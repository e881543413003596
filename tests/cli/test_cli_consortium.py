"""`zk consortium`: a trial on this machine with real engines, started twice."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ordering.client import Client
from ordering.engine.trial import Trial
from ordering.errors import RefusedError
from ordering.transactions import Claim, Transaction
from tests.cli.running import start, zk
from tests.ordering.engines import ENGINE, free_range, needs_engine, until
from zk.exits import Exit

TAG, REFERENCE = bytes([1]) * 32, bytes([2]) * 32


@contextmanager
def up(folder: Path, port: int) -> Iterator[list[dict[str, str]]]:
    process = start(
        "consortium", "up", "--data", folder, "--nodes", 4, "--port", port, "--engine", ENGINE, "--json"
    )
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert (ready.get("event"), ready.get("chain")) == ("ready", "trial"), ready
        yield ready["nodes"]
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, json.loads(out)["event"]) == (0, "stopped"), err


def engine_of(folder: Path) -> int:
    """Return the process of a node's engine."""
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"start" in words and str(folder / "engine").encode() in words:
            return int(each.parent.name)
    raise AssertionError("it does not run")


def status(node: dict[str, str]) -> Any:
    done = zk("consortium", "status", "--node", node["url"], "--json")
    assert done.code == 0, done
    return done.json


@needs_engine
def test_a_trial_is_started_again_and_holds_what_it_held(tmp_path: Path) -> None:
    port = free_range(8)
    claim = Claim("enrolment", TAG, REFERENCE)

    def said(number: int) -> Transaction:
        key = Trial.opened(tmp_path, 4, port).node(number).operator_key
        return Transaction("trial", f"city-{number + 1}", 1, claim).signed(key)

    with up(tmp_path, port) as nodes:
        assert [each["city"] for each in nodes] == ["city-1", "city-2", "city-3", "city-4"]
        with Client(nodes[0]["url"]) as client:
            height = client.submit(said(0)).height
        os.kill(engine_of(tmp_path / "city-4"), signal.SIGKILL)
        until(lambda: zk("consortium", "status", "--node", nodes[3]["url"]).code == 0)
        shown = status(nodes[3])
        assert shown["operators"] == [each["city"] for each in nodes]
        assert shown["logs"] == []
    with up(tmp_path, port) as nodes:
        assert status(nodes[1])["height"] >= height
        with Client(nodes[1]["url"]) as client, pytest.raises(RefusedError, match="city-1 came first"):
            client.submit(said(1))


def test_without_an_engine_or_a_node_it_says_so(tmp_path: Path) -> None:
    done = zk("consortium", "up", "--data", tmp_path, "--engine", tmp_path / "none", "--json")
    assert (done.code, done.reason) == (Exit.NOT_STARTED, "NOT_STARTED")
    done = zk("consortium", "status", "--node", "http://127.0.0.1:1", "--json")
    assert (done.code, done.reason) == (Exit.UNREACHABLE, "NODE_UNREACHABLE")
