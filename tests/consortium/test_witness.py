"""A witness over real HTTP, alone and killed: it never cosigns two things that do not go together."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from consortium.errors import FolderError
from consortium.witness import WitnessStore, load_keys, make_keys, opened_store, witness_app
from consortium.witness.app import origin_hash, split_refused
from consortium.witness.keys import drop_key
from tests.consortium.making import LOG, ORIGIN, OTHER, MemoryLog, served
from tests.consortium.witness_process import POINTS
from tests.vectors import require_vectors
from tlog import (
    AddCheckpoint,
    Checkpoint,
    LogLine,
    Policy,
    Verifier,
    open_cosigned,
    sign_checkpoint,
)
from tlog.keys import KeyType

ROOT = Path(__file__).parents[2]
KNOWN = {ORIGIN: (LOG.verifier,)}
NAME = "w.example"


@contextmanager
def store_of(folder: Path) -> Iterator[WitnessStore]:
    if not (folder / "witness.keys").exists():
        make_keys(folder, NAME)
    with opened_store(folder, KNOWN, load_keys(folder)) as store:
        yield store


async def request(log: MemoryLog, old: int, size: int | None = None) -> bytes:
    size = log.size if size is None else size
    return AddCheckpoint(old, tuple(await log.prove(old, size)), log.notes_at[size]).to_bytes()


def verified(folder: Path, note: bytes, lines: bytes) -> tuple[Checkpoint, int]:
    keys = [each.verifier for each in load_keys(folder)]
    checkpoint, cosignatures = open_cosigned(note + lines, LOG.verifier, keys, 1)
    return checkpoint, cosignatures[0].time


async def test_growth_is_cosigned_over_http_and_shown(tmp_path: Path) -> None:
    log = MemoryLog()
    with store_of(tmp_path) as store:
        async with served(witness_app(store, KNOWN, lambda: 1000)) as url, httpx.AsyncClient() as client:
            place = f"{url}/{origin_hash(ORIGIN)}"
            assert (await client.get(f"{place}/checkpoint")).status_code == 404
            old = 0
            for count in (1, 5, 300, 2):
                log.grow(count)
                answer = await client.post(f"{url}/add-checkpoint", content=await request(log, old))
                assert answer.status_code == 200
                assert answer.headers["content-type"].startswith("text/plain")
                assert verified(tmp_path, log.note, answer.content)[0].size == log.size
                shown = await client.get(f"{place}/checkpoint")
                assert shown.content == log.note + answer.content
                old = log.size
            assert (await client.get(f"{place}/refused")).content == b""
            late = await client.post(f"{url}/add-checkpoint", content=await request(log, 0))
            assert (late.status_code, late.content) == (409, f"{log.size}\n".encode())
            assert late.headers["content-type"] == "text/x.tlog.size"
            again = await client.post(f"{url}/add-checkpoint", content=await request(log, old))
            assert again.status_code == 200, "the same checkpoint again is cosigned again"


async def test_the_official_exchange(tmp_path: Path) -> None:
    exchange = json.loads(require_vectors("log", "witness", "add-checkpoint-exchange.json").read_text())
    origin = exchange["in_order"][0]["request_body"].split("\n")[2]
    log = Verifier(origin, KeyType.ED25519, bytes.fromhex(exchange["log_public_key_hex"]))
    make_keys(tmp_path, exchange["witness_name"])
    known = {origin: (log,)}
    with opened_store(tmp_path, known, load_keys(tmp_path)) as store:
        async with served(witness_app(store, known, lambda: 1)) as url, httpx.AsyncClient() as client:
            for step in exchange["in_order"]:
                answer = await client.post(f"{url}/add-checkpoint", content=step["request_body"].encode())
                # The text of the specification has 404 for an unknown origin, the recording 403.
                unknown = step["value"] == "unknown log"
                assert answer.status_code == (404 if unknown else step["status"])
                if step["response"] == "==":
                    assert answer.text == step["value"]
                else:
                    assert step["value"] in answer.text


async def test_another_view_is_refused_and_kept_as_evidence(tmp_path: Path) -> None:
    log = MemoryLog().grow(4)
    fork = log.fork(700).grow(3)
    log.grow(3)
    beyond = log.fork(900).grow(2)
    with store_of(tmp_path) as store:
        assert store.add(await request(log, 0), 5)[0].status == 200
        same_size = AddCheckpoint(log.size, (), fork.note).to_bytes()
        assert store.add(same_size, 6)[0].status == 409
        fork.grow(1)
        proof = tuple(await fork.prove(log.size, fork.size))
        assert store.add(AddCheckpoint(log.size, proof, fork.note).to_bytes(), 6)[0].status == 422
        stranger = sign_checkpoint(Checkpoint(ORIGIN, 50, bytes(32)), OTHER.from_secret(ORIGIN, bytes(32)))
        assert store.add(AddCheckpoint(log.size, (), stranger).to_bytes(), 6)[0].status == 403
        assert store.add(await request(beyond, log.size), 7)[0].status == 200, "this one goes with it"
        kept = store.refused(ORIGIN)
        assert kept == [fork.notes_at[log.size], fork.note]
        app = witness_app(store, KNOWN, lambda: 1)
        async with served(app) as url, httpx.AsyncClient() as client:
            body = (await client.get(f"{url}/{origin_hash(ORIGIN)}/refused")).content
            assert split_refused(body) == kept
            assert (await client.get(f"{url}/{origin_hash('no.example')}/refused")).status_code == 404
    for broken in (b"5\nab", b"x\n", b"99999999\n", b"3"):
        assert split_refused(broken) == []


async def test_what_is_kept_as_evidence_is_bounded(tmp_path: Path) -> None:
    log = MemoryLog().grow(4)
    with store_of(tmp_path) as store:
        store.add(await request(log, 0), 5)
        for number in range(40):
            root = bytes([number]) * 32
            note = sign_checkpoint(Checkpoint(ORIGIN, log.size, root), LOG)
            assert store.add(AddCheckpoint(log.size, (), note).to_bytes(), 6)[0].status == 409
        assert len(store.refused(ORIGIN)) == 16


async def test_many_at_once_never_roll_the_record_back(tmp_path: Path) -> None:
    log = MemoryLog()
    for _ in range(12):
        log.grow(1)
    sizes = sorted(log.notes_at)
    bodies = [await request(log, old, size) for old in (0, *sizes) for size in sizes if old <= size]
    with store_of(tmp_path) as store:
        async with (
            served(witness_app(store, KNOWN, lambda: 9)) as url,
            httpx.AsyncClient(timeout=30) as client,
        ):
            cosigned = list[int]()

            async def post(body: bytes) -> None:
                answer = await client.post(f"{url}/add-checkpoint", content=body)
                assert answer.status_code in (200, 409)
                if answer.status_code == 200:
                    note = AddCheckpoint.parse(body).note
                    cosigned.append(verified(tmp_path, note, answer.content)[0].size)

            async def watch() -> None:
                seen = 0
                while len(cosigned) < 1 or cosigned[-1] != sizes[-1]:
                    found = await asyncio.to_thread(store.cosigned, ORIGIN)
                    size = found.checkpoint.size if found else 0
                    assert size >= seen, "the record went back"
                    seen = size
                    await asyncio.sleep(0)

            watching = asyncio.create_task(watch())
            for _ in range(len(sizes)):
                await asyncio.gather(*map(post, bodies))
                if cosigned and max(cosigned) == sizes[-1]:
                    break
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            found = store.cosigned(ORIGIN)
            assert found is not None
            assert found.checkpoint.size == max(cosigned) == sizes[-1]


async def test_a_clock_that_jumps_does_not_turn_time_back(tmp_path: Path) -> None:
    log, times = MemoryLog(), list[int]()
    with store_of(tmp_path) as store:
        for now in (1000, 5000, 10, 6000):
            old = log.size
            log.grow(1)
            _, lines = store.add(await request(log, old), now)
            times.append(verified(tmp_path, log.note, lines)[1])
    assert times == [1000, 5000, 5000, 6000]


BAD = [
    (b"", 400),
    (b"nonsense", 400),
    (b"old 0\n\n", 400),
    (b"old 00\n\nx\n", 400),
    (b"old -1\n\nx\n", 400),
    (b"old 0\n" + b"AAAA\n" * 3 + b"\nx\n", 400),
    (b"old 0\n\n" + sign_checkpoint(Checkpoint(OTHER.name, 1, bytes(32)), OTHER), 404),
    (b"old 9\n\n" + sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), LOG), 400),
    (b"old 0\n\n" + sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), LOG)[:-8] + b"AAAAAA==\n", 403),
    (b"old 0\n\n" + sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), LOG), 422),
]


async def test_bad_requests_are_answered_and_nothing_is_stored(tmp_path: Path) -> None:
    with store_of(tmp_path) as store:
        async with served(witness_app(store, KNOWN, lambda: 1)) as url, httpx.AsyncClient() as client:
            for body, status in BAD:
                answer = await client.post(f"{url}/add-checkpoint", content=body)
                assert answer.status_code == status, body
            flood = await client.post(f"{url}/add-checkpoint", content=bytes(3 << 20))
            assert flood.status_code == 413
            assert (await client.get(f"{url}/add-checkpoint")).status_code == 405
            for path in ("/", "/x/checkpoint", "/x/refused", "/add-checkpoint/x"):
                assert (await client.get(url + path)).status_code == 404
        assert store.cosigned(ORIGIN) is None
        assert store.refused(ORIGIN) == []


async def test_a_body_that_does_not_come_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consortium.serving.BODY_SECONDS", 0.2)
    with store_of(tmp_path) as store:
        async with served(witness_app(store, KNOWN, lambda: 1)) as url:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            writer.write(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nold")
            async with asyncio.timeout(5):
                assert b"408" in await reader.readline()
            writer.close()


def test_two_witnesses_do_not_share_a_folder(tmp_path: Path) -> None:
    with store_of(tmp_path), pytest.raises(FolderError, match="FOLDER_BUSY"), store_of(tmp_path):
        pytest.fail("two have it")


def test_keys_are_private_and_change_over(tmp_path: Path) -> None:
    first = make_keys(tmp_path, NAME)
    second = make_keys(tmp_path, NAME)
    assert [each.verifier for each in load_keys(tmp_path)] == [second.verifier, first.verifier]
    path = tmp_path / "witness.keys"
    assert path.stat().st_mode & 0o777 == 0o600
    with store_of(tmp_path) as store:
        log = MemoryLog().grow(2)
        _, lines = store.add(asyncio.run(request(log, 0)), 3)
    for key in (first, second):
        assert open_cosigned(log.note + lines, LOG.verifier, [key.verifier], 1)
    drop_key(tmp_path, first.verifier.key_id.hex())
    assert [each.verifier for each in load_keys(tmp_path)] == [second.verifier]
    with pytest.raises(FolderError):
        drop_key(tmp_path, second.verifier.key_id.hex())
    path.chmod(0o644)
    with pytest.raises(FolderError, match="chmod 600"):
        load_keys(tmp_path)
    path.chmod(0o600)
    for broken in ("", "x\n", "w AAAA\n", "a b " + "A" * 44 + "\n", path.read_text() * 2):
        path.write_text(broken)
        with pytest.raises(FolderError) as caught:
            load_keys(tmp_path)
        assert "AAAA" not in str(caught.value)


@asynccontextmanager
async def process(folder: Path, *arguments: object) -> AsyncIterator[tuple[str, subprocess.Popen[str]]]:
    policy = folder / "policy"
    policy.write_bytes(Policy((LogLine(LOG.verifier),)).to_bytes())
    handle = subprocess.Popen(
        [sys.executable, "-m", "tests.consortium.witness_process", *map(str, (folder, policy, *arguments))],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert handle.stdout is not None
    try:
        port = (await asyncio.to_thread(handle.stdout.readline)).strip()
        assert port, "the witness did not start"
        yield f"http://127.0.0.1:{port}", handle
    finally:
        handle.kill()
        handle.wait()
        handle.stdout.close()


@pytest.mark.parametrize("kind", ["killed", "fails"])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("point", POINTS)
async def test_a_fault_at_each_step_of_the_store(tmp_path: Path, point: str, times: int, kind: str) -> None:
    """Whatever left the process before is still known after, and another view is refused."""
    make_keys(tmp_path, NAME)
    log, answered = MemoryLog(), list[bytes]()
    async with process(tmp_path, point, times, kind) as (url, handle), httpx.AsyncClient() as client:
        for _ in range(3):
            old = log.size
            log.grow(2)
            try:
                answer = await client.post(f"{url}/add-checkpoint", content=await request(log, old))
            except httpx.HTTPError:
                break
            if answer.status_code == 503:
                break
            assert answer.status_code == 200
            answered.append(log.note)
        assert (tmp_path / "reached").read_text() == point, "the fault point was not reached"
        if kind == "killed":
            assert handle.wait(10) == -signal.SIGKILL
        else:
            again = await client.post(f"{url}/add-checkpoint", content=await request(log, old))
            assert again.status_code == (409 if point == "committed" else 200)
    with store_of(tmp_path) as store:
        found = store.cosigned(ORIGIN)
        size = found.checkpoint.size if found else 0
        known = [Checkpoint.parse(each.decode().split("\n\n")[0] + "\n").size for each in answered]
        assert size >= max(known, default=0), "a cosignature left and is forgotten"
        if size:
            fork = MemoryLog(seed=500).grow(*(2,) * (size // 3 + 1))
            body = AddCheckpoint(size, tuple(await fork.prove(size, fork.size)), fork.note).to_bytes()
            assert store.add(body, 1)[0].status == 422
        assert store.add(await request(log, size), 1)[0].status == 200


async def test_a_full_disk_stores_nothing_and_heals(tmp_path: Path) -> None:
    """The file may not grow: SQLite says that the disk is full, as it does on one that is."""
    log = MemoryLog().grow(2)
    with store_of(tmp_path) as store:
        assert store.add(await request(log, 0), 1)[0].status == 200
        (pages,) = store._connection.execute("pragma page_count").fetchone()
        store._connection.execute(f"pragma max_page_count = {pages}")
        app = witness_app(store, KNOWN, lambda: 2)
        async with served(app) as url, httpx.AsyncClient() as client:
            statuses = set[int]()
            for number in range(60):  # roots that differ fill the evidence, growth the row
                root = bytes([number]) * 32
                note = sign_checkpoint(Checkpoint(ORIGIN, log.size, root), LOG)
                body = AddCheckpoint(log.size, (), note).to_bytes() if number % 2 else await _grown(log)
                statuses.add((await client.post(f"{url}/add-checkpoint", content=body)).status_code)
            assert statuses <= {200, 409, 503}
            store._connection.execute("pragma max_page_count = 1000000")
            found = store.cosigned(ORIGIN)
            assert found is not None
            body = await request(log, found.checkpoint.size)
            assert (await client.post(f"{url}/add-checkpoint", content=body)).status_code == 200


async def _grown(log: MemoryLog) -> bytes:
    old = log.size
    log.grow(1)
    return await request(log, old)
