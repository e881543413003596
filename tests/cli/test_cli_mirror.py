"""`zk ledger mirror`: a log is copied once, followed, and served when its operator is gone."""

import asyncio
import json
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from consortium.checking import check
from consortium.serving import listening
from consortium.tiles_app import tiles_app
from tests.cli.running import Done, start, zk
from tests.consortium.making import LOG, OTHER, MemoryLog, cosigner, policy_of
from tlog import Checkpoint, LogLine, Policy, cosign, sign_checkpoint

POLICY = Policy.of_log(LOG.verifier)
ENDS: list[tuple[int, str]] = []
"""How each process ended, and what it said last."""


@contextmanager
def operator(log: MemoryLog) -> Iterator[str]:
    """Run an operator's HTTP edge in a thread; give its URL."""
    ports, loop, stop = list[int](), asyncio.new_event_loop(), asyncio.Event()
    ready = threading.Event()

    async def serve() -> None:
        async with listening(tiles_app(log), "127.0.0.1", 0) as port:
            ports.append(port)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@contextmanager
def running(*arguments: object) -> Iterator[Callable[[], dict[str, Any]]]:
    """Run the command as a process; give what reads its next event. SIGTERM ends it in order."""
    process = start("ledger", "mirror", *arguments, "--json")
    assert process.stdout is not None
    try:
        yield lambda: json.loads(process.stdout.readline())  # type: ignore[union-attr]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=20)
        ENDS.append((process.returncode, rest))


def once(folder: Path, url: str, *more: object, json_too: bool = True) -> Done:
    shape = ("--json",) if json_too else ()
    return zk("ledger", "mirror", folder, "--key", LOG.verifier, "--url", url, *more, *shape)


def test_once_and_again_in_both_languages(tmp_path: Path) -> None:
    log = MemoryLog().grow(2, 300)
    with operator(log) as url:
        done = once(tmp_path / "mirror", url)
        assert (done.code, done.json["new"], done.json["size"]) == (0, True, log.size)
        assert (once(tmp_path / "mirror", url)).json["new"] is False
        for lang, word in (("en", "checked and kept"), ("zh", "已核验并保存")):
            assert word in once(tmp_path / lang, url, "--lang", lang, json_too=False).out
    assert check(tmp_path / "mirror", POLICY).checkpoint.size == log.size
    done = once(tmp_path / "mirror", url)
    assert (done.code, done.reason) == (5, "UNREACHABLE")
    assert check(tmp_path / "mirror", POLICY).checkpoint.size == log.size


def test_a_policy_says_where_the_log_is_and_what_it_needs(tmp_path: Path) -> None:
    log = MemoryLog().grow(5)
    with operator(log) as url:
        wanted = policy_of([None] * 3, threshold=2)
        logs = (LogLine(LOG.verifier, url), LogLine(OTHER.verifier, "http://127.0.0.1:1"))
        file = tmp_path / "policy"
        file.write_bytes(Policy(logs, wanted.witnesses, wanted.groups, wanted.quorum).to_bytes())
        asked = ("ledger", "mirror", tmp_path / "mirror", "--policy", file, "--json")
        assert (zk(*asked).code, zk(*asked).reason) == (2, "ORIGIN_MISSING")
        done = zk(*asked, "--origin", LOG.name)
        assert (done.code, done.reason) == (4, "QUORUM_MISSING")
        log.note += b"".join(cosign(log.note, cosigner(n), 1_700_000_000) for n in (0, 2))
        done = zk(*asked, "--origin", LOG.name)
        assert (done.code, done.json["cosignatures"]) == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        ((), 7, "LOG_KEY_UNKNOWN"),
        (("--key", cosigner(0).verifier, "--url", "http://127.0.0.1:1"), 2, "LOG_KEY_MALFORMED"),
        (("--key", LOG.verifier), 2, "URL_MISSING"),
        (("--key", LOG.verifier, "--follow", "--serve", "127.0.0.1:0"), 2, "URL_MISSING"),
        (("--key", LOG.verifier, "--serve", "nonsense"), 2, "ADDRESS_MALFORMED"),
        (("--key", LOG.verifier, "--serve", "127.0.0.1:0"), 2, "FOLDER_INVALID"),
        (("--key", LOG.verifier, "--url", "ftp://city"), 5, "URL_INVALID"),
    ],
)
def test_what_is_said_wrongly(tmp_path: Path, arguments: tuple[Any, ...], code: int, reason: str) -> None:
    env = {"ZK_HOME": str(tmp_path / "home")}
    done = zk("ledger", "mirror", tmp_path / "mirror", *arguments, "--json", env=env)
    assert (done.code, done.reason) == (code, reason)
    assert not (tmp_path / "mirror" / "checkpoint").exists()


def test_a_fork_is_told_with_where_both_notes_are(tmp_path: Path) -> None:
    with operator(MemoryLog().grow(5)) as url:
        assert once(tmp_path, url).code == 0
    with operator(MemoryLog(seed=100).grow(5, 5)) as url:
        done = once(tmp_path, url)
        assert (done.code, done.reason) == (4, "LOG_FORKED")
        assert str(tmp_path / "refused") in done.err
        assert once(tmp_path, url, "--follow").code == 4


def fetched(address: str, path: str) -> bytes:
    with urllib.request.urlopen(f"http://{address}/{path}", timeout=10) as answer:
        octets: bytes = answer.read()
    return octets


def test_follow_and_serve_while_the_operator_comes_and_goes(tmp_path: Path) -> None:
    log = MemoryLog().grow(5)
    with operator(log) as url:
        more = ("--follow", "--interval", "0.2", "--serve", "127.0.0.1:0")
        with running(tmp_path, "--key", LOG.verifier, "--url", url, *more) as event:
            ready = event()
            assert ready["event"] == "ready"
            assert event() == {
                "event": "mirrored", "origin": LOG.name, "size": 6, "cosignatures": 0,
                "root": check(tmp_path, POLICY).checkpoint.root.hex(),
            }  # fmt: skip
            log.grow(400)
            assert event()["size"] == log.size
            assert fetched(ready["address"], "checkpoint") == log.note
            log.note = log.notes_at[6]
            assert (event()["reason"], log.size) == ("LOG_ROLLED_BACK", 407)
            log.note = sign_checkpoint(Checkpoint(LOG.name, 407, bytes(32)), LOG)
            assert event()["reason"] == "LOG_FORKED"
            # What stands goes on being served.
            assert fetched(ready["address"], "checkpoint") == log.notes_at[407]
    code, rest = ENDS.pop()
    assert (code, json.loads(rest)) == (4, {"event": "stopped"})
    with running(tmp_path, "--key", LOG.verifier, "--serve", "127.0.0.1:0") as event:
        address = event()["address"]
        assert fetched(address, "tile/entries/001.p/151")
        assert once(tmp_path / "second", f"http://{address}").json["size"] == 407
    assert ENDS.pop()[0] == 0


def test_a_source_that_is_away_is_told_once_and_waited_for(tmp_path: Path) -> None:
    log = MemoryLog().grow(5)
    with operator(log) as url:
        pass
    with running(tmp_path, "--key", LOG.verifier, "--url", url, "--follow", "--interval", "0.1") as event:
        assert event()["event"] == "ready"
        assert event()["reason"] == "UNREACHABLE"
        time.sleep(1)
    code, rest = ENDS.pop()
    assert (code, json.loads(rest)) == (0, {"event": "stopped"})  # the same trouble is not told again
