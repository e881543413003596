"""Spans over the wire: which there are, what they say and what never; and no receiver holds up a call."""

import asyncio
import base64
import json
import signal
import time
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from pydantic import ValidationError

from tests.zkservice.seeing import Receiver, attributes, http, lines, receiver, until
from tests.zkservice.server_process import started
from tests.zkservice.support import PERMIT, VALUES, City, city, new_id, refusal
from tests.zkservice.test_privacy import PERSONAL, ask_for_everything, forms, found, refused_calls
from zkproto.v1 import issuance_pb2, ledger_pb2, presentation_pb2
from zkservice.config import Settings
from zkservice.observing import tracing
from zkservice.observing.carried import CARRYING
from zkservice.observing.tracing import ATTRIBUTES, QUEUE, allowed
from zkservice.services import roster

TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN: Final = "00f067aa0ba902b7"
BROUGHT: Final = (("traceparent", f"00-{TRACE}-{SPAN}-01"),)
METHODS: Final = {
    f"/{service.full_name}/{method.name}" for service in roster.DESCRIPTORS for method in service.methods
}
LEDGER: Final = ledger_pb2.GetCheckpointRequest()


async def spans_of(collected: Receiver, name: str, count: int = 1) -> list[Any]:
    """Wait for spans of a name."""

    async def look() -> list[Any]:
        told = collected.named(name)
        return told if len(told) >= count else []

    return await until(look)


def brought(span: Any) -> bool:
    return bool(span.trace_id.hex() == TRACE)


# what is carried


def test_only_methods_that_there_are_carry_a_trace_context() -> None:
    assert CARRYING < METHODS


def test_nothing_that_a_vault_calls_carries_a_trace_context() -> None:
    """The holder's side names its methods in its source: as a stub's attribute, or in quotes."""
    source = "\n".join(each.read_text() for each in sorted(Path("prover").rglob("*.py")))
    assert "SubmitPresentation" in source
    for method in CARRYING:
        name = method.rpartition("/")[2]
        assert f".{name}," not in source, name
        assert f'"{name}"' not in source, name
        assert f".{name})" not in source, name


async def test_institutions_calls_go_on_their_trace_and_vaults_calls_on_none(tmp_path: Path) -> None:
    with receiver() as collected:
        async with city(tmp_path, trace_endpoint=collected.url) as town:
            await town.issuance.IssueCredential(
                town.issuing(), metadata=(*town.bearer(town.department_token), *BROUGHT)
            )
            asked = issuance_pb2.ClaimCredentialRequest(offer="offers/x", claim_code="y", request_id=new_id())
            await refusal(town.issuance.ClaimCredential(asked, metadata=BROUGHT))
            await town.ledger.GetCheckpoint(LEDGER, metadata=BROUGHT)
        (issued,) = await spans_of(collected, "IssuanceService/IssueCredential")
        assert brought(issued)
        assert issued.parent_span_id.hex() == SPAN
        (job,) = [each for each in collected.named("signer job") if brought(each)]
        assert job.parent_span_id == issued.span_id
        for name in ("IssuanceService/ClaimCredential", "LedgerService/GetCheckpoint"):
            (span,) = await spans_of(collected, name)
            assert not brought(span)
            assert span.parent_span_id == b""
        assert {each.name for each in collected.spans if brought(each)} == {issued.name, job.name}


@pytest.mark.parametrize(
    "metadata",
    [
        (("traceparent", "00-" + "0" * 32 + f"-{SPAN}-01"),),
        (("traceparent", f"00-{TRACE}-{SPAN}"),),
        (("traceparent", "x" * 3000),),
        (("traceparent", f"ff-{TRACE}-{SPAN}-01"),),
        (("tracestate", "a=secret-of-a-vendor"), ("baggage", "a=secret-of-a-vendor")),
        (*BROUGHT, ("tracestate", "a=secret-of-a-vendor"), ("baggage", "a=secret-of-a-vendor")),
    ],
    ids=["zero", "short", "long", "version", "states alone", "states"],
)
async def test_what_is_no_trace_context_is_passed_over(tmp_path: Path, metadata: Any) -> None:
    with receiver() as collected:
        async with city(tmp_path, trace_endpoint=collected.url) as town:
            bearer = town.bearer(town.department_token)
            await town.issuance.IssueCredential(town.issuing(), metadata=(*bearer, *metadata))
        (issued,) = await spans_of(collected, "IssuanceService/IssueCredential")
        assert brought(issued) == (len(metadata) == 3)
        assert b"secret-of-a-vendor" not in collected.octets


# what is said


def test_what_is_not_listed_is_never_said() -> None:
    assert allowed({"zk.count": 1, "name": "王小明", "rpc.request.metadata": "x"}) == {"zk.count": 1}


async def test_a_span_says_how_a_call_ended_and_nothing_of_the_host(tmp_path: Path) -> None:
    with receiver() as collected:
        async with city(tmp_path, trace_endpoint=collected.url, processes=1) as town:
            await town.answered(await town.claim(await town.issue()))
            asked = issuance_pb2.ClaimCredentialRequest(offer="offers/x", claim_code="y", request_id=new_id())
            await refusal(town.issuance.ClaimCredential(asked))
            watch = town.ledger.WatchCheckpoints(ledger_pb2.WatchCheckpointsRequest())
            await watch.read()
            watch.cancel()
            await spans_of(collected, "LedgerService/WatchCheckpoints")
        told = {each.name: attributes(each) for each in collected.spans}
        name = "IssuanceService/ClaimCredential"
        assert told[name] == {
            "rpc.system": "grpc",
            "rpc.method": name,
            "rpc.grpc.status_code": "NOT_FOUND",
            "zk.reason": "NOT_FOUND",
        }
        assert told["LedgerService/WatchCheckpoints"]["rpc.grpc.status_code"] == "CANCELLED"
        for each in ("judge job", "judge batch", "signer job", "signer batch", "write group", "block"):
            assert set(told[each]) == {"zk.count"}, each
        for span in collected.spans:
            assert {each.key for each in span.attributes} <= ATTRIBUTES
            assert not span.events
            assert not span.links
            assert not span.status.message
            assert not span.trace_state
            assert span.start_time_unix_nano <= span.end_time_unix_nano
        known = {each.removeprefix("/zkproto.v1.") for each in METHODS}
        assert {each for each in told if "/" in each} <= known
    said = {
        each.key
        for body in collected.bodies
        for resource in tracing_request(body).resource_spans
        for each in resource.resource.attributes
    }
    assert said == {"service.name", "service.version"}


def tracing_request(body: bytes) -> Any:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    return ExportTraceServiceRequest.FromString(body)


async def test_a_whole_flow_leaves_nobody_in_spans_metrics_or_logs(tmp_path: Path) -> None:
    """Over a real server process, with everything on, and personal data sent to where it does not belong."""
    with receiver() as collected:
        port = free_port()
        observed = {"log_level": "debug", "metrics_port": port, "trace_endpoint": collected.url}
        async with started(tmp_path, **observed, processes=1) as process:
            async with process.city() as town:
                await town.furnish()
                offer = await town.issue()
                issued = await town.claim(offer)
                request, exchange, submission, answer = await ask_for_everything(town, issued)
                watch = presentation_pb2.WatchExchangeRequest(
                    exchange=exchange.exchange, result_token=exchange.result_token
                )
                assert await town.presentation.WatchExchange(watch).read()
                secrets = [
                    town.admin, town.department_token, offer.claim_code, exchange.ticket,
                    exchange.result_token, submission.request_id, exchange.exchange[10:], offer.offer[7:],
                ]  # fmt: skip
                await refused_calls(town, secrets)
                await shouted(town)
                town.ready = type(town.ready)(
                    town.ready.address, town.ready.verifier_key, tmp_path, None, port
                )
                async with http(town.ready) as client:
                    pages = [(await client.get(each)).content for each in ("/metrics", "/ready", "/live")]
            process.end(signal.SIGTERM)
            assert await process.ended() == 0
        assert collected.named("PresentationService/SubmitPresentation")
        assert collected.named("block")
        shown, exported = tmp_path / "shown", tmp_path / "exported"
        shown.write_bytes(b"\n".join(pages))
        exported.write_bytes(collected.octets)
    assert b"SubmitPresentation" in shown.read_bytes()
    needles = [*PERSONAL, *(form for each in (str(VALUES["name"]), *secrets) for form in forms(each))]
    needles += [request.nonce.hex().encode(), request.nonce, answer.receipt, submission.holder_note]
    needles += [base64.b64encode(request.digest), request.digest, request.digest.hex().encode()]
    needles += [b"370102", str(PERMIT.name).encode(), b"residence_permit", b"school", b"police", b"shouted"]
    needles += [b"127.0.0.1:", b"ipv4:", str(tmp_path).encode()]
    log = tmp_path / "server.log"
    assert found(needles[:-3], shown, log) == []
    # The receiver's own address stands in the head of each request.
    exported.write_bytes(b"\n".join(collected.bodies))
    assert found(needles, exported) == []


async def shouted(town: City) -> None:
    """Name things in every place that a caller may fill: paths, metadata, user agent."""
    name = "shouted"
    method: Any = town.channel.unary_unary(f"/zkproto.v1.{name}/{name}")
    with pytest.raises(grpc.aio.AioRpcError):
        await method(name.encode(), metadata=(("authorization", name), (name, name)))
    metadata = ((name, name), ("user-agent", name), ("x-request-id", f"{name} {name}"), ("tracestate", name))
    await refusal(town.issuance.IssueCredential(town.issuing(), metadata=metadata))


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port


# no receiver holds up anything


@pytest.mark.parametrize("away", ["nobody listens", "nobody answers"])
async def test_a_receiver_that_is_away_holds_up_no_call_and_no_end(
    tmp_path: Path, away: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "_QUIET_SECONDS", 0.0)
    with receiver() as collected:
        url = collected.url
        if away == "nobody answers":
            collected.held.clear()
        else:
            url = f"http://127.0.0.1:{free_port()}/v1/traces"
        async with started(tmp_path, trace_endpoint=url, log_level="info") as process:
            async with process.city() as town:
                for _ in range(QUEUE // 32 + 8):
                    await asyncio.gather(*(town.ledger.GetCheckpoint(LEDGER) for _ in range(32)))
                slowest = 0.0
                for _ in range(50):
                    begun = time.monotonic()
                    await town.ledger.GetCheckpoint(LEDGER)
                    slowest = max(slowest, time.monotonic() - begun)
            process.end(signal.SIGTERM)
            assert await process.ended() == 0
    told = lines(tmp_path / "server.log")
    calls = [each for each in told if each["event"] == "call"]
    assert {each["code"] for each in calls} == {"OK"}
    assert len(calls) > QUEUE + 50, "more than may wait"
    assert slowest < 30
    assert "Traceback" not in (tmp_path / "server.log").read_text()
    assert json.dumps(url) not in (tmp_path / "server.log").read_text()


async def test_what_waits_is_exported_at_the_end(tmp_path: Path) -> None:
    with receiver() as collected:
        async with city(tmp_path, trace_endpoint=collected.url) as town:
            await town.ledger.GetCheckpoint(LEDGER)
        assert len(collected.named("LedgerService/GetCheckpoint")) == 1


async def test_a_share_of_nothing_exports_nothing(tmp_path: Path) -> None:
    with receiver() as collected:
        async with city(tmp_path, trace_endpoint=collected.url, trace_share=0.0) as town:
            bearer = town.bearer(town.department_token)
            await town.issuance.IssueCredential(town.issuing(), metadata=(*bearer, *BROUGHT))
        assert collected.bodies == []


@pytest.mark.parametrize("flag", ["00", "01"])
async def test_a_callers_flag_decides_nothing(tmp_path: Path, flag: str) -> None:
    with receiver() as collected:
        async with city(tmp_path, trace_endpoint=collected.url) as town:
            metadata = (*town.bearer(town.department_token), ("traceparent", f"00-{TRACE}-{SPAN}-{flag}"))
            await town.issuance.IssueCredential(town.issuing(), metadata=metadata)
        (issued,) = await spans_of(collected, "IssuanceService/IssueCredential")
        assert brought(issued)


@pytest.mark.parametrize("trace", ["0" * 31 + "1", "f" * 32], ids=["lowest", "highest"])
@pytest.mark.parametrize("flag", [0, 1])
def test_a_callers_trace_id_decides_nothing(tmp_path: Path, trace: str, flag: int) -> None:
    """An id below or above every share is kept now and then, and all of a call or nothing."""
    provider = tracing._provider(Settings(data=tmp_path, trace_share=0.5), InMemorySpanExporter())
    tracer, parent = (
        provider.get_tracer("x"),
        SpanContext(int(trace, 16), int(SPAN, 16), True, TraceFlags(flag)),
    )
    kept = []
    for _ in range(400):
        span = tracer.start_span("call", set_span_in_context(NonRecordingSpan(parent)))
        inner = tracer.start_span("work", set_span_in_context(span))
        assert inner.is_recording() == span.is_recording()
        kept.append(span.is_recording())
    provider.shutdown()
    assert 50 < sum(kept) < 350


@pytest.mark.parametrize(
    "endpoint",
    ["ftp://127.0.0.1/v1/traces", "127.0.0.1:4318", "http://", "http://a b", "http://a\n", "file:///etc"],
)
def test_what_is_no_receiver_is_refused(tmp_path: Path, endpoint: str) -> None:
    with pytest.raises(ValidationError, match="trace_endpoint"):
        Settings(data=tmp_path, trace_endpoint=endpoint)


def test_a_receiver_s_password_is_not_shown(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, trace_endpoint="https://user:secret-word@otlp.example/v1/traces")
    assert "secret-word" not in repr(settings) + str(settings)
