"""`zk witness` as an operator runs it: a folder, keys that change over, a process on TLS, what it tells."""

import datetime as dt
import json
import os
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from consortium.origins import origin_hash
from consortium.witness import load_keys
from tests.cli.running import Done, start, zk
from tests.consortium.making import LOG, ORIGIN, MemoryLog
from tests.consortium.witnesses import NAME, request, verified
from tlog import KeyType, LogLine, Policy, Verifier, mldsa
from zk.exits import Exit
from zkservice.config import Settings
from zkservice.tls import server_credentials

needs_mldsa = pytest.mark.skipif(not mldsa.is_supported(), reason="no ML-DSA in the cryptographic library")


def witness(*arguments: object, lang: str = "en") -> Done:
    return zk("witness", *arguments, "--lang", lang)


def done(*arguments: object) -> dict[str, Any]:
    ran = witness(*arguments, "--json")
    assert ran.code == 0, ran.err
    return ran.json


@contextmanager
def serving(
    home: Path, folder: Path, *options: object
) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    policy = home / "policy"
    policy.write_bytes(Policy((LogLine(LOG.verifier),)).to_bytes())
    command = ("witness", "serve", "--data", folder, "--policy", policy, "--port", 0, "--json", *options)
    process = start(*command)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline()), process
    finally:
        process.kill()
        process.communicate()


async def test_a_witness_from_its_folder_to_its_end(tmp_path: Path) -> None:
    folder, log = tmp_path / "w", MemoryLog().grow(3)
    made = done("init", NAME, "--data", folder)
    assert made["key"] == str(load_keys(folder)[0].verifier)
    assert folder.stat().st_mode & 0o077 == 0
    with serving(tmp_path, folder) as (ready, process):
        assert (ready["event"], ready["keys"], ready["logs"]) == ("ready", [made["key"]], [ORIGIN])
        url = f"http://{ready['address']}"
        answer = httpx.post(f"{url}/add-checkpoint", content=await request(log, 0))
        assert verified(folder, log.note, answer.content)[0].size == log.size
        second = witness("serve", "--data", folder, "--policy", tmp_path / "policy", "--port", 0)
        assert second.code == Exit.NOT_STARTED
        assert "FOLDER_BUSY" in second.err
        while_running = done("show", "--data", folder)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"event": "stopped"}
        assert process.wait(10) == 0
    shown = done("show", "--data", folder)
    assert shown == while_running
    (row,) = shown["logs"]
    assert (row["origin"], row["size"], row["refused"]) == (ORIGIN, log.size, 0)
    for lang in ("en", "zh"):
        said = witness("show", "--data", folder, lang=lang).out
        assert made["key"] in said
        assert row["root"] in said


@needs_mldsa
async def test_keys_change_over(tmp_path: Path) -> None:
    folder, log = tmp_path / "w", MemoryLog().grow(3)
    both = done("init", NAME, "--data", folder, "--ml-dsa")["keys"]
    assert [Verifier.from_string(each).key_type for each in both] == [
        KeyType.COSIGNATURE,
        KeyType.MLDSA_COSIGNATURE,
    ]
    third = done("rotate", "--data", folder)["key"]
    fourth = done("rotate", "--data", folder, "--ml-dsa")["key"]
    full = witness("rotate", "--data", folder)
    assert (full.code, "FOLDER_INVALID" in full.err) == (Exit.USAGE, True)
    with serving(tmp_path, folder) as (ready, _):
        assert ready["keys"] == [fourth, third, both[1], both[0]]
        url = f"http://{ready['address']}"
        answer = httpx.post(f"{url}/add-checkpoint", content=await request(log, 0))
        assert verified(folder, log.note, answer.content)[0].size == log.size, "all four have cosigned"
    for key in both:
        done("retire", Verifier.from_string(key).key_id.hex(), "--data", folder)
    old = log.size
    log.grow(1)
    with serving(tmp_path, folder) as (ready, _):
        url = f"http://{ready['address']}"
        answer = httpx.post(f"{url}/add-checkpoint", content=await request(log, old))
        assert verified(folder, log.note, answer.content)[0].size == log.size, "it remembers, with other keys"
    done("retire", Verifier.from_string(third).key_id.hex(), "--data", folder)
    for stays in ("00000000", Verifier.from_string(fourth).key_id.hex()):  # unknown, and the last
        assert witness("retire", stays, "--data", folder).code == Exit.USAGE
    assert [str(each.verifier) for each in load_keys(folder)] == [fourth]


async def test_it_speaks_tls(tmp_path: Path) -> None:
    folder, log = tmp_path / "w", MemoryLog().grow(3)
    done("init", NAME, "--data", folder)
    server_credentials(Settings(data=tmp_path, dev=True), dt.datetime.now(dt.UTC))
    pem = ("--certificate", tmp_path / "server.pem", "--private-key", tmp_path / "server.key")
    with serving(tmp_path, folder, *pem) as (ready, _):
        root = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        with httpx.Client(verify=root, trust_env=False) as client:
            url = f"https://{ready['address']}"
            assert client.post(f"{url}/add-checkpoint", content=await request(log, 0)).status_code == 200
            assert client.get(f"{url}/{origin_hash(ORIGIN)}/checkpoint").status_code == 200


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    folder, policy = tmp_path / "w", tmp_path / "policy"
    policy.write_bytes(b"quorum none\n")
    never = witness("serve", "--data", folder, "--policy", policy)
    assert (never.code, "FOLDER_INVALID" in never.err) == (Exit.NOT_STARTED, True)
    done("init", NAME, "--data", folder)
    again = witness("init", NAME, "--data", folder)
    assert (again.code, "WITNESS_EXISTS" in again.err) == (Exit.USAGE, True)
    assert witness("init", "a name", "--data", tmp_path / "x").code == Exit.USAGE
    assert not (tmp_path / "x").exists()
    policy.write_bytes(b"nonsense\n")
    assert witness("serve", "--data", folder, "--policy", policy).code == Exit.NOT_VERIFIED
    policy.write_bytes(b"quorum none\n")
    for options in (("--certificate", tmp_path / "none.pem"), ("--host", "192.0.2.1")):
        ran = witness("serve", "--data", folder, "--policy", policy, "--port", 0, *options)
        assert (ran.code, "Traceback" in ran.err) == (Exit.NOT_STARTED, False), ran.err
    secret = (folder / "witness.keys").read_text().split()[2]
    (folder / "witness.keys").chmod(0o644)
    open_to_all = witness("show", "--data", folder)
    assert (open_to_all.code, "chmod 600" in open_to_all.err) == (Exit.USAGE, True)
    (folder / "witness.keys").chmod(0o600)
    folder.chmod(0o770)
    shared = zk("witness", "show", "--data", folder)
    assert (shared.code, "chmod 700" in shared.err) == (Exit.USAGE, True)
    folder.chmod(0o700)
    for broken in (
        "",
        "x\n",
        f"w 05 {secret}\n",
        f"w {secret}\n",
        f"w 04 {secret[:-4]}\n",
        f"w 04 {secret}\n" * 2,
    ):
        (folder / "witness.keys").write_text(broken)
        ran = witness("show", "--data", folder)
        assert ran.code == Exit.USAGE
        assert secret[:-4] not in ran.err
    if os.getuid():
        (tmp_path / "shut").mkdir(mode=0o500)
        assert witness("init", NAME, "--data", tmp_path / "shut" / "w").code == Exit.USAGE
