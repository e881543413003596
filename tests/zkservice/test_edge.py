"""The HTTP edge of a live server: C2SP's paths, every entry, a mirror of it, and whoever is a nuisance."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import Connection

from consortium.fetching import Fetcher
from consortium.folder import Folder
from consortium.mirror import Mirror
from consortium.source import HttpSource, fetch_inclusion, notes_path, read_all
from tests.tlog.making import holder_note, receipt, record
from tests.zkservice.auditing import audit
from tests.zkservice.stored import change
from tests.zkservice.support import City, reopened
from tests.zkservice.witnessing import anchored, consortium, grow, head, published, size_of
from tlog import Checkpoint, Follower, Policy, Verifier, leaf_hash, open_checkpoint, verify_inclusion
from tlog.merkle import HASH_OCTETS
from tlog.tiles import TILE_WIDTH, TileId, entries_path, parse_entry_bundle, tile_path, tile_width
from zkproto.v1 import ledger_pb2
from zkservice.errors import StartError
from zkservice.storage import ledger

ENTRIES: Final = 700
"""Enough for two full tiles, a partial one and a level above."""
PLAIN: Final[dict[str, Any]] = {"http_port": 0, "http_plain": True}


def base(town: City) -> str:
    return f"http://127.0.0.1:{town.ready.http_port}"


def enqueue(folder: Path, count: int) -> None:
    """Let so many receipts and records wait for a server that does not run."""
    for number in range(count):
        entry, note = (receipt(number), holder_note(number)) if number % 3 else (record(number), None)
        change(folder, "insert into outbox (id) values (?)", 10_000 + number)
        change(folder, "insert into outbox_content values (?, ?, ?)", 10_000 + number, entry, note)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    folder = tmp_path_factory.mktemp("edge")
    async with reopened(folder):
        pass
    enqueue(folder, ENTRIES)
    async with reopened(folder, **PLAIN) as opened:
        async with asyncio.timeout(30):
            while await published(opened) < ENTRIES:
                await asyncio.sleep(0.05)
        await grow(opened, "police")
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(town: City) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=base(town), trust_env=False) as made:
        yield made


module = pytest.mark.asyncio(loop_scope="module")


async def newest(town: City) -> Checkpoint:
    return open_checkpoint((await head(town)).checkpoint, Verifier.from_string(town.ready.verifier_key))


async def listed(town: City) -> list[ledger_pb2.LedgerEntry]:
    found: list[ledger_pb2.LedgerEntry] = []
    asked = ledger_pb2.ListEntriesRequest(page_size=1000)
    while True:
        page = await town.ledger.ListEntries(asked)
        found += page.entries
        asked.page_token = page.next_page_token
        if not asked.page_token:
            return found


@module
async def test_the_checkpoint_is_the_published_one(town: City, client: httpx.AsyncClient) -> None:
    answer = await client.get("/checkpoint")
    assert (answer.status_code, answer.content) == (200, (await head(town)).checkpoint)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@module
async def test_every_entry_and_note_is_there_as_grpc_gives_it(town: City, client: httpx.AsyncClient) -> None:
    expected = await listed(town)
    size = (await newest(town)).size
    assert len(expected) == size > 2 * TILE_WIDTH
    found: list[tuple[bytes, bytes]] = []
    for index in range(-(-size // TILE_WIDTH)):
        width = tile_width(TileId(0, index), size)
        entries = await client.get("/" + entries_path(index, width))
        notes = await client.get("/" + notes_path(index, width))
        assert (entries.status_code, notes.status_code) == (200, 200)
        assert "immutable" in entries.headers["cache-control"]
        found += zip(
            parse_entry_bundle(entries.content, width), parse_entry_bundle(notes.content, width), strict=True
        )
    assert found == [(each.entry, each.holder_note) for each in expected]


@module
async def test_tiles_give_the_root_and_every_proof(town: City, client: httpx.AsyncClient) -> None:
    checkpoint, leaves = await newest(town), [leaf_hash(each.entry) for each in await listed(town)]
    async with Fetcher() as fetcher:
        source = HttpSource(base(town), fetcher)
        for index in (0, 255, 256, 511, 512, checkpoint.size - 1):
            proof = await fetch_inclusion(source, index, checkpoint.size)
            verify_inclusion(leaves[index], index, checkpoint.size, proof, checkpoint.root)
        follower = Follower()
        await read_all(source, follower, checkpoint)
        assert follower.root() == checkpoint.root
    upper = await client.get("/" + tile_path(1, 0, tile_width(TileId(1, 0), checkpoint.size)))
    assert len(upper.content) == (checkpoint.size // TILE_WIDTH) * HASH_OCTETS


@module
async def test_a_partial_tile_of_an_older_size_stays_readable(town: City, client: httpx.AsyncClient) -> None:
    index, width = divmod((await newest(town)).size, TILE_WIDTH)
    before = await client.get("/" + tile_path(0, index, width))
    await grow(town, "health")
    after = await client.get("/" + tile_path(0, index, width))
    assert (after.status_code, after.content) == (200, before.content)
    wider = await client.get("/" + tile_path(0, index, width + 1))
    assert wider.content[: len(before.content)] == before.content


@module
@pytest.mark.parametrize(
    "path",
    [
        "/tile/0/999", "/tile/0/000.p/0", "/tile/0/000.p/257", "/tile/0/0", "/tile/00/000", "/tile/9/000",
        "/tile/64/000", "/tile/-1/000", "/tile/0/x000/000", "/tile/0/000/", "/tile/0//000",
        "/tile/entries/999", "/tile/entries/000.p/256", "/tile/0/..%2f000", "/tile/0/000%00", "/notes/999",
        "/notes/0", "/notes/", "/notes/../checkpoint/", "/", "/checkpoint/", "/Checkpoint", "/tile",
        "/tile/0/x999/x999/x999/x999/999", "/tile/0/%C3%28", "/%2e%2e/keys/master.key", "/tile/0/000.p/1.p/1",
    ],
)  # fmt: skip
async def test_no_other_path_is_there(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404, path
    assert len(answer.content) < 200


@module
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_nothing_can_be_written(client: httpx.AsyncClient, method: str) -> None:
    for path in ("/checkpoint", "/tile/0/000", "/notes/000"):
        assert (await client.request(method, path, content=b"x")).status_code == 405


@module
async def test_whoever_speaks_no_http_disturbs_nobody(town: City) -> None:
    """Garbage, half requests, endless heads, and many silent connections; gRPC answers all the while."""
    port = town.ready.http_port
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
    for sent in (
        b"\0" * 1000, b"GET", b"GET /checkpoint HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00" * 50,
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000, b"GET /" + b"a" * 100_000, b"PRI * HTTP/2.0\r\n",
        "取 /证 HTTP/1.1\r\n\r\n".encode(),
        b"GET /checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
        b"GET /checkpoint HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ):  # fmt: skip
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with closing(writer):
            writer.write(sent)
            try:
                async with asyncio.timeout(1):
                    await reader.read(1 << 16)
            except (TimeoutError, ConnectionError):
                pass
        assert await published(town) > ENTRIES
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{base(town)}/checkpoint")).status_code == 200
    for _, writer in silent:
        writer.close()
    await grow(town, "afterwards")


@module
async def test_however_many_read_here_grpc_has_readers_left(
    town: City, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, reading = threading.Event(), threading.Semaphore(0)
    read = ledger.entries

    def slow(connection: Connection, start: int, limit: int) -> Any:
        reading.release()
        held.wait(20)
        return read(connection, start, limit)

    monkeypatch.setattr(ledger, "entries", slow)
    asked = [asyncio.create_task(client.get(f"/{entries_path(0)}")) for _ in range(20)]
    try:
        for _ in range(2):
            assert await asyncio.to_thread(reading.acquire, timeout=10)
        async with asyncio.timeout(5):
            for index in range(20):
                proof = ledger_pb2.GetInclusionProofRequest(entry_index=index)
                assert (await town.ledger.GetInclusionProof(proof)).hashes
        assert not reading.acquire(blocking=False), "a third one reads"
    finally:
        held.set()
    assert {(await each).status_code for each in asked} == {200}


@module
async def test_a_mirror_of_it_holds_what_it_serves_byte_for_byte(
    town: City, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    policy = Policy.of_log(Verifier.from_string(town.ready.verifier_key))
    async with Fetcher() as fetcher:
        mirror = await Mirror.opened(Folder(tmp_path), policy)
        await mirror.update(HttpSource(base(town), fetcher))
        await grow(town, "mirrored")
        await mirror.update(HttpSource(base(town), fetcher))
    assert mirror.held.size == (await newest(town)).size
    files = [each for each in tmp_path.rglob("*") if each.is_file() and not each.name.startswith(".")]
    assert len(files) > 9
    for file in files:
        path = file.relative_to(tmp_path).as_posix()
        answer = await client.get(f"/{path}")
        assert (answer.status_code, answer.content) == (200, file.read_bytes()), path
    await audit(town)


async def test_with_its_own_certificate(tmp_path: Path) -> None:
    async with reopened(tmp_path, http_port=0) as town:
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        async with httpx.AsyncClient(verify=context, trust_env=False) as client:
            answer = await client.get(f"https://localhost:{town.ready.http_port}/checkpoint")
            assert answer.content == (await head(town)).checkpoint
        async with httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"https://localhost:{town.ready.http_port}/checkpoint")
            with pytest.raises(httpx.HTTPError):
                await client.get(f"{base(town)}/checkpoint")


async def test_without_a_port_there_is_no_edge(tmp_path: Path) -> None:
    async with reopened(tmp_path) as town:
        assert town.ready.http_port is None


async def test_a_port_that_is_taken_ends_the_start(tmp_path: Path) -> None:
    async with reopened(tmp_path / "one", **PLAIN) as town:
        with pytest.raises(StartError, match="http_port"):
            async with reopened(tmp_path / "two", **PLAIN | {"http_port": town.ready.http_port}):
                pass


async def test_with_witnesses_only_what_is_anchored_is_shown(tmp_path: Path) -> None:
    async with consortium(tmp_path, tmp_path / "server") as others:
        await others.end()
        async with reopened(tmp_path / "server", **PLAIN, **others.settings) as town:
            size = await grow(town, "police")
            async with httpx.AsyncClient(base_url=base(town), trust_env=False) as client:
                for path in ("/checkpoint", "/" + tile_path(0, 0, size), "/" + entries_path(0, 1)):
                    assert (await client.get(path)).status_code == 404
                await others.start()
                note = await anchored(town, size)
                shown = (await client.get("/checkpoint")).content
                others.cosigned(shown)
                assert size_of(shown) == size_of(note) == size
                assert (await client.get("/" + tile_path(0, 0, size))).status_code == 200
                await others.end()
                larger = await grow(town, "health")
                assert size_of((await client.get("/checkpoint")).content) == size
                assert (await client.get("/" + tile_path(0, 0, larger))).status_code == 404
