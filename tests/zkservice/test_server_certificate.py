"""A certificate that changes under a running server: shown to whoever comes next, and never a broken one."""

import asyncio
import datetime as dt
import json
import shutil
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.zkservice.server_process import ROOT
from tests.zkservice.support import City, reopened
from zkproto.v1 import catalog_pb2
from zkservice import tls
from zkservice.config import Settings

Status = health_pb2.HealthCheckResponse
SERVING, NOT_SERVING = Status.SERVING, Status.NOT_SERVING


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass
class Operator:
    """Pairs of one authority, and the files that the server's settings name."""

    folder: Path
    town: City

    def make(self, at: dt.datetime) -> tuple[bytes, bytes]:
        """Return a new pair, of 397 days from a moment."""
        made = self.folder / "making"
        (made / "server.pem").unlink(missing_ok=True)
        key, chain = tls.server_credentials(Settings(data=made, dev=True), at)
        return key, chain

    def put(self, key: bytes | None = None, chain: bytes | None = None) -> None:
        for octets, name in ((key, "key.pem"), (chain, "chain.pem")):
            if octets is not None:
                (self.folder / f"{name}.new").write_bytes(octets)
                (self.folder / f"{name}.new").rename(self.folder / name)

    @property
    def root(self) -> bytes:
        return (self.folder / "making" / "ca.pem").read_bytes()

    def channel(self) -> grpc.aio.Channel:
        # Channels of the same arguments would share one connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        return grpc.aio.secure_channel(
            self.town.ready.address, grpc.ssl_channel_credentials(self.root), options
        )

    async def shown(self) -> int:
        """Return the serial number of what a new connection is shown, having verified it."""
        host, _, port = self.town.ready.address.rpartition(":")
        return await shown(self.root, host, int(port))

    async def until_shown(self, chain: bytes) -> None:
        async with asyncio.timeout(60):
            while await self.shown() != serial(chain):
                await asyncio.sleep(0.05)

    async def until_health(self, wanted: Any) -> None:
        async with self.channel() as channel, asyncio.timeout(60):
            stub: Any = health_pb2_grpc.HealthStub(channel)
            while (await stub.Check(health_pb2.HealthCheckRequest(service="certificate"))).status != wanted:
                await asyncio.sleep(0.05)


async def shown(root: bytes, host: str, port: int) -> int:
    context = ssl.create_default_context(cadata=root.decode())
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection(host, port, ssl=context)
    certificate = x509.load_der_x509_certificate(writer.get_extra_info("ssl_object").getpeercert(True))
    writer.close()
    return certificate.serial_number


def serial(chain: bytes) -> int:
    return x509.load_pem_x509_certificates(chain)[0].serial_number


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the files looked at more often than a person would wait for."""
    monkeypatch.setattr("zkservice.server_certificate.SECONDS", 0.1)


@pytest_asyncio.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    maker = Operator(tmp_path, None)  # type: ignore[arg-type] # the server comes with its first pair
    (tmp_path / "making").mkdir()
    maker.put(*maker.make(now()))
    given: dict[str, Any] = {
        "dev": False,
        "certificate": tmp_path / "chain.pem",
        "private_key": tmp_path / "key.pem",
    }
    (tmp_path / "server").mkdir()
    shutil.copy(tmp_path / "making" / "ca.pem", tmp_path / "server" / "ca.pem")
    async with reopened(tmp_path / "server", **given, http_port=0) as town:
        maker.town = town
        yield maker


async def ask(channel: grpc.aio.Channel) -> None:
    call: Any = channel.unary_unary(
        "/zkproto.v1.CatalogService/ListVerifiers",
        request_serializer=catalog_pb2.ListVerifiersRequest.SerializeToString,
        response_deserializer=catalog_pb2.ListVerifiersResponse.FromString,
    )
    await call(catalog_pb2.ListVerifiersRequest(), timeout=30)


async def test_a_new_certificate_is_shown_to_new_connections_and_breaks_none(operator: Operator) -> None:
    stop, asked = asyncio.Event(), 0

    async def load() -> None:
        nonlocal asked
        async with operator.channel() as old:
            while not stop.is_set():
                await ask(old)
                async with operator.channel() as fresh:
                    await ask(fresh)
                asked += 1

    loads = [asyncio.create_task(load()) for _ in range(3)]
    for _ in range(2):
        before, pair = asked, operator.make(now())
        operator.put(*pair)
        await operator.until_shown(pair[1])
        http = operator.town.ready.http_port
        assert http is not None
        assert await shown(operator.root, "localhost", http) == serial(pair[1])
        while asked < before + 6:
            await asyncio.sleep(0.02)
    stop.set()
    await asyncio.gather(*loads)
    await operator.until_health(SERVING)


def _pem(head: str) -> bytes:
    return f"-----BEGIN {head}-----\nAAAA\n-----END {head}-----\n".encode()


@pytest.mark.parametrize(
    "broken", ["mismatched", "no-key", "no-chain", "cut-off", "missing", "ended", "future"]
)
async def test_a_broken_pair_is_refused_and_the_old_one_kept(
    operator: Operator, broken: str, capfd: pytest.CaptureFixture[str]
) -> None:
    old, pair = (operator.folder / "chain.pem").read_bytes(), operator.make(now())
    match broken:
        case "mismatched":
            operator.put(chain=pair[1])
        case "no-key":
            operator.put(_pem("PRIVATE KEY"), pair[1])
        case "no-chain":
            operator.put(pair[0], _pem("CERTIFICATE"))
        case "cut-off":
            operator.put(pair[0], pair[1][:200])
        case "missing":
            (operator.folder / "key.pem").unlink()
        case "ended":
            operator.put(*operator.make(now() - dt.timedelta(days=400)))
        case "future":
            operator.put(*operator.make(now() + dt.timedelta(days=3)))
    await operator.until_health(NOT_SERVING)
    assert await operator.shown() == serial(old)
    if broken == "mismatched":
        assert (await doctor(operator)) == "warn"
    async with operator.channel() as channel:
        await ask(channel)
    operator.put(*pair)
    await operator.until_shown(pair[1])
    await operator.until_health(SERVING)


async def doctor(operator: Operator) -> str:
    """Return what `zk doctor` makes of the certificate."""
    root = operator.folder / "making" / "ca.pem"
    way = ("--server", operator.town.ready.address, "--root", root, "--home", operator.folder / "home")
    command = [sys.executable, "-m", "zk.cli", "doctor", *map(str, way), "--json"]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    (state,) = (each["state"] for each in json.loads(output)["checks"] if each["name"] == "certificate")
    return str(state)


async def test_a_certificate_that_ends_within_two_weeks_is_told(operator: Operator) -> None:
    for left, status in ((15, SERVING), (13, NOT_SERVING), (397, SERVING)):
        pair = operator.make(now() - dt.timedelta(days=397 - left))
        operator.put(*pair)
        await operator.until_shown(pair[1])
        await operator.until_health(status)


async def test_one_that_ends_under_load_ends_no_connection_and_a_newer_one_lets_others_in(
    operator: Operator,
) -> None:
    """Whoever is connected goes on; whoever comes anew is kept away by its own TLS."""
    ends = now() + dt.timedelta(seconds=10)
    ending = operator.make(ends - dt.timedelta(days=397))
    operator.put(*ending)
    await operator.until_shown(ending[1])
    stop, asked = asyncio.Event(), 0

    async def load() -> None:
        nonlocal asked
        async with operator.channel() as connected:
            while not stop.is_set():
                await ask(connected)
                asked += 1

    async def more() -> None:
        before = asked
        async with asyncio.timeout(60):
            while asked < before + 6:
                await asyncio.sleep(0.02)

    loads = [asyncio.create_task(load()) for _ in range(3)]
    await more()
    assert now() < ends, "they are connected by what ends"
    while now() < ends + dt.timedelta(seconds=1):
        await asyncio.sleep(0.05)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await operator.shown()
    async with operator.channel() as fresh:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(fresh)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    await more()
    newer = operator.make(now())
    operator.put(*newer)
    async with asyncio.timeout(60):
        while not await accepted(operator, newer[1]):
            await asyncio.sleep(0.05)
    async with operator.channel() as fresh:
        await ask(fresh)
    await more()
    stop.set()
    await asyncio.gather(*loads)
    await operator.until_health(SERVING)


async def accepted(operator: Operator, chain: bytes) -> bool:
    """Tell whether a new connection is shown a certificate; one that has ended is none that is accepted."""
    try:
        return await operator.shown() == serial(chain)
    except ssl.SSLCertVerificationError:
        return False


async def test_a_development_certificate_is_renewed_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = dt.timedelta()
    monkeypatch.setattr("zkservice.server._now", lambda: now() + ahead)
    async with reopened(tmp_path / "server"):
        path = tmp_path / "server" / "server.pem"
        before = serial(path.read_bytes())
        ahead = dt.timedelta(days=370)
        async with asyncio.timeout(60):
            while serial(path.read_bytes()) == before:
                await asyncio.sleep(0.05)
