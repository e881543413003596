"""What nginx hands on, refuses and writes down: by the configuration that is shipped, and by the manual's.

In the place of the servers stands one that answers with nothing and keeps the heads that it was sent.
"""

import asyncio
import datetime as dt
import os
import re
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests import nginx
from tests.deploy.walk import blocks, free_port
from tests.nginx import Nginx
from zkservice.config import Settings
from zkservice.observing.request_ids import request_id
from zkservice.tls import server_credentials

GET = "/zkproto.v1.LedgerService/GetCheckpoint"
LIE = "203.0.113.7"


@dataclass
class Echo(grpc.GenericRpcHandler):
    """A server of every method. While `silent` is set it takes calls and does not answer them."""

    heads: list[list[tuple[str, str]]] = field(default_factory=list)
    silent: bool = False

    def service(self, handler_call_details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(self._answer)

    async def _answer(self, _: bytes, context: Any) -> bytes:
        self.heads.append([(name, str(value)) for name, value in context.invocation_metadata()])
        if self.silent:
            await asyncio.Event().wait()
        return b""

    def said(self, name: str) -> list[str]:
        """Return what the newest call brought under a name."""
        return [value for key, value in self.heads[-1] if key == name]


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """A folder with an authority, and the certificate and key that nginx and the server show."""
    folder = tmp_path / "authority"
    folder.mkdir()
    server_credentials(Settings(data=folder, dev=True), dt.datetime.now(dt.UTC))
    return folder


@asynccontextmanager
async def echoing(identity: Path) -> AsyncIterator[tuple[Echo, int]]:
    echo, server = Echo(), grpc.aio.server()
    server.add_generic_rpc_handlers((echo,))
    files = (identity / "server.key").read_bytes(), (identity / "server.pem").read_bytes()
    port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([files]))
    await server.start()
    try:
        yield echo, port
    finally:
        await server.stop(None)


@asynccontextmanager
async def shipped(identity: Path, port: int, silence: str = "125s") -> AsyncIterator[Nginx]:
    """Start the nginx of deploy/nginx."""
    root = (identity / "ca.pem").read_bytes()
    folder = identity.with_name("nginx")
    single = "location ~ ^/zkproto\\.v1\\.[A-Za-z]+/[A-Za-z]+$ {\n        grpc_read_timeout "
    changes = {f"{single}125s": f"{single}{silence}"}
    async with nginx.running(folder, [f"127.0.0.1:{port}"], identity, root, changes) as before:
        yield before


@asynccontextmanager
async def walked(identity: Path, port: int, silence: str = "660s") -> AsyncIterator[Nginx]:
    """Start the nginx of the manual's way, whose block's own lines write the configuration."""
    path = nginx.program()
    wait = "grpc_read_timeout 660s"
    (block,) = (each for each in blocks("From a clone to two replicas") if "\nnginx " in each)
    assert block.count(wait) == 1
    before_start = block[: block.index("\nnginx ")].replace(wait, f"grpc_read_timeout {silence}")
    front = free_port()
    given = {"WALK": str(identity.parent), "PORT_A": str(port), "PORT_B": str(port), "PORT_FRONT": front}
    await asyncio.to_thread(
        subprocess.run, ["bash", "-ec", before_start], env=os.environ | given, check=True, timeout=60
    )
    folder = identity.with_name("front")
    arguments = ("-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;")
    async with nginx.started(path, folder, int(front), arguments) as before:
        yield before


FRONTS = pytest.mark.parametrize("front", [shipped, walked], ids=["shipped", "walked"])
Front = Callable[..., AbstractAsyncContextManager[Nginx]]
"""What starts one, of an identity, before a port; `silence` is how long it waits for an answer."""
PLACES: dict[Front, int] = {shipped: 128, walked: 64}
"""Calls that one address may have open, of `limit_conn`."""


async def code_of(call: Any) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


@FRONTS
async def test_a_server_is_told_the_address_that_nginx_saw(identity: Path, front: Front) -> None:
    async with echoing(identity) as (echo, port), front(identity, port) as before:
        async with nginx.channel(before, identity / "ca.pem") as channel:
            call: Any = channel.unary_unary(GET)
            await call(b"", metadata=(("x-forwarded-for", LIE), ("x-forwarded-for", LIE)))
        assert echo.said("x-forwarded-for") == ["127.0.0.1"]


@FRONTS
async def test_each_call_gets_an_id_that_its_caller_did_not_choose(identity: Path, front: Front) -> None:
    async with echoing(identity) as (echo, port), front(identity, port) as before:
        seen = []
        async with nginx.channel(before, identity / "ca.pem") as channel:
            call: Any = channel.unary_unary(GET)
            for _ in range(2):
                await call(b"", metadata=(("x-request-id", "chosen"), ("x-request-id", "again")))
                seen += echo.said("x-request-id")
    assert [request_id([("x-request-id", each)]) for each in seen] == seen, (
        "it has the form that servers take"
    )
    assert len(set(seen)) == 2
    assert "chosen" not in seen


@FRONTS
async def test_a_flood_is_refused_in_grpcs_words_and_no_address_is_written_down(
    identity: Path, front: Front
) -> None:
    async with echoing(identity) as (_, port), front(identity, port) as before:
        async with nginx.channel(before, identity / "ca.pem") as channel:
            call: Any = channel.unary_unary(GET)
            codes = Counter(await asyncio.gather(*(code_of(call(b"")) for _ in range(1000))))
        reading, writing = await asyncio.open_connection("127.0.0.1", before.port)
        writing.write(b"\x16\x03\x01\x00\x05nonsense that is no handshake of TLS")
        await writing.drain()
        await reading.read()
        writing.close()
    assert set(codes) == {"OK", "RESOURCE_EXHAUSTED"}
    written = {each.name: each.read_text() for each in before.folder.rglob("*log") if each.is_file()}
    assert written
    assert [name for name, text in written.items() if re.search(r"127\.0\.0\.1|client:", text)] == []


@FRONTS
async def test_one_address_has_so_many_calls_open_at_a_time(identity: Path, front: Front) -> None:
    """Over as many connections as it likes; what it leaves is there again."""
    async with echoing(identity) as (echo, port), front(identity, port) as before, AsyncExitStack() as stack:
        echo.silent, places = True, PLACES[front]
        root = identity / "ca.pem"
        channels = [await stack.enter_async_context(nginx.channel(before, root)) for _ in range(4)]
        methods: list[Any] = [each.unary_unary(GET) for each in channels]
        calls = [method(b"", timeout=300) for method in methods for _ in range(45)]
        waiting = {asyncio.ensure_future(code_of(call)) for call in calls}
        refused = list[str]()
        async with asyncio.timeout(60):
            while len(waiting) > places:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                refused += [each.result() for each in done]
            while len(echo.heads) < places:
                await asyncio.sleep(0.05)
        assert set(refused) == {"RESOURCE_EXHAUSTED"}
        assert len(waiting) == len(echo.heads) == places
        for call in calls:
            call.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        echo.silent = False
        again: Any = channels[0].unary_unary(GET)
        async with asyncio.timeout(60):
            while await code_of(again(b"")) != "OK":
                await asyncio.sleep(0.1)


@FRONTS
async def test_what_a_server_does_not_answer_in_time_may_have_been_done(identity: Path, front: Front) -> None:
    """It was sent: nobody is told that it was not, and no other server is sent it."""
    async with echoing(identity) as (echo, port), front(identity, port, silence="1s") as before:
        echo.silent = True
        async with nginx.channel(before, identity / "ca.pem") as channel:
            call: Any = channel.unary_unary(GET)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(b"", timeout=60)
        assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert "may have been done" in str(refused.value.details())
        assert len(echo.heads) == 1


@FRONTS
async def test_where_no_server_is_nothing_was_done(identity: Path, front: Front) -> None:
    async with (
        front(identity, int(free_port())) as before,
        nginx.channel(before, identity / "ca.pem") as channel,
    ):
        call: Any = channel.unary_unary(GET)
        assert await code_of(call(b"", timeout=60)) == "UNAVAILABLE"


def test_a_server_that_gives_a_call_up_says_so_before_nginx_does() -> None:
    text = nginx.SHIPPED.read_text()
    (seconds,) = re.findall(r"(?m)/\[A-Za-z\]\+\$ \{\n +grpc_read_timeout (\d+)s;", text)
    assert int(seconds) > Settings().call_seconds
