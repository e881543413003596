"""Several server processes on one port: all of them serve, and none that ends takes anything with it."""

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import httpx
import pytest
import pytest_asyncio
from cryptography import x509

from tests import postgres
from tests.recovering import Recovering
from tests.zkservice.bursts import ENDING, Burst, prepared
from tests.zkservice.processes import ended, workers
from tests.zkservice.stores import Store
from tests.zkservice.supervisor import Supervised, launch, supervised
from tests.zkservice.support import City
from zkproto.v1 import catalog_pb2, ledger_pb2
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.server import running

CONNECTIONS = 16
"""Of so many connections each of two members gets one, but for one time in 30,000."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ready(
    postgresql: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Burst]:
    async with prepared(tmp_path_factory.mktemp("prepared"), Store.on(postgresql), 24) as burst:
        yield burst


@pytest.fixture
def burst(ready: Burst, tmp_path: Path) -> Burst:
    folder = tmp_path / "server"
    shutil.copytree(ready.folder, folder)
    return Burst(folder, ready.submissions, ready.store.copy())


@asynccontextmanager
async def towns(server: Supervised, number: int = CONNECTIONS) -> AsyncIterator[list[City]]:
    """Speak to a server over so many connections, all of which are open."""
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(server.city()) for _ in range(number)]
        await asyncio.gather(*(head(each) for each in made))
        yield made


async def head(town: City) -> bytes:
    answer = await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest(), wait_for_ready=True)
    return bytes(answer.checkpoint)


async def refused(folder: Path, **settings: object) -> str:
    """Start a supervisor that must refuse; return what it says."""
    process = await launch(folder, **settings)
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    assert process.returncode not in (0, None)
    return said.decode()


async def test_all_serve_on_one_port_and_each_may_be_killed(burst: Burst, recovering: Recovering) -> None:
    """With the port of the log over HTTP, and workers that are shared out among the members."""
    settings = {"servers": 2, "processes": 2, "http_port": 0, "http_plain": True, "max_batch": 2}
    async with supervised(burst.folder, **settings, **burst.settings) as server:
        members = server.members()
        assert len(members) == 2
        assert [len(workers(kind, each)) for each in members for kind in ("judge", "signer")] == [1] * 4
        async with towns(server) as speaking:
            assert server.serving() == members
            sending = asyncio.create_task(burst.insist(*speaking, seconds=120))
            for victim in sorted(members):
                with recovering("a member was killed, and another one serves"):
                    os.kill(victim, signal.SIGKILL)
                    await server.become(2, without=frozenset({victim}))
            await server.logged("a server process was replaced", 2)
            await sending
            await burst.check_at(speaking[0])
        async with towns(server):
            assert server.serving() == server.members(), "those that came later serve too"
        address = f"http://127.0.0.1:{server.ready['http_port']}/checkpoint"
        async with httpx.AsyncClient() as client:
            assert (await client.get(address)).status_code == 200
        left = server.members()
        server.end(signal.SIGTERM)
        assert await server.ended() == 0
        await ended(*left)
    assert server.log().count('"a server process ended"') == 2, "those that were killed"
    await burst.check()


async def test_all_are_replaced_one_after_the_other_and_no_call_is_lost(
    burst: Burst, recovering: Recovering
) -> None:
    """By some that have another certificate: the one that there was had to go."""
    async with supervised(burst.folder, servers=2, **burst.settings) as server:
        before, stop = server.members(), asyncio.Event()
        async with towns(server, 4) as speaking:
            reading = [asyncio.create_task(ask_on(each, stop)) for each in speaking]
            sending = asyncio.create_task(burst.insist(*speaking, seconds=120, passing=ENDING))
            old = await asyncio.to_thread(server.certificate)
            (burst.folder / "server.key").unlink()
            with recovering("all members were to be replaced, and are"):
                server.end(signal.SIGHUP)
                await server.logged("all server processes were replaced")
            new = await asyncio.to_thread(server.certificate)
            assert old != new == x509.load_pem_x509_certificate((burst.folder / "server.pem").read_bytes())
            stop.set()
            assert all(answers > 0 for answers in await asyncio.gather(*reading))
            await sending
            await burst.check_at(speaking[0])
        assert len(after := server.members()) == 2
        assert not after & before
        assert "a server process ended" not in server.log()
        server.end(signal.SIGTERM)
        assert await server.ended() == 0
    await burst.check()


async def ask_on(town: City, stop: asyncio.Event) -> int:
    """Read until told to end, as a client that waits for its connection and sends again; count answers."""
    answers = 0
    while not stop.is_set():
        try:
            answers += bool(await head(town))
        except grpc.aio.AioRpcError as error:
            if error.code() not in ENDING:
                raise
        await asyncio.sleep(0.02)
    return answers


@pytest.mark.long
async def test_members_end_with_their_supervisor_and_hold_the_folder_until_then(burst: Burst) -> None:
    async with supervised(burst.folder, servers=2, **burst.settings) as server:
        members = server.members()
        said = await refused(burst.folder, servers=2, **burst.settings)
        assert "another server is running" in said
        frozen = min(members)
        os.kill(frozen, signal.SIGSTOP)
        try:
            server.end(signal.SIGKILL)
            await server.ended()
            await ended(*(members - {frozen}), seconds=60)
            said = await refused(burst.folder, servers=2, **burst.settings)
            assert "another server is running" in said, "one of them still serves"
        finally:
            os.kill(frozen, signal.SIGCONT)
        await ended(frozen, seconds=60)
    async with supervised(burst.folder, servers=2, **burst.settings) as server:
        server.end(signal.SIGINT)
        assert await server.ended() == 0


@pytest.mark.long
async def test_one_that_cannot_be_replaced_leaves_the_others_until_none_is_left(burst: Burst) -> None:
    """The administrator's token is readable by others now: no start from here on, and nobody is told less."""
    async with supervised(burst.folder, servers=2, **burst.settings) as server:
        (burst.folder / "admin.token").chmod(0o644)
        victim, left = sorted(server.members())
        os.kill(victim, signal.SIGKILL)
        await server.logged('"a server process cannot start"')
        server.end(signal.SIGHUP)
        async with server.city() as town:
            await head(town)
        os.kill(left, signal.SIGKILL)
        assert await server.ended() not in (0, None)
        assert server.handle.stdout is not None
        said = (await server.handle.stdout.read()).decode()
        assert "can be read by others" in said


@pytest.mark.long
async def test_one_that_is_frozen_is_replaced(burst: Burst, recovering: Recovering) -> None:
    """The system goes on giving it connections, so callers would wait for it; nothing of theirs is lost."""
    async with supervised(burst.folder, servers=2, **burst.settings) as server:
        before = server.members()
        async with towns(server, 8) as speaking:
            frozen = max(before)
            with recovering("a member was frozen, another one serves, and all is answered"):
                os.kill(frozen, signal.SIGSTOP)
                await burst.insist(*speaking, seconds=120)
                after = await server.become(2, without=frozenset({frozen}))
            assert after & before, "the other one was let alone"
            await burst.check_at(speaking[0])
        assert "a server process says nothing any more" in server.log()
        os.kill(server.handle.pid, signal.SIGSTOP)
        await asyncio.sleep(20)
        os.kill(server.handle.pid, signal.SIGCONT)
        await asyncio.sleep(3)
        assert server.log().count("a server process says nothing any more") == 1, "it was frozen itself"
        assert server.members() == after
        server.end(signal.SIGTERM)
        assert await server.ended() == 0
    await burst.check()


async def test_several_that_cannot_start_say_why(postgresql: postgres.Server, tmp_path: Path) -> None:
    assert "PostgreSQL" in await refused(tmp_path / "sqlite", servers=2)
    nowhere = "postgresql+psycopg://nobody:very-secret@127.0.0.1:1/none"
    said = await refused(tmp_path / "nowhere", servers=2, database=nowhere)
    assert "cannot be opened" in said
    assert "very-secret" not in said + (tmp_path / "nowhere" / "server.log").read_text()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port, store = taken.getsockname()[1], Store.on(postgresql)
        said = await refused(tmp_path / "taken", servers=2, http_port=port, **store.settings)
        assert "(http_port) cannot be listened on" in said, "though it could be shared"


@pytest.mark.long
async def test_a_first_start_of_several_makes_one_of_everything(
    postgresql: postgres.Server, tmp_path: Path
) -> None:
    store = Store.on(postgresql)
    async with supervised(tmp_path / "new", servers=3, **store.settings) as server:
        assert len(server.members()) == 3
        async with towns(server) as speaking:
            assert len({await head(each) for each in speaking}) == 1
            await speaking[0].add_verifier("first")
            for each in speaking:
                seen = await each.catalog.GetVerifier(catalog_pb2.GetVerifierRequest(name="verifiers/first"))
                assert seen.public_key
        server.end(signal.SIGTERM)
        assert await server.ended() == 0
    assert store.select(tmp_path, "select count(*) from running_server") == [(0,)]
    assert store.select(tmp_path, "select count(*) from log_key") == [(1,)]


async def test_a_server_of_its_own_shares_its_port_with_nobody(tmp_path: Path) -> None:
    """`servers` is 1: what listens elsewhere on the port would take half of its calls."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(data=tmp_path, dev=True, port=taken.getsockname()[1], processes=0)
        with pytest.raises(StartError, match="cannot be listened on"):
            async with running(settings):
                pass
