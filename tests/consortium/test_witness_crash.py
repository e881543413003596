"""A witness in a process of its own that is killed at each call of its store and started again."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from consortium.witness import load_keys, make_keys
from tests.consortium.making import LOG, ORIGIN, MemoryLog
from tests.consortium.witnesses import NAME, request, store_of, verified
from tlog import AddCheckpoint, LogLine, Policy

ROOT = Path(__file__).parents[2]
CALLS = {6: "begin", 7: "select", 8: "insert", 9: "delete", 10: "commit"}
"""Those of the second request. The first makes as many."""


@asynccontextmanager
async def process(folder: Path, *fault: object) -> AsyncIterator[tuple[str, subprocess.Popen[str]]]:
    policy = folder / "policy"
    policy.write_bytes(Policy((LogLine(LOG.verifier),)).to_bytes())
    handle = subprocess.Popen(
        [sys.executable, "-m", "tests.consortium.witness_process", *map(str, (folder, policy, *fault))],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert handle.stdout is not None
    assert handle.stderr is not None
    try:
        port = (await asyncio.to_thread(handle.stdout.readline)).strip()
        assert port, handle.stderr.read()
        yield f"http://127.0.0.1:{port}", handle
    finally:
        handle.kill()
        handle.communicate()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", [5, *CALLS])
async def test_killed_at_any_call_it_contradicts_nothing_that_left_it(
    tmp_path: Path, call: int, when: str
) -> None:
    make_keys(tmp_path, NAME)
    log, answered = MemoryLog(), 0
    async with process(tmp_path, call, when, "killed") as (url, handle), httpx.AsyncClient() as client:
        for _ in range(3):
            old = log.size
            log.grow(2)
            try:
                answer = await client.post(f"{url}/add-checkpoint", content=await request(log, old))
            except httpx.HTTPError:
                break
            answered = verified(tmp_path, log.note, answer.content)[0].size
        assert handle.wait(10) == -signal.SIGKILL
    assert (tmp_path / "reached").read_text() == CALLS.get(call, "commit"), "the call was not reached"
    asked = log.size
    stored = asked if (call, when) in ((5, "after"), (10, "after")) else answered
    fork = MemoryLog(seed=500).grow(2, 2, 2)
    async with process(tmp_path) as (url, _), httpx.AsyncClient() as client:
        late = await client.post(f"{url}/add-checkpoint", content=await request(log, asked))
        if stored == asked:
            assert late.status_code == 200, "the same again"
        else:
            assert (late.status_code, late.text) == (409, f"{stored}\n")
        if stored:
            other = AddCheckpoint(stored, tuple(await fork.prove(stored, fork.size)), fork.note).to_bytes()
            assert (await client.post(f"{url}/add-checkpoint", content=other)).status_code == 422
        right = await client.post(f"{url}/add-checkpoint", content=await request(log, stored))
        assert verified(tmp_path, log.note, right.content)[0].size == asked


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_failed_commit_is_answered_and_the_process_goes_on(tmp_path: Path, when: str) -> None:
    make_keys(tmp_path, NAME)
    log = MemoryLog().grow(2)
    async with process(tmp_path, 10, when, "fails") as (url, handle), httpx.AsyncClient() as client:
        assert (await client.post(f"{url}/add-checkpoint", content=await request(log, 0))).status_code == 200
        old = log.size
        log.grow(2)
        answer = await client.post(f"{url}/add-checkpoint", content=await request(log, old))
        assert answer.status_code == 503
        assert (tmp_path / "reached").read_text() == "commit"
        stored = log.size if when == "after" else old
        told = await client.post(f"{url}/add-checkpoint", content=await request(log, 0))
        assert (told.status_code, told.text) == (409, f"{stored}\n")
        right = await client.post(f"{url}/add-checkpoint", content=await request(log, stored))
        assert verified(tmp_path, log.note, right.content)[0].size == log.size
        assert handle.poll() is None


async def test_no_secret_is_in_what_a_process_says(tmp_path: Path) -> None:
    make_keys(tmp_path, NAME)
    (key,) = load_keys(tmp_path)
    log = MemoryLog().grow(2)
    async with process(tmp_path, 1, "before", "fails") as (url, handle), httpx.AsyncClient() as client:
        said = list[bytes]()
        for body in (await request(log, 0), b"x", await request(log, 0), await request(log, 0)):
            said.append((await client.post(f"{url}/add-checkpoint", content=body)).content)
        said.append((await client.get(url + "/nowhere")).content)
        handle.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(handle.wait, 10) == 0
        assert handle.stdout is not None
        assert handle.stderr is not None
        said += [handle.stdout.read().encode(), handle.stderr.read().encode()]
    with store_of(tmp_path) as store:
        found = store.cosigned(ORIGIN)
        said.append(f"{store!r}{found!r}{key!r}".encode())
    secret = (tmp_path / "witness.keys").read_text().split()[2].encode()
    for text in said:
        assert secret not in text
        assert key.to_secret() not in text
        assert key.to_secret().hex().encode() not in text
