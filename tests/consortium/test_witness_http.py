"""A witness over real HTTP: the official exchange, good requests, bad ones, many at once, slow ones."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from consortium.origins import origin_hash
from consortium.witness import WitnessStore, load_keys, make_keys, opened_store, witness_app
from consortium.witness.app import split_refused
from tests.consortium.making import LOG, ORIGIN, OTHER, MemoryLog, served
from tests.consortium.witnesses import KNOWN, request, store_of, verified
from tests.vectors import require_vectors
from tlog import AddCheckpoint, Checkpoint, Signer, Verifier, sign_checkpoint
from tlog.keys import KeyType


@asynccontextmanager
async def witness(folder: Path) -> AsyncIterator[tuple[WitnessStore, str, httpx.AsyncClient]]:
    with store_of(folder) as store:
        async with (
            served(witness_app(store, KNOWN, lambda: 9)) as url,
            httpx.AsyncClient(timeout=30) as client,
        ):
            yield store, url, client


async def test_growth_is_cosigned_and_shown(tmp_path: Path) -> None:
    log = MemoryLog()
    async with witness(tmp_path) as (_, url, client):
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
            assert shown.headers["cache-control"] == "no-store"
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


async def test_what_was_refused_is_shown_to_monitors(tmp_path: Path) -> None:
    log = MemoryLog().grow(4)
    fork = MemoryLog(seed=700).grow(4)
    async with witness(tmp_path) as (_, url, client):
        assert (await client.post(f"{url}/add-checkpoint", content=await request(log, 0))).status_code == 200
        other = AddCheckpoint(log.size, (), fork.note).to_bytes()
        assert (await client.post(f"{url}/add-checkpoint", content=other)).status_code == 409
        body = (await client.get(f"{url}/{origin_hash(ORIGIN)}/refused")).content
        assert split_refused(body) == [log.note, fork.note]
        assert (await client.get(f"{url}/{origin_hash('no.example')}/refused")).status_code == 404


@pytest.mark.parametrize("broken", [b"5\nab", b"x\n", b"99999999\n", b"3", b"\n", b"-1\nab"])
def test_a_badly_framed_list_of_refused_notes_ends(broken: bytes) -> None:
    assert split_refused(broken) == []
    assert split_refused(b"2\nab" + broken) == [b"ab"]


async def test_many_at_once_never_roll_the_record_back(tmp_path: Path) -> None:
    log = MemoryLog()
    for _ in range(12):
        log.grow(1)
    sizes = sorted(log.notes_at)
    bodies = [await request(log, old, size) for old in (0, *sizes) for size in sizes if old <= size]
    assert len(bodies) > 50
    async with witness(tmp_path) as (store, url, client):
        cosigned, seen = list[int](), list[int]()

        async def post(body: bytes) -> None:
            answer = await client.post(f"{url}/add-checkpoint", content=body)
            assert answer.status_code in (200, 409)
            if answer.status_code == 200:
                size = verified(tmp_path, AddCheckpoint.parse(body).note, answer.content)[0].size
                found = await asyncio.to_thread(store.cosigned, ORIGIN)
                assert found is not None
                assert found.checkpoint.size >= size, "it left before it was stored"
                cosigned.append(size)

        async def watch() -> None:
            while True:
                found = await asyncio.to_thread(store.cosigned, ORIGIN)
                seen.append(found.checkpoint.size if found else 0)
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        while sizes[-1] not in cosigned:
            await asyncio.gather(*map(post, bodies))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert seen == sorted(seen), "the record went back"
        found = store.cosigned(ORIGIN)
        assert found is not None
        assert found.checkpoint.size == max(cosigned)


async def test_two_views_at_once_are_not_both_cosigned(tmp_path: Path) -> None:
    """Fifty requests race from the same size to two views: all that are cosigned are of one view."""
    log = MemoryLog().grow(3)
    views = [log.fork(100).grow(2), log.fork(200).grow(2)]
    async with witness(tmp_path) as (_, url, client):
        await client.post(f"{url}/add-checkpoint", content=await request(log, 0))
        bodies = [await request(views[number % 2], log.size) for number in range(50)]
        answers = await asyncio.gather(
            *(client.post(f"{url}/add-checkpoint", content=body) for body in bodies)
        )
        cosigned = {body for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 200}
        assert len(cosigned) == 1
        assert {answer.status_code for answer in answers} <= {200, 409}


BAD = [
    (b"", 400),
    (b"nonsense", 400),
    (b"old 0\n\n", 400),
    (b"old 00\n\nx\n", 400),
    (b"old -1\n\nx\n", 400),
    (b"old 99999999999999999999\n\nx\n", 400),
    (b"old 0\n" + b"AAAA\n" * 3 + b"\nx\n", 400),
    (b"old 0\r\n\r\n" + sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), LOG), 400),
    (
        b"old 0\n" + b"A" * 43 + b"=\n" * 64 + b"\n" + sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), LOG),
        400,
    ),
    (b"old 0\n\n" + sign_checkpoint(Checkpoint(OTHER.name, 1, bytes(32)), OTHER), 404),
    (b"old 9\n\n" + sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), LOG), 400),
    (b"old 0\n\n" + sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), LOG)[:-8] + b"AAAAAA==\n", 403),
    (
        b"old 0\n\n"
        + sign_checkpoint(Checkpoint(ORIGIN, 50, bytes(32)), Signer.from_secret(ORIGIN, bytes(32))),
        403,
    ),
    (b"old 0\n\n" + sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), LOG), 422),
]


async def test_bad_requests_are_answered_and_nothing_is_stored(tmp_path: Path) -> None:
    async with witness(tmp_path) as (store, url, client):
        for body, status in BAD:
            answer = await client.post(f"{url}/add-checkpoint", content=body)
            assert answer.status_code == status, body
        flood = await client.post(f"{url}/add-checkpoint", content=bytes(3 << 20))
        assert flood.status_code == 413
        assert (await client.get(f"{url}/add-checkpoint")).status_code == 405
        assert (await client.post(f"{url}/{origin_hash(ORIGIN)}/checkpoint")).status_code == 405
        for path in (
            "/",
            "/x/checkpoint",
            "/x/refused",
            "/add-checkpoint/x",
            "/add-checkpoint/",
            "/../checkpoint",
        ):
            assert (await client.get(url + path)).status_code == 404
        assert store.all() == []
        assert store.refused(ORIGIN) == []


async def test_a_body_that_does_not_come_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consortium.serving.BODY_SECONDS", 0.2)
    async with witness(tmp_path) as (store, url, _):
        reader, writer = await _connected(url)
        writer.write(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nold")
        async with asyncio.timeout(5):
            assert b"408" in await reader.readline()
        writer.close()
        assert store.all() == []


async def test_half_a_request_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consortium.serving.HEAD_SECONDS", 0.2)
    async with witness(tmp_path) as (_, url, _client):
        for half in (b"", b"POST /add-che", b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n"):
            reader, writer = await _connected(url)
            writer.write(half)
            async with asyncio.timeout(5):
                assert await reader.read() in (b"", b"Invalid HTTP request received.")
            writer.close()


async def test_whoever_hangs_up_disturbs_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = MemoryLog().grow(2)
    whole = await request(log, 0)
    head = f"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: {len(whole)}\r\n\r\n".encode()
    async with witness(tmp_path) as (store, url, client):
        for sent in (head, head + whole[:-1], head + whole, b"\x16\x03\x01" * 50, b"GET / HTTP/9\r\n\r\n"):
            _, writer = await _connected(url)
            writer.write(sent)
            await writer.drain()
            writer.transport.abort()
        # One whole request may have been taken, and its answer is asked for again.
        async with asyncio.timeout(5):
            while True:
                found = store.cosigned(ORIGIN)
                old = found.checkpoint.size if found else 0
                answer = await client.post(f"{url}/add-checkpoint", content=await request(log, old))
                if answer.status_code == 200:
                    break
    assert "Traceback" not in capfd.readouterr().err


async def test_nine_logs_each_second_are_little(tmp_path: Path) -> None:
    logs = [MemoryLog(Signer.generate(f"city-{n}.example/log")) for n in range(9)]
    known = {each.signer.name: (each.signer.verifier,) for each in logs}
    make_keys(tmp_path, "w.example")
    rounds = list[float]()
    with opened_store(tmp_path, known, load_keys(tmp_path)) as store:
        async with served(witness_app(store, known, lambda: 9)) as url, httpx.AsyncClient() as client:
            for _ in range(5):
                bodies = list[bytes]()
                for log in logs:
                    old = log.size
                    log.grow(3)
                    bodies.append(await request(log, old))
                begun = time.perf_counter()
                answers = await asyncio.gather(
                    *(client.post(f"{url}/add-checkpoint", content=body) for body in bodies)
                )
                rounds.append(time.perf_counter() - begun)
                assert {each.status_code for each in answers} == {200}
    assert min(rounds) < 0.5, rounds


async def test_an_answer_leaves_at_once(tmp_path: Path) -> None:
    """No answer waits in a buffer for the receipt of its first packet, which takes 40 ms."""
    took, body = list[float](), await request(MemoryLog().grow(3), 0)
    async with witness(tmp_path) as (_, url, client):
        for _ in range(20):
            begun = time.perf_counter()
            assert (await client.post(f"{url}/add-checkpoint", content=body)).content
            took.append(time.perf_counter() - begun)
    assert min(took) < 0.03, took


async def _connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
