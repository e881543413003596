"""What surrounds the calls: TLS, deadlines, exchanges that are watched, health, reflection."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.zkservice.stored import dump
from tests.zkservice.support import City, Issued, channel_that_outlives, city, refusal, reopened
from tests.zkservice.wiring import services
from wire.convert import presentation_of
from zkproto.v1 import catalog_pb2, ledger_pb2, presentation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAMES = [each.full_name for each in services()]
Health = health_pb2.HealthCheckResponse
Watch = presentation_pb2.WatchExchangeResponse
PROBE = catalog_pb2.ListVerifiersRequest()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("transport")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issued(town: City) -> Issued:
    return await town.claim(await town.issue())


async def probe(channel: grpc.aio.Channel) -> Any:
    async with channel:
        call: Any = channel.unary_unary(
            "/zkproto.v1.CatalogService/ListVerifiers",
            request_serializer=catalog_pb2.ListVerifiersRequest.SerializeToString,
            response_deserializer=catalog_pb2.ListVerifiersResponse.FromString,
        )
        return await call(PROBE, timeout=5)


async def test_only_tls_under_the_right_root(town: City, tmp_path_factory: pytest.TempPathFactory) -> None:
    address, root = town.ready.address, (town.ready.data / "ca.pem").read_bytes()
    assert await probe(grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(root)))
    error = await refusal(probe(grpc.aio.insecure_channel(address)))
    assert error.code.name == "UNAVAILABLE"
    async with city(tmp_path_factory.mktemp("other")) as other:
        wrong = (other.ready.data / "ca.pem").read_bytes()
    error = await refusal(probe(grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(wrong))))
    assert error.code.name == "UNAVAILABLE"
    # Under the right root, but as somebody else.
    named = [("grpc.ssl_target_name_override", "bank.example")]
    channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(root), options=named)
    assert (await refusal(probe(channel))).code.name == "UNAVAILABLE"


async def test_a_deadline_is_kept_and_the_same_again_gives_the_stored_receipt(
    town: City, issued: Issued
) -> None:
    for seconds in (0.000_001, 0.005, 0.01, 0.02, 0.03, 0.05):
        request = town.request()
        submission = town.submission(await town.ask(request), *town.present(request, issued))
        code, answer = None, None
        try:
            answer = await town.presentation.SubmitPresentation(submission, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            code = error.code()
        assert code in {None, grpc.StatusCode.DEADLINE_EXCEEDED}
        answer = answer or await town.presentation.SubmitPresentation(submission)
        again = await town.presentation.SubmitPresentation(submission)
        assert again == answer
        receipts = [row for row in dump(town.ready.data)["answer"] if row[0] == submission.exchange[10:]]
        assert len(receipts) == 1


async def test_a_deadline_far_too_short_is_told(town: City, issued: Issued) -> None:
    request = town.request()
    submission = town.submission(await town.ask(request), *town.present(request, issued))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await town.presentation.SubmitPresentation(submission, timeout=0.000_001)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def watching(town: City, exchange: Any) -> Any:
    return town.presentation.WatchExchange(
        presentation_pb2.WatchExchangeRequest(exchange=exchange.exchange, result_token=exchange.result_token)
    )


async def test_many_watch_one_exchange_and_each_is_told(town: City, issued: Issued) -> None:
    request = town.request()
    exchange, idle = await town.ask(request), await town.ask(town.request())
    streams = [watching(town, exchange) for _ in range(4)]
    other = watching(town, idle)
    for stream in (*streams, other):
        assert (await stream.read()).state == Watch.STATE_PENDING
    presentation, note = town.present(request, issued)
    answer = await town.presentation.SubmitPresentation(town.submission(exchange, presentation, note))
    async with asyncio.timeout(4):  # well before a watcher looks by itself
        for stream in streams:
            told = await stream.read()
            assert told.state == Watch.STATE_VERIFIED
            assert told.receipt == answer.receipt
            assert presentation_of(told.presentation) == presentation
            assert await stream.read() is grpc.aio.EOF
    late = await watching(town, exchange).read()
    assert (late.state, late.receipt) == (Watch.STATE_VERIFIED, answer.receipt)
    other.cancel()


async def test_an_exchange_that_nobody_answers_expires(town: City) -> None:
    exchange = await town.ask(town.request(lifetime=dt.timedelta(seconds=2)))
    stream = watching(town, exchange)
    assert (await stream.read()).state == Watch.STATE_PENDING
    async with asyncio.timeout(5):
        assert (await stream.read()).state == Watch.STATE_EXPIRED
    assert await stream.read() is grpc.aio.EOF
    assert (await watching(town, exchange).read()).state == Watch.STATE_EXPIRED


async def test_health_serves_and_stops_serving_at_the_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("health")
    async with channel_that_outlives(city(folder)) as (town, end):
        stub: Any = health_pb2_grpc.HealthStub(town.channel)
        for name in ("", *NAMES):
            assert (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status == Health.SERVING
        unknown = await refusal(stub.Check(health_pb2.HealthCheckRequest(service="nobody")))
        assert unknown.code.name == "NOT_FOUND"
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=NAMES[0]))
        assert (await watch.read()).status == Health.SERVING
        ending = asyncio.ensure_future(end())
        assert (await watch.read()).status == Health.NOT_SERVING
        watch.cancel()
        await ending


async def test_reflection_names_the_services(town: City) -> None:
    channel: Any = town.channel
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    stream = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    answer = await stream.read()
    listed = {each.name for each in answer.list_services_response.service}
    assert listed >= {*NAMES, "grpc.health.v1.Health"}


async def test_a_method_that_does_not_exist_is_unimplemented(town: City) -> None:
    call: Any = town.channel.unary_unary("/zkproto.v1.LedgerService/Rewrite")
    error = await refusal(call(b""))
    assert error.code.name == "UNIMPLEMENTED"


async def test_calls_in_flight_at_the_end_are_answered(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("drain")
    async with channel_that_outlives(city(folder)) as (town, end):
        issued = await town.claim(await town.issue())
        submissions = []
        for _ in range(6):
            request = town.request()
            submissions.append(town.submission(await town.ask(request), *town.present(request, issued)))
        calls = [asyncio.ensure_future(town.presentation.SubmitPresentation(each)) for each in submissions]
        while not any(each.done() for each in calls):
            await asyncio.sleep(0)
        await end()
        answers = await asyncio.gather(*calls, return_exceptions=True)
    kept = {row[0] for row in dump(folder)["answer"]}
    for submission, answer in zip(submissions, answers, strict=True):
        if isinstance(answer, grpc.aio.AioRpcError):
            assert answer.code() == grpc.StatusCode.UNAVAILABLE
        else:
            assert answer.receipt  # type: ignore[union-attr]
            assert submission.exchange[10:] in kept
    assert all(row[1] is not None for row in dump(folder)["outbox"]), "what was taken in stands on the log"


async def test_a_page_token_is_still_good_after_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("again")
    asked = ledger_pb2.ListEntriesRequest(page_size=1)
    async with city(folder) as town:
        asked.page_token = (await town.ledger.ListEntries(asked)).next_page_token
    async with reopened(folder) as town:
        assert (await town.ledger.ListEntries(asked)).entries[0].index == 1
