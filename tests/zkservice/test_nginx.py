"""Two servers on one PostgreSQL behind the nginx that deploy/nginx configures: the real one, over TLS."""

import asyncio
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from tests import nginx, postgres
from tests.nginx import Nginx
from tests.recovering import Recovering
from tests.zkservice.bursts import UNAVAILABLE, Burst, prepared
from tests.zkservice.server_process import Process, started
from tests.zkservice.stores import Store, replica
from tests.zkservice.support import City, aio_error, refusal
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from zkproto.v1 import ledger_pb2, presentation_pb2, token_pb2, token_pb2_grpc
from zkservice.server import Ready

IMPATIENT = {
    "location ~ ^/zkproto\\.v1\\.[A-Za-z]+/[A-Za-z]+$ {\n        grpc_read_timeout 125s;": (
        "location ~ ^/zkproto\\.v1\\.[A-Za-z]+/[A-Za-z]+$ {\n        grpc_read_timeout 3s;"
    ),
}
"""For tests in which somebody has to wait for a server that says nothing."""


@dataclass
class Front:
    """nginx before two servers, and who speaks to them through it."""

    nginx: Nginx
    servers: list[Process]
    town: City
    burst: Burst

    def calls(self) -> list[int]:
        """Return how many calls each server has answered."""
        return [(each.folder / "server.log").read_text().count('"event": "call"') for each in self.servers]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ready(
    postgresql: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Burst]:
    nginx.program()
    async with prepared(tmp_path_factory.mktemp("prepared"), Store.on(postgresql)) as burst:
        yield burst


@pytest.fixture
def burst(ready: Burst, tmp_path: Path) -> Burst:
    folder = tmp_path / "first"
    shutil.copytree(ready.folder, folder)
    return Burst(folder, ready.submissions, ready.store.copy())


@asynccontextmanager
async def front(burst: Burst, changes: Mapping[str, str] | None = None) -> AsyncIterator[Front]:
    other = replica(burst.folder.with_name("second"), burst.folder)
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(started(each, trusted_proxies="127.0.0.1/32", **burst.settings))
            for each in (burst.folder, other)
        ]
        roots = b"".join((each.folder / "ca.pem").read_bytes() for each in servers)
        addresses = [each.address.replace("localhost", "127.0.0.1") for each in servers]
        before = await stack.enter_async_context(
            nginx.running(burst.folder.with_name("nginx"), addresses, burst.folder, roots, changes)
        )
        channel = nginx.channel(before, burst.folder / "ca.pem")
        town = await stack.enter_async_context(_town(channel, servers[0], before.address))
        try:
            yield Front(before, servers, town, burst)
        finally:
            for each in servers:
                if each.handle.returncode is None:
                    each.end(signal.SIGCONT)


@asynccontextmanager
async def _town(channel: grpc.aio.Channel, server: Process, address: str) -> AsyncIterator[City]:
    async with channel, server.city() as straight:
        yield City(Ready(address, straight.ready.verifier_key, server.folder), straight.clock, channel,
                   straight.admin)  # fmt: skip


async def test_the_whole_flow_over_both_servers(postgresql: postgres.Server, burst: Burst) -> None:
    """Issued, claimed, asked, watched, presented, with a receipt; nobody knows at which server."""
    empty = Burst(burst.folder, [], Store.on(postgresql))
    async with front(empty, IMPATIENT) as at:
        town = await at.town.furnish()
        issued, request = await town.claim(await town.issue()), town.request()
        exchange = await town.ask(request)
        watching = presentation_pb2.WatchExchangeRequest(
            exchange=exchange.exchange, result_token=exchange.result_token
        )
        states = aiter(town.presentation.WatchExchange(watching))
        pending = presentation_pb2.WatchExchangeResponse.STATE_PENDING
        assert (await anext(states)).state == pending
        following = asyncio.ensure_future(anext(states))
        done, _ = await asyncio.wait((following,), timeout=5)
        assert not done, "a stream that waits outlives what a single call may take"
        submission = town.submission(exchange, *town.present(request, issued))
        answer = await town.presentation.SubmitPresentation(submission)
        receipt = verify_receipt(answer.receipt, Verifier.from_string(town.ready.verifier_key))
        assert receipt.index == answer.entry_index
        async with asyncio.timeout(60):
            assert answer.receipt in (await following).SerializeToString()
        assert all(count > 0 for count in at.calls()), at.calls()
        await _operates(at)
        for each in at.servers:
            assert "x-forwarded-for" not in (each.folder / "server.log").read_text()


async def _operates(at: Front) -> None:
    """The operator's secret, which is the first server's file, is good at each."""
    operator = (at.servers[0].folder / "operator.token").read_text().strip()
    for each in at.servers:
        async with each.city() as town:
            rotating = token_pb2_grpc.TokenServiceStub(town.channel).RotateTokenKeys
            made = await rotating(token_pb2.RotateTokenKeysRequest(), metadata=town.bearer(operator))
            assert made.key.kid


async def test_one_server_is_killed_and_nginx_is_told_to_read_its_configuration_again(
    burst: Burst, recovering: Recovering
) -> None:
    async with front(burst) as at:
        stream = aiter(at.town.ledger.WatchCheckpoints(ledger_pb2.WatchCheckpointsRequest()))
        await anext(stream)
        at.nginx.reload()
        async with asyncio.timeout(60):
            await at.town.add_verifier("reloaded")
            await anext(stream)  # what was open before goes on
        sending = asyncio.create_task(burst.insist(at.town, seconds=120))
        with recovering("a server behind nginx was killed, and all is answered"):
            at.servers[0].end(signal.SIGKILL)
            await sending
        for _ in range(20):
            head = await at.town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())
            assert head.checkpoint, "nobody is sent to the one that has gone"
        await burst.check_at(at.town)
    await burst.check()


@pytest.mark.long
async def test_one_server_freezes(burst: Burst, recovering: Recovering) -> None:
    """Who is already connected to it is told that it took too long; who comes anew is sent to the other."""
    late = UNAVAILABLE | {grpc.StatusCode.DEADLINE_EXCEEDED}
    async with front(burst, IMPATIENT) as at:
        for _ in range(4):
            await at.town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())
        with recovering("a server behind nginx was frozen, and all is answered"):
            at.servers[0].end(signal.SIGSTOP)
            await burst.insist(at.town, seconds=120, passing=late)
        at.servers[0].end(signal.SIGCONT)
        await burst.check_at(at.town)
        before = at.calls()[0]
        with recovering("the frozen server was woken, and nginx asks it again"):
            async with asyncio.timeout(60):
                while at.calls()[0] == before:
                    await at.town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())
                    await asyncio.sleep(0.05)
    await burst.check()


async def test_what_nginx_refuses_it_refuses_in_grpcs_words(burst: Burst, recovering: Recovering) -> None:
    """Too many calls of one address, large heads, large messages, what is no method; then it serves on."""
    async with front(burst) as at:
        submission = presentation_pb2.SubmitPresentationRequest()
        submission.CopyFrom(burst.submissions[0])
        submission.holder_note = bytes(300_000)
        error = await refusal(at.town.presentation.SubmitPresentation(submission))
        assert error.reason == "MESSAGE_TOO_LARGE", "the service's own word, for what has passed whole"
        submission.holder_note = bytes(240_000)
        error = await refusal(at.town.presentation.SubmitPresentation(submission))
        assert error.reason not in {"MESSAGE_TOO_LARGE", "MESSAGE_MALFORMED"}

        reflection: Any = at.town.channel.unary_unary(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        )
        assert await code_of(reflection(b"")) is grpc.StatusCode.UNIMPLEMENTED
        flood = tuple((f"x-{number}", "y" * 4000) for number in range(100))
        assert await code_of(head(at.town, flood)) in {
            grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
        }  # fmt: skip

        async with AsyncExitStack() as stack:
            towns = []
            for _ in range(6):
                channel = await stack.enter_async_context(nginx.channel(at.nginx, burst.folder / "ca.pem"))
                towns.append(City(at.town.ready, at.town.clock, channel, at.town.admin))
            codes = Counter(await asyncio.gather(*(code_of(head(towns[at % 6])) for at in range(1500))))
        assert set(codes) <= {None, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}, codes
        assert codes[None] > 100
        assert codes[grpc.StatusCode.RESOURCE_EXHAUSTED] > 100
        with recovering("an address had called too often, and is let in"):
            async with asyncio.timeout(60):
                while await code_of(head(at.town)) is not None:
                    await asyncio.sleep(0.2)
        for each in at.servers:
            each.end(signal.SIGKILL)
            await each.ended()
        assert await code_of(head(at.town)) is grpc.StatusCode.UNAVAILABLE


def head(town: City, metadata: tuple[tuple[str, str], ...] = ()) -> Any:
    return town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest(), metadata=metadata)


async def code_of(call: Any) -> grpc.StatusCode | None:
    """Return how a call was refused, None if it was answered."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return aio_error(error).code
    return None


async def test_what_a_stranger_says_of_its_address_does_not_reach_a_server(burst: Burst) -> None:
    """In the place of a server stands one that answers with the head that it was sent."""
    seen: list[tuple[str, str]] = []

    async def answer(_: bytes, context: Any) -> bytes:
        seen.extend((name, str(value)) for name, value in context.invocation_metadata())
        return b""

    class Echo(grpc.GenericRpcHandler):
        def service(self, _: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(answer)

    async with started(burst.folder, **burst.settings):
        pass  # it has made its certificate
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Echo(),))
    files = (burst.folder / "server.key").read_bytes(), (burst.folder / "server.pem").read_bytes()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([files]))
    await server.start()
    root = (burst.folder / "ca.pem").read_bytes()
    folder = burst.folder.with_name("nginx")
    try:
        async with (
            nginx.running(folder, [f"127.0.0.1:{port}"], burst.folder, root) as before,
            nginx.channel(before, burst.folder / "ca.pem") as channel,
        ):
            lies = tuple((name, "203.0.113.7") for name in ("x-forwarded-for", "x-real-ip", "forwarded"))
            call: Any = channel.unary_unary("/zkproto.v1.LedgerService/GetCheckpoint")
            await call(b"", metadata=(*lies, ("authorization", "Bearer mine")))
        said = dict(seen)
        assert [value for name, value in seen if name == "x-forwarded-for"] == ["127.0.0.1"]
        assert said["authorization"] == "Bearer mine"
        assert not {"x-real-ip", "forwarded"} & set(said)
    finally:
        await server.stop(None)


async def test_servers_that_cannot_show_who_they_are_get_no_call(burst: Burst) -> None:
    """Their authority is not the one that nginx was told: no call, and its token, goes there."""
    other = replica(burst.folder.with_name("second"), burst.folder)
    async with started(burst.folder, **burst.settings) as server, started(other, **burst.settings):
        root = (other / "ca.pem").read_bytes()
        address = server.address.replace("localhost", "127.0.0.1")
        async with (
            nginx.running(burst.folder.with_name("nginx"), [address], burst.folder, root) as before,
            nginx.channel(before, burst.folder / "ca.pem") as channel,
        ):
            call: Any = channel.unary_unary("/zkproto.v1.LedgerService/GetCheckpoint")
            assert await code_of(call(b"")) is grpc.StatusCode.UNAVAILABLE
        assert '"event": "call"' not in (burst.folder / "server.log").read_text()
