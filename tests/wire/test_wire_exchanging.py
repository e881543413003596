"""A channel that puts tokens in the place of secrets: with a real server, and with one of before tokens."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tests.zkservice.server_process import started
from wire import exchanging_aio
from wire.client import Endpoint, ServiceError, call, service_error, stream
from wire.exchanging import Exchanger, exchanging, is_secret
from zkproto.v1 import centre_pb2, ledger_pb2, token_pb2
from zkproto.v1.catalog_pb2_grpc import CatalogServiceStub
from zkproto.v1.ledger_pb2_grpc import LedgerServiceStub
from zkproto.v1.token_pb2_grpc import TokenServiceStub

SECRET: Final = "x" * 43


def refusing(reason: str) -> status_pb2.Status:
    status = status_pb2.Status(code=grpc.StatusCode.PERMISSION_DENIED.value[0], message="refused")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="zk-disclosure"))
    return status


REFUSAL: Final = refusing("TOKEN_INVALID")
PURPOSE: Final = centre_pb2.CreatePurposeRequest()


class Service:
    """A gRPC server in threads that writes down what calls came with; it makes tokens if they have a life."""

    def __init__(self, lifetime: int | None, refuses: int = 0) -> None:
        self.seen, self.made, self._lifetime, self._refuses = list[str](), 0, lifetime, refuses
        self._refusal, self._cut = REFUSAL, 0
        self._server = grpc.server(ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((_Handler(self),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    def __enter__(self) -> "Service":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None)

    def refuse(self, times: int, reason: str = "TOKEN_INVALID") -> None:
        """Refuse so many calls from now on."""
        self._refuses, self._refusal = times, refusing(reason)

    def refuse_after(self, answers: int) -> None:
        """End the next stream of answers as refused after so many."""
        self._cut = answers

    def watch(self, context: Any) -> Iterator[bytes]:
        """Answer with one message, or with some and a refusal."""
        cut, self._cut = self._cut, 0
        for _ in range(cut or 1):
            yield self.answer("Watch", context)
        if cut:
            context.abort_with_status(rpc_status.to_status(self._refusal))

    def answer(self, method: str, context: Any) -> bytes:
        bearer = dict(context.invocation_metadata()).get("authorization", "")
        if not method.endswith("CreateToken"):
            self.seen.append(bearer)
            if self._refuses:
                self._refuses -= 1
                context.abort_with_status(rpc_status.to_status(self._refusal))
            return b""
        if self._lifetime is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "no such method")
        self.made += 1
        token = f"eyJ{self.made}.for.{bearer[-1]}"
        made = token_pb2.CreateTokenResponse(token=token, lifetime_seconds=self._lifetime or 0)
        return made.SerializeToString()


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, service: Service) -> None:
        self._service = service

    def service(self, details: Any) -> Any:
        method = details.method
        if method.endswith("Watch"):
            return grpc.stream_stream_rpc_method_handler(
                lambda requests, context: (self._service.answer(method, context) for _ in requests)
            )
        if method.endswith("Told"):
            return grpc.unary_stream_rpc_method_handler(lambda _, context: self._service.watch(context))
        return grpc.unary_unary_rpc_method_handler(lambda _, context: self._service.answer(method, context))


def _call(channel: Any, token: str) -> None:
    channel.unary_unary("/x/Y")(b"", metadata=(("authorization", f"Bearer {token}"), ("other", "thing")))


def test_one_token_is_made_and_used_by_all_calls() -> None:
    with Service(900) as service, exchanging(grpc.insecure_channel(f"127.0.0.1:{service.port}")) as channel:
        threads = [threading.Thread(target=_call, args=(channel, SECRET)) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        streaming: Any = channel.stream_stream("/x/Watch")
        answers = streaming(iter([b"", b""]), metadata=(("authorization", f"Bearer {SECRET}"),))
        assert list(answers) == [b"", b""]
        assert service.made == 1
        assert set(service.seen) == {"Bearer eyJ1.for.x"}
        _call(channel, "y" * 43)
        assert (service.made, service.seen[-1]) == (2, "Bearer eyJ2.for.y")


def test_a_token_is_renewed_before_it_ends() -> None:
    times = iter([0.0, 0.0, 839.0, 840.0, 840.0])
    with Service(900) as service:
        channel = grpc.insecure_channel(f"127.0.0.1:{service.port}")
        with grpc.intercept_channel(channel, _clocked(channel, times)) as exchanged:
            for _ in range(3):
                _call(exchanged, SECRET)
    assert service.seen == ["Bearer eyJ1.for.x", "Bearer eyJ1.for.x", "Bearer eyJ2.for.x"]


def _clocked(channel: grpc.Channel, times: Iterator[float]) -> Exchanger:
    next(times)
    return Exchanger(channel, lambda: next(times))


def test_a_service_of_before_tokens_gets_the_secret() -> None:
    with Service(None) as service, exchanging(grpc.insecure_channel(f"127.0.0.1:{service.port}")) as channel:
        for _ in range(2):
            _call(channel, SECRET)
        assert service.seen == [f"Bearer {SECRET}"] * 2


@pytest.mark.parametrize(
    ("token", "secret"),
    [
        (SECRET, True),
        ("an administrator's own words, long enough", True),
        ("eyJhbGciOiJFZERTQSJ9.e30.c2ln", False),
        ("dmVyaWZpZXJzL2Jhbmt8MTc4MHxhYmM", False),
        ("YWNjb3VudHMvYWJjfDE3ODB8YWJj", False),
        ("Y29uc2VudHMvYWJjfDE3ODB8YWJj", False),
    ],
)
def test_what_is_a_secret(token: str, secret: bool) -> None:
    assert is_secret(token) is secret


@pytest.mark.parametrize(
    "method", ["TokenService/ReplaceSecret", "AdministrationService/SetAdministratorSecret"]
)
def test_another_secret_is_asked_for_with_the_secret_itself(method: str) -> None:
    with Service(900) as service, exchanging(grpc.insecure_channel(f"127.0.0.1:{service.port}")) as channel:
        replacing: Any = channel.unary_unary(f"/zkproto.v1.{method}")
        replacing(b"", metadata=(("authorization", f"Bearer {SECRET}"),))
        assert (service.made, service.seen) == (0, [f"Bearer {SECRET}"])


def test_what_is_no_secret_is_left_alone() -> None:
    with Service(900) as service, exchanging(grpc.insecure_channel(f"127.0.0.1:{service.port}")) as channel:
        _call(channel, "eyJhbGciOiJFZERTQSJ9.e30.c2ln")
        plain: Any = channel.unary_unary("/x/Y")
        plain(b"")
        assert (service.made, service.seen) == (0, ["Bearer eyJhbGciOiJFZERTQSJ9.e30.c2ln", ""])


async def test_a_server_that_takes_no_secrets_is_called_as_any(tmp_path: Path) -> None:
    async with started(tmp_path, accept_secrets=False) as process:
        endpoint = Endpoint.at(process.address, tmp_path / "ca.pem")
        await asyncio.to_thread(_administer, endpoint, (tmp_path / "admin.token").read_text().strip())


async def test_when_all_tokens_are_ended_a_channel_goes_on(tmp_path: Path) -> None:
    """A channel that has a token of a key that counts no more makes another one, and refuses no call."""
    async with started(tmp_path, accept_secrets=False) as process:
        endpoint = Endpoint.at(process.address, tmp_path / "ca.pem")
        await asyncio.to_thread(_end_all, endpoint, (tmp_path / "admin.token").read_text().strip())


def _reason(channel: grpc.Channel, token: str) -> str:
    catalog: Any = CatalogServiceStub(channel)
    with pytest.raises(ServiceError) as caught:
        call(catalog.CreatePurpose, PURPOSE, token=token)
    return caught.value.reason


def _end_all(endpoint: Endpoint, admin: str) -> None:
    at_once = token_pb2.RotateTokenKeysRequest(at_once=True)
    with endpoint.channel() as lasting, endpoint.channel() as other:
        for _ in range(2):
            assert _reason(lasting, admin) == "FIELD_MISSING"
            call(TokenServiceStub(other).RotateTokenKeys, at_once, token=admin)  # its own token ends as well
            assert _reason(lasting, admin) == "FIELD_MISSING"
        call(TokenServiceStub(other).RotateTokenKeys, at_once, token=admin)
        administration: Any = CatalogServiceStub(lasting)
        pending = administration.CreatePurpose.future(PURPOSE, metadata=bearing(admin))
        with pytest.raises(grpc.RpcError) as caught:
            pending.result()
        assert service_error(caught.value).reason == "FIELD_MISSING"


def bearing(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def test_who_is_refused_with_a_new_token_is_not_asked_for_another() -> None:
    with (
        Service(900, refuses=100) as service,
        exchanging(grpc.insecure_channel(f"127.0.0.1:{service.port}")) as channel,
    ):
        with pytest.raises(grpc.RpcError):
            _call(channel, SECRET)
        assert (service.made, len(service.seen)) == (1, 1)
        with pytest.raises(grpc.RpcError):
            _call(channel, SECRET)
        assert (service.made, len(service.seen)) == (2, 3), "once more, and no more than once"


def test_a_stream_whose_token_is_refused_has_it_forgotten() -> None:
    with (
        Service(900, refuses=1) as service,
        exchanging(grpc.insecure_channel(f"127.0.0.1:{service.port}")) as channel,
    ):
        streaming: Any = channel.stream_stream("/x/Watch")
        with pytest.raises(grpc.RpcError):
            list(streaming(iter([b""]), metadata=bearing(SECRET)))
        assert list(streaming(iter([b""]), metadata=bearing(SECRET))) == [b""]
        assert service.seen == ["Bearer eyJ1.for.x", "Bearer eyJ2.for.x"]


def _administer(endpoint: Endpoint, admin: str) -> None:
    with endpoint.channel() as channel:
        catalog: Any = CatalogServiceStub(channel)
        for token, reason in ((admin, "FIELD_MISSING"), (SECRET, "TOKEN_INVALID")):
            with pytest.raises(ServiceError) as caught:
                call(catalog.CreatePurpose, PURPOSE, token=token)
            assert caught.value.reason == reason
        ledger: Any = LedgerServiceStub(channel)
        watching = stream(ledger.WatchCheckpoints, ledger_pb2.WatchCheckpointsRequest(), token=admin)
        assert next(watching).checkpoint


# the calls of an asynchronous channel


@asynccontextmanager
async def asynchronous(service: Service) -> AsyncIterator[grpc.aio.Channel]:
    tokens = exchanging_aio.Tokens()
    over = grpc.aio.insecure_channel(
        f"127.0.0.1:{service.port}", interceptors=exchanging_aio.interceptors(tokens)
    )
    async with over as channel:
        tokens.over(channel)
        yield channel


async def test_asynchronous_calls_of_every_kind_have_one_token() -> None:
    with Service(900) as service:
        async with asynchronous(service) as channel:
            single: Any = channel.unary_unary("/x/Y")
            metadata = (*bearing(SECRET), ("other", "thing"))
            await asyncio.gather(*(single(b"", metadata=metadata) for _ in range(8)))
            told: Any = channel.unary_stream("/x/Told")
            assert [each async for each in told(b"", metadata=metadata)] == [b""]
            watch: Any = channel.stream_stream("/x/Watch")
            assert [each async for each in watch(iter([b"", b""]), metadata=metadata)] == [b"", b""]
            assert service.made == 1
            assert set(service.seen) == {"Bearer eyJ1.for.x"}
            plain: Any = channel.unary_unary("/x/Y")
            await plain(b"")
            await plain(b"", metadata=bearing("eyJhbGciOiJFZERTQSJ9.e30.c2ln"))
            assert service.seen[-2:] == ["", "Bearer eyJhbGciOiJFZERTQSJ9.e30.c2ln"]
            replacing: Any = channel.unary_unary("/zkproto.v1.TokenService/ReplaceSecret")
            await replacing(b"", metadata=bearing(SECRET))
            assert (service.made, service.seen[-1]) == (1, f"Bearer {SECRET}")


async def test_an_asynchronous_call_whose_token_is_refused_is_made_once_more() -> None:
    with Service(900) as service:
        async with asynchronous(service) as channel:
            single: Any = channel.unary_unary("/x/Y")
            await single(b"", metadata=bearing(SECRET))
            service.refuse(1)
            assert await single(b"", metadata=bearing(SECRET)) == b""
            assert (service.made, len(service.seen)) == (2, 3)
            service.refuse(100)
            with pytest.raises(grpc.aio.AioRpcError):
                await single(b"", metadata=bearing(SECRET))
            assert (service.made, len(service.seen)) == (3, 5), "once more, and no more than once"
            service.refuse(1)
            told: Any = channel.unary_stream("/x/Told")
            with pytest.raises(grpc.aio.AioRpcError):
                [each async for each in told(b"", metadata=bearing(SECRET))]
            assert [each async for each in told(b"", metadata=bearing(SECRET))] == [b""]


async def test_a_service_of_before_tokens_gets_the_secret_of_an_asynchronous_call() -> None:
    with Service(None) as service:
        async with asynchronous(service) as channel:
            single: Any = channel.unary_unary("/x/Y")
            for _ in range(2):
                await single(b"", metadata=bearing(SECRET))
        assert service.seen == [f"Bearer {SECRET}"] * 2


async def test_a_server_that_takes_no_secrets_is_called_asynchronously_as_any(tmp_path: Path) -> None:
    async with started(tmp_path, accept_secrets=False) as process:
        endpoint = Endpoint.at(process.address, tmp_path / "ca.pem")
        admin = (tmp_path / "admin.token").read_text().strip()
        async with endpoint.channel_aio() as channel:
            catalog: Any = CatalogServiceStub(channel)
            for token, reason in ((admin, "FIELD_MISSING"), (SECRET, "TOKEN_INVALID")):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await catalog.CreatePurpose(PURPOSE, metadata=bearing(token))
                assert service_error(caught.value).reason == reason
            at_once = token_pb2.RotateTokenKeysRequest(at_once=True)
            for _ in range(2):
                await TokenServiceStub(channel).RotateTokenKeys(at_once, metadata=bearing(admin))
