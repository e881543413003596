"""Attempts to have the service, or a verifier's request, settle for less than it wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio

from tests.attack.target import Target, attacked
from tests.reliability.flooding import PREFACE, SETTINGS, frame, message, opening
from tests.zkservice.sessions import statement
from tests.zkservice.support import City, refusal
from zkproto.v1.session_pb2_grpc import SessionServiceStub

in_module = pytest.mark.asyncio(loop_scope="module")
GET: Final = "/zkproto.v1.LedgerService/GetCheckpoint"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with attacked(tmp_path_factory.mktemp("downgrade"), demand_challenge=True) as opened:
        yield opened


def weak(version: ssl.TLSVersion | None = None, ciphers: str = "", alpn: tuple[str, ...] = ("h2",)) -> Any:
    """Return what an attacker offers who believes everybody, in a version and with ciphers of its choice."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    if version is not None:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


async def spoken(town: City, context: Any) -> bytes:
    """Shake hands as a context says, then call; return what is answered, nothing if there is no handshake."""
    port, told = int(town.ready.address.rsplit(":", 1)[1]), b""
    with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            try:
                writer.write(PREFACE + frame(SETTINGS, 0, 0) + opening(1, GET) + message(1, b""))
                told = await reader.readexactly(9)
            finally:
                writer.transport.abort()
    return told


@in_module
async def test_what_is_strong_enough_is_spoken_to(target: Target) -> None:
    """Without this all handshakes below might fail for another cause."""
    assert await spoken(target.city, weak())
    assert await spoken(target.city, weak(ssl.TLSVersion.TLSv1_2))
    assert await spoken(target.city, weak(alpn=("http/1.1", "h2")))


@in_module
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
async def test_old_versions_of_tls_are_refused(target: Target, version: str) -> None:
    assert not await spoken(target.city, weak(ssl.TLSVersion[version]))


@in_module
@pytest.mark.parametrize(
    "ciphers",
    [
        "AES128-SHA:@SECLEVEL=0",
        "AES256-SHA256:@SECLEVEL=0",
        "AES128-GCM-SHA256:@SECLEVEL=0",
        "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
        "ADH-AES128-GCM-SHA256:@SECLEVEL=0",
        "AECDH-AES128-SHA:@SECLEVEL=0",
        "PSK-AES128-GCM-SHA256:@SECLEVEL=0",
        "NULL-SHA256:@SECLEVEL=0",
    ],
)
async def test_weak_ciphers_are_refused(target: Target, ciphers: str) -> None:
    assert not await spoken(target.city, weak(ssl.TLSVersion.TLSv1_2, ciphers))


@in_module
@pytest.mark.parametrize("alpn", [(), ("http/1.1",), ("h2c",), ("h3",), ("spdy/3",)])
async def test_another_protocol_than_http2_is_refused(target: Target, alpn: tuple[str, ...]) -> None:
    assert not await spoken(target.city, weak(alpn=alpn))


@in_module
async def test_plaintext_is_refused_also_as_an_upgrade(target: Target) -> None:
    town = target.city
    port = int(town.ready.address.rsplit(":", 1)[1])
    upgrade = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    for octets in (PREFACE + frame(SETTINGS, 0, 0) + opening(1, GET) + message(1, b""), upgrade):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        told = b""
        with suppress(OSError, TimeoutError):
            writer.write(octets)
            told = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        assert not told or told[0] == 21, "anything but a TLS alert was said in the open"
    async with grpc.aio.insecure_channel(town.ready.address) as channel:
        call: Any = channel.unary_unary(GET)
        assert (await refusal(call(b"", timeout=20))).code.name == "UNAVAILABLE"


@in_module
async def test_a_session_without_a_challenge_is_refused_where_one_is_demanded(target: Target) -> None:
    town = target.city
    stub: Any = SessionServiceStub(town.channel)
    for nonce in (b"", bytes(32), b"x" * 32):
        asked = statement(town, "verifiers/bank", town.verifier_keys["bank"], nonce=nonce)
        await target.refuses(partial(stub.OpenSession, asked), "FAILED_PRECONDITION", "CHALLENGE_MISSING")


@in_module
async def test_another_version_of_the_protocol_is_not_there(target: Target) -> None:
    for service in ("zkproto.v0.LedgerService", "zkproto.LedgerService", "zkproto.v1beta1.LedgerService"):
        call: Any = target.city.channel.unary_unary(f"/{service}/GetCheckpoint")
        await target.refuses(partial(call, b""), "UNIMPLEMENTED", "UNIMPLEMENTED")


@in_module
async def test_a_signed_request_of_another_label_is_refused(target: Target) -> None:
    """No octet of what a verifier has signed can be another one: not its version, its form, nor its suite."""
    signed = target.city.create_exchange(target.city.request())
    payload = signed.signed_request.payload
    honest = target.city.presentation.CreateExchange
    for at in range(0, len(payload), 7):
        signed.signed_request.payload = payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]
        before = target.rows()
        error = await refusal(honest(signed))
        assert error.code.name in {"INVALID_ARGUMENT", "PERMISSION_DENIED", "NOT_FOUND", "UNAUTHENTICATED"}, (
            error
        )
        assert error.reason not in {"", "INTERNAL"}
        assert target.rows() == before
    signed.signed_request.payload = payload
    assert (await honest(signed)).exchange
