"""Pages' calls over the edge to a real service, and everything that is no page's call."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from google.protobuf import descriptor_pool
from google.rpc import error_details_pb2, status_pb2

from tests.web_edge.standing import TYPE, Standing, framed, split, standing
from tests.zkservice.support import City, city, reopened
from tests.zkservice.witnessing import grow
from web_edge.bridge import STREAMS_OF_ONE
from web_edge.methods import ALLOWED, Kind
from zkproto.v1 import ledger_pb2
from zkservice.roles import TABLE, Role

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHECKPOINT = "zkproto.v1.LedgerService/GetCheckpoint"
WATCH = "zkproto.v1.LedgerService/WatchCheckpoints"
NOTHING = framed(b"")
_OK, _EXHAUSTED = (str(each.value[0]) for each in (grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("city")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(town: City, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Standing]:
    async with standing(town, tmp_path_factory.mktemp("edge") / "pages") as made:
        yield made


async def test_a_call_has_the_same_answer_as_over_grpc(town: City, edge: Standing) -> None:
    answer = await edge.call(CHECKPOINT, NOTHING)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TYPE
    assert answer.headers["cache-control"] == "no-store"
    (message,), trailers = split(answer.content)
    assert trailers == {"grpc-status": "0"}
    direct = await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())
    assert ledger_pb2.GetCheckpointResponse.FromString(message) == direct


async def test_a_refusal_keeps_its_status_and_its_reason(edge: Standing) -> None:
    asked = ledger_pb2.GetInclusionProofRequest(entry_index=10**9)
    answer = await edge.call("zkproto.v1.LedgerService/GetInclusionProof", framed(asked.SerializeToString()))
    messages, trailers = split(answer.content)
    assert (answer.status_code, messages) == (200, [])
    assert trailers["grpc-status"] != "0"
    octets = trailers["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(base64.b64decode(octets + "=" * (-len(octets) % 4)))
    info = error_details_pb2.ErrorInfo()
    assert any(each.Unpack(info) for each in status.details)
    assert str(status.code) == trailers["grpc-status"]
    assert info.domain == "zk-disclosure"
    assert info.reason


async def test_a_stream_brings_what_is_published_and_ends_with_its_page(town: City, edge: Standing) -> None:
    sizes = list[int]()
    async with edge.http.stream("POST", f"/rpc/{WATCH}", content=NOTHING, headers=edge.headers()) as answer:
        buffered = b""
        async for piece in answer.aiter_raw():
            buffered += piece
            while len(buffered) >= 5 and len(buffered) >= (end := 5 + int.from_bytes(buffered[1:5])):
                note = ledger_pb2.WatchCheckpointsResponse.FromString(buffered[5:end]).checkpoint
                sizes.append(int(note.split(b"\n")[1]))
                buffered = buffered[end:]
                if len(sizes) == 1:
                    await grow(town, "streamed")
            if len(sizes) > 1:
                break
    assert sizes[1] > sizes[0]


async def _first_of_each(edge: Standing, addresses: list[str], headers: list[dict[str, str]]) -> list[int]:
    """Open a stream from each address, and return the kind of each one's first frame, which all wait for."""

    async def first(address: str, given: dict[str, str]) -> int:
        async with (
            edge.client_from(address) as http,
            http.stream("POST", f"/rpc/{WATCH}", content=NOTHING, headers=edge.headers() | given) as answer,
        ):
            async for piece in answer.aiter_raw():
                begun.append(piece[0])
                if len(begun) == len(addresses):
                    all_begun.set()
                async with asyncio.timeout(60):
                    await all_begun.wait()
                return piece[0]
        return -1

    begun, all_begun = list[int](), asyncio.Event()
    given = zip(addresses, headers, strict=True)
    return await asyncio.gather(*(first(address, each) for address, each in given))


async def test_many_streams_do_not_share_a_connection_s_places(edge: Standing) -> None:
    addresses = ["127.0.0.2", "127.0.0.3"] * 6
    assert await _first_of_each(edge, addresses, [{}] * 12) == [0] * 12


async def test_one_client_has_some_streams_and_leaves_the_others_theirs(edge: Standing) -> None:
    addresses = ["127.0.0.4"] * (STREAMS_OF_ONE + 3) + ["127.0.0.5"]
    *first, other = await _first_of_each(edge, addresses, [{}] * len(addresses))
    assert sorted(first) == [0] * STREAMS_OF_ONE + [0x80] * 3
    assert other == 0
    async with asyncio.timeout(60):  # until the edge has noticed that they ended, and gives the places anew
        while any(await _first_of_each(edge, addresses[:STREAMS_OF_ONE], [{}] * STREAMS_OF_ONE)):
            await asyncio.sleep(0.05)


async def test_a_client_gets_no_more_streams_by_what_it_writes(edge: Standing) -> None:
    many = STREAMS_OF_ONE + 2
    written = [{"x-forwarded-for": f"192.0.2.{each}"} for each in range(many)]
    found = await _first_of_each(edge, ["127.0.0.6"] * many, written)
    assert sorted(found) == [0] * STREAMS_OF_ONE + [0x80] * 2


async def test_behind_a_proxy_streams_are_its_client_s(town: City, tmp_path: Path) -> None:
    nothing = {"certificate": None, "private_key": None, "behind_tls": True}
    one, other = "10.0.0.9, 2001:db8::1", "10.0.0.9, 2001:db8:0:1::1"
    async with standing(town, tmp_path / "pages", **nothing) as secured:
        edge = replace(secured, origin=f"http://localhost:{secured.port}")
        written = [{"origin": secured.origin, "x-forwarded-for": each} for each in [one] * 9 + [other] * 2]
        found = await _first_of_each(edge, ["127.0.0.1"] * 11, written)
        assert sorted(found[:9]) == [0] * STREAMS_OF_ONE + [0x80]
        assert found[9:] == [0, 0]


async def test_the_deadline_of_a_page_counts(edge: Standing) -> None:
    answer = await edge.call(WATCH, NOTHING, edge.headers(grpc_timeout="300m"))
    _, trailers = split(answer.content)
    assert trailers["grpc-status"] == str(grpc.StatusCode.DEADLINE_EXCEEDED.value[0])


async def test_the_service_charges_the_page_s_address_and_not_what_it_writes(tmp_path: Path) -> None:
    limits: dict[str, Any] = {
        "trusted_proxies": "127.0.0.1/32",
        "rate_anonymous": 0.001,
        "burst_anonymous": 2,
    }
    async with reopened(tmp_path / "city", **limits) as town, standing(town, tmp_path / "pages") as edge:
        assert [await _status(edge, "127.0.0.2") for _ in range(3)] == [_OK, _OK, _EXHAUSTED]
        written = edge.headers(x_forwarded_for="127.0.0.9")
        assert await _status(edge, "127.0.0.2", written) == _EXHAUSTED
        assert (
            await _status(edge, "127.0.0.2", edge.headers(x_forwarded_for=",".join("9" * 900))) == _EXHAUSTED
        )
        assert await _status(edge, "127.0.0.3") == _OK


async def test_of_a_long_chain_of_proxies_the_last_ones_count(tmp_path: Path) -> None:
    limits: dict[str, Any] = {
        "trusted_proxies": "127.0.0.0/24",
        "rate_anonymous": 0.001,
        "burst_anonymous": 2,
    }
    long = "192.0.2.1, " * 200
    async with reopened(tmp_path / "city", **limits) as town, standing(town, tmp_path / "pages") as edge:
        one, other = (edge.headers(x_forwarded_for=f"{long}198.51.100.{each}, 127.0.0.8") for each in (1, 2))
        told = [await _status(edge, "127.0.0.9", one) for _ in range(3)]
        assert told == [_OK, _OK, _EXHAUSTED]
        assert await _status(edge, "127.0.0.9", other) == _OK


async def _status(edge: Standing, address: str, headers: dict[str, str] | None = None) -> str:
    async with edge.client_from(address) as http:
        answer = await http.post(f"/rpc/{CHECKPOINT}", content=NOTHING, headers=headers or edge.headers())
    return split(answer.content)[1]["grpc-status"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://localhost"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=lambda each: ",".join(f"{name}={value}" for name, value in each.items()),
)
async def test_other_sites_pages_make_no_calls(edge: Standing, headers: dict[str, str]) -> None:
    answer = await edge.call(CHECKPOINT, NOTHING, edge.headers() | headers)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_no_origin_makes_no_calls(edge: Standing) -> None:
    assert (await edge.call(CHECKPOINT, NOTHING, {"content-type": TYPE})).status_code == 403


async def test_a_preflight_is_not_answered(edge: Standing) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = await edge.http.options(f"/rpc/{CHECKPOINT}", headers=headers)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_another_name_than_its_own_is_refused(edge: Standing) -> None:
    for host in ("evil.example", f"evil.example:{edge.port}", "localhost.evil.example", "localhost:80x", ""):
        answer = await edge.http.get("/", headers={"host": host})
        assert answer.status_code in {400, 421}, host
    assert (await edge.http.get("/", headers={"host": f"LOCALHOST:{edge.port}"})).status_code == 200


@pytest.mark.parametrize(
    "method",
    [
        "zkproto.v1.CatalogService/CreateDepartment",
        "zkproto.v1.LedgerService/Nothing",
        "zkproto.v1.LedgerService/GetCheckpoint/",
        "/zkproto.v1.LedgerService/GetCheckpoint",
        "zkproto.v1.LedgerService%2FGetCheckpoint%00",
        "grpc.health.v1.Health/Check",
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ],
)
async def test_what_no_page_calls_does_not_exist(edge: Standing, method: str) -> None:
    assert (await edge.call(method, NOTHING)).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\0\0\0\0", 400),
        (b"\0\0\0\0\1", 400),
        (b"\0\0\0\0\0\0", 400),
        (NOTHING + NOTHING, 400),
        (b"\1\0\0\0\0", 400),
        (b"\x80\0\0\0\0", 400),
        (b"\0\xff\xff\xff\xff", 400),
        (framed(bytes(300_000)), 413),
    ],
    ids=["empty", "short", "too-short", "too-long", "two", "compressed", "trailers", "huge", "large"],
)
async def test_what_is_no_message_is_refused_here(edge: Standing, body: bytes, status: int) -> None:
    assert (await edge.call(CHECKPOINT, body)).status_code == status


async def test_what_no_message_decodes_from_is_refused_by_the_service(edge: Standing) -> None:
    _, trailers = split((await edge.call(CHECKPOINT, framed(b"\xff\xff\xff"))).content)
    assert trailers["grpc-status"] == str(grpc.StatusCode.INVALID_ARGUMENT.value[0])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/grpc-web-text"}, 415),
        ({"content-type": "application/json"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"grpc-timeout": "1x"}, 400),
        ({"grpc-timeout": "-1S"}, 400),
        ({"grpc-timeout": "123456789S"}, 400),
        ({"x-forwarded-for": "192.0.2.1,\t192.0.2.2"}, 400),
        ({"x-forwarded-for": "192.0.2.1\tx"}, 400),
        ({"x-forwarded-for": "192.0.2.\xe9"}, 400),
        ({"authorization": "Bearer a\tb"}, 400),
        ({"authorization": "Basic abc"}, 400),
        ({"authorization": "Bearer a b"}, 400),
        ({"authorization": "Bearer " + "a" * 5000}, 400),
    ],
    ids=lambda each: str(each)[:40],
)
async def test_odd_headers_are_refused(edge: Standing, headers: dict[str, str], status: int) -> None:
    sent = httpx.Headers(edge.headers() | headers, encoding="latin-1")
    assert (await edge.call(CHECKPOINT, NOTHING, sent)).status_code == status


async def test_reading_the_pages_rpc_address_is_no_call(edge: Standing) -> None:
    assert (await edge.http.get(f"/rpc/{CHECKPOINT}")).status_code in {404, 405}


async def test_a_service_that_is_away_is_unavailable(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(AsyncExitStack())
        town = await service.enter_async_context(reopened(tmp_path / "city"))
        edge = await stack.enter_async_context(standing(town, tmp_path / "pages"))
        assert split((await edge.call(CHECKPOINT, NOTHING)).content)[1] == {"grpc-status": "0"}
        await service.aclose()
        answer = await edge.call(CHECKPOINT, NOTHING)
        assert answer.status_code == 200
        assert split(answer.content)[1]["grpc-status"] == str(grpc.StatusCode.UNAVAILABLE.value[0])


async def test_every_method_that_is_let_pass_is_there_and_takes_no_role_but_those_of_a_vault() -> None:
    for name, kind in ALLOWED.items():
        service, _, method = name.partition("/")
        found = descriptor_pool.Default().FindServiceByName(service).methods_by_name[method]
        assert not found.client_streaming
        assert found.server_streaming is (kind is Kind.STREAM)
        assert {*TABLE[f"/{name}"].roles} <= {Role.HOLDER, Role.CONSENT}
