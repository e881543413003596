"""`zk witness` as an operator runs it: a folder, keys that change over, a process on TLS, what it tells."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from consortium.witness import load_keys
from consortium.witness.app import origin_hash
from tests.consortium.making import LOG, ORIGIN, MemoryLog
from tests.consortium.witnesses import NAME, request, verified
from tlog import KeyType, LogLine, Policy, Verifier, mldsa
from zk.exits import Exit
from zkservice.tls import make_local_certificate

ZK = (sys.executable, "-m", "zk.cli", "witness")
needs_mldsa = pytest.mark.skipif(not mldsa.is_supported(), reason="no ML-DSA in the cryptographic library")


def zk(home: Path, *arguments: object, lang: str = "en") -> subprocess.CompletedProcess[str]:
    command = [*ZK, *map(str, arguments), "--lang", lang, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def done(home: Path, *arguments: object) -> dict[str, Any]:
    ran = zk(home, *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


@contextmanager
def serving(home: Path, folder: Path, *options: object) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    policy = home / "policy"
    policy.write_bytes(Policy((LogLine(LOG.verifier),)).to_bytes())
    command = [*ZK, "serve", "--data", folder, "--policy", policy, "--port", 0, "--json", *options]
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline()), process
    finally:
        process.kill()
        process.communicate()


async def test_a_witness_from_its_folder_to_its_end(tmp_path: Path) -> None:
    folder, log = tmp_path / "w", MemoryLog().grow(3)
    made = done(tmp_path, "init", NAME, "--data", folder)
    assert made["key"] == str(load_keys(folder)[0].verifier)
    assert folder.stat().st_mode & 0o077 == 0
    with serving(tmp_path, folder) as (ready, process):
        assert (ready["event"], ready["keys"], ready["logs"]) == ("ready", [made["key"]], [ORIGIN])
        url = f"http://{ready['address']}"
        answer = httpx.post(f"{url}/add-checkpoint", content=await request(log, 0))
        assert verified(folder, log.note, answer.content)[0].size == log.size
        second = zk(tmp_path, "serve", "--data", folder, "--policy", tmp_path / "policy", "--port", 0)
        assert second.returncode == Exit.NOT_STARTED
        assert "FOLDER_BUSY" in second.stderr
        while_running = done(tmp_path, "show", "--data", folder)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"event": "stopped"}
        assert process.wait(10) == 0
    shown = done(tmp_path, "show", "--data", folder)
    assert shown == while_running
    (row,) = shown["logs"]
    assert (row["origin"], row["size"], row["refused"]) == (ORIGIN, log.size, 0)
    for lang in ("en", "zh"):
        said = zk(tmp_path, "show", "--data", folder, lang=lang).stdout
        assert made["key"] in said
        assert row["root"] in said


@needs_mldsa
async def test_keys_change_over(tmp_path: Path) -> None:
    folder, log = tmp_path / "w", MemoryLog().grow(3)
    both = done(tmp_path, "init", NAME, "--data", folder, "--ml-dsa")["keys"]
    assert [Verifier.from_string(each).key_type for each in both] == [
        KeyType.COSIGNATURE,
        KeyType.MLDSA_COSIGNATURE,
    ]
    third = done(tmp_path, "rotate", "--data", folder)["key"]
    fourth = done(tmp_path, "rotate", "--data", folder, "--ml-dsa")["key"]
    full = zk(tmp_path, "rotate", "--data", folder)
    assert (full.returncode, "FOLDER_INVALID" in full.stderr) == (Exit.USAGE, True)
    with serving(tmp_path, folder) as (ready, _):
        assert ready["keys"] == [fourth, third, both[1], both[0]]
        url = f"http://{ready['address']}"
        answer = httpx.post(f"{url}/add-checkpoint", content=await request(log, 0))
        assert verified(folder, log.note, answer.content)[0].size == log.size, "all four have cosigned"
    for key in both:
        done(tmp_path, "retire", Verifier.from_string(key).key_id.hex(), "--data", folder)
    old = log.size
    log.grow(1)
    with serving(tmp_path, folder) as (ready, _):
        url = f"http://{ready['address']}"
        answer = httpx.post(f"{url}/add-checkpoint", content=await request(log, old))
        assert verified(folder, log.note, answer.content)[0].size == log.size, "it remembers, with other keys"
    for key in (third, "00000000"):
        key_id = key if key == "00000000" else Verifier.from_string(key).key_id.hex()
        ran = zk(tmp_path, "retire", key_id, "--data", folder)
        assert ran.returncode == (Exit.USAGE if key == "00000000" else 0)
    last = Verifier.from_string(fourth).key_id.hex()
    assert zk(tmp_path, "retire", last, "--data", folder).returncode == Exit.USAGE, "the last one stays"


async def test_it_speaks_tls(tmp_path: Path) -> None:
    folder, log = tmp_path / "w", MemoryLog().grow(3)
    done(tmp_path, "init", NAME, "--data", folder)
    certificate, key, root = certificates(tmp_path)
    with serving(tmp_path, folder, "--certificate", certificate, "--private-key", key) as (ready, _):
        import ssl

        with httpx.Client(verify=ssl.create_default_context(cafile=root)) as client:
            url = f"https://{ready['address']}"
            assert client.post(f"{url}/add-checkpoint", content=await request(log, 0)).status_code == 200
            assert client.get(f"{url}/{origin_hash(ORIGIN)}/checkpoint").status_code == 200


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    folder, policy = tmp_path / "w", tmp_path / "policy"
    policy.write_bytes(b"quorum none\n")
    never = zk(tmp_path, "serve", "--data", folder, "--policy", policy)
    assert (never.returncode, "FOLDER_INVALID" in never.stderr) == (Exit.NOT_STARTED, True)
    done(tmp_path, "init", NAME, "--data", folder)
    again = zk(tmp_path, "init", NAME, "--data", folder)
    assert (again.returncode, "WITNESS_EXISTS" in again.stderr) == (Exit.USAGE, True)
    assert zk(tmp_path, "init", "a name", "--data", tmp_path / "x").returncode == Exit.USAGE
    assert not (tmp_path / "x").exists()
    policy.write_bytes(b"nonsense\n")
    assert zk(tmp_path, "serve", "--data", folder, "--policy", policy).returncode == Exit.NOT_VERIFIED
    policy.write_bytes(b"quorum none\n")
    for options in (("--certificate", tmp_path / "none.pem"), ("--host", "192.0.2.1")):
        ran = zk(tmp_path, "serve", "--data", folder, "--policy", policy, "--port", 0, *options)
        assert (ran.returncode, "Traceback" in ran.stderr) == (Exit.NOT_STARTED, False), ran.stderr
    secret = (folder / "witness.keys").read_text().split()[2]
    (folder / "witness.keys").chmod(0o644)
    open_to_all = zk(tmp_path, "show", "--data", folder)
    assert (open_to_all.returncode, "chmod 600" in open_to_all.stderr) == (Exit.USAGE, True)
    (folder / "witness.keys").chmod(0o600)
    for broken in ("", "x\n", f"w 05 {secret}\n", f"w {secret}\n", f"w 04 {secret[:-4]}\n", f"w 04 {secret}\n" * 2):
        (folder / "witness.keys").write_text(broken)
        ran = zk(tmp_path, "show", "--data", folder)
        assert ran.returncode == Exit.USAGE
        assert secret[:-4] not in ran.stderr
    if os.getuid():
        (tmp_path / "shut").mkdir(mode=0o500)
        assert zk(tmp_path, "init", NAME, "--data", tmp_path / "shut" / "w").returncode == Exit.USAGE
