"""Certificates that their authority took back: refused by a real server, on connections that there are."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.zkservice.certifying import DAY, UNREADABLE, Authority, over, third_version
from tests.zkservice.stored import dump
from tests.zkservice.support import City, aio_error, city, reopened
from zkproto.v1 import catalog_pb2, catalog_pb2_grpc, delivery_pb2, delivery_pb2_grpc
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.server import running

POLICE: Final = "zk:departments/police"
BANK: Final = "zk:verifiers/bank"
HOUR: Final = dt.timedelta(hours=1)
in_module = pytest.mark.asyncio(loop_scope="module")
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@dataclass
class Town:
    """A server, its two authorities, of which one signs in the name of the other, and the lists' folder."""

    city: City
    root: Authority
    middle: Authority
    lists: Path

    def put(self, name: str, octets: bytes) -> None:
        """Lay a list in its place, whole at once."""
        new = self.lists / f".{name}"
        new.write_bytes(octets)
        new.rename(self.lists / name)

    async def reason(self, channel: grpc.aio.Channel, token: str = "") -> str:
        catalog: Any = catalog_pb2_grpc.CatalogServiceStub(channel)
        asked = catalog_pb2.UpdateIssuerKeyStateRequest(name=f"departments/police/issuerKeys/{'0' * 32}")
        bearer = self.city.bearer(token) if token else None
        try:
            await catalog.UpdateIssuerKeyState(asked, metadata=bearer, timeout=20)
        except grpc.aio.AioRpcError as error:
            found = aio_error(error).reason
            return "OK" if found in {"NOT_FOUND", "FIELD_INVALID"} else found
        return "OK"

    async def until(self, client: tuple[bytes, bytes], reason: str) -> None:
        """Wait until a client is answered with a reason."""
        async with over(self.city, client) as channel, asyncio.timeout(60):
            while await self.reason(channel) != reason:
                await asyncio.sleep(0.05)

    async def until_health(self, wanted: Any) -> None:
        stub: Any = health_pb2_grpc.HealthStub(self.city.channel)
        async with asyncio.timeout(60):
            while (await stub.Check(health_pb2.HealthCheckRequest(service="certificate"))).status != wanted:
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    folder = tmp_path_factory.mktemp("authority")
    root = Authority("root", below=1)
    middle = Authority("middle", parent=root)
    (folder / "ca.pem").write_bytes(root.pem + middle.pem)
    lists = folder / "lists"
    lists.mkdir()
    (lists / "root.pem").write_bytes(root.crl())
    (lists / "middle.pem").write_bytes(middle.crl())
    settings: Any = {"client_port": 0, "client_ca": folder / "ca.pem", "client_crl": lists}
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr("zkservice.server_certificate.SECONDS", 0.05)  # lists are laid by the dozen here
        async with city(tmp_path_factory.mktemp("town"), **settings) as opened:
            yield Town(opened, root, middle, lists)


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def afterwards(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Lay newer lists of nothing in the place of a test's, and wait until the server goes by them."""
    yield
    if "town" in request.fixturenames:
        opened: Town = request.getfixturevalue("town")
        opened.put("root.pem", opened.root.crl())
        opened.put("middle.pem", opened.middle.crl())
        await opened.until_health(SERVING)
        for authority in (opened.root, opened.middle):
            await opened.until(authority.client(POLICE), "OK")


@in_module
async def test_one_that_is_taken_back_is_refused_on_a_connection_that_there_is(town: Town) -> None:
    taken, other = town.middle.client(POLICE), town.middle.client(POLICE)
    async with over(town.city, taken) as channel, over(town.city, other) as another:
        assert await town.reason(channel) == "OK"
        town.put("middle.pem", town.middle.crl(taken[1]))
        await town.until(taken, "CERTIFICATE_REVOKED")
        before = dump(town.city.ready.data)
        secret = town.city.department_token
        assert await town.reason(channel) == await town.reason(channel, secret) == "CERTIFICATE_REVOKED"
        assert await town.reason(another) == "OK"
        assert dump(town.city.ready.data) == before


@in_module
async def test_a_stream_ends_with_its_certificate(town: Town) -> None:
    taken = town.middle.client(BANK)
    async with over(town.city, taken) as channel, asyncio.timeout(60):
        deliveries: Any = delivery_pb2_grpc.DeliveryServiceStub(channel)
        watching = deliveries.WatchDeliveries(delivery_pb2.WatchDeliveriesRequest())
        assert (await watching.read()).waiting == 0
        town.put("middle.pem", town.middle.crl(taken[1]))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _to_its_end(watching)
        assert aio_error(caught.value).reason == "CERTIFICATE_REVOKED"


async def _to_its_end(stream: Any) -> None:
    while await stream.read() is not grpc.aio.EOF:
        pass


@in_module
async def test_an_authority_that_is_taken_back_takes_its_clients_along(town: Town) -> None:
    taken, other = town.middle.client(POLICE), town.root.client(POLICE)
    town.put("root.pem", town.root.crl(town.middle.pem))
    await town.until(taken, "CERTIFICATE_REVOKED")
    await town.until(other, "OK")


@in_module
async def test_the_number_alone_takes_nothing_back_with_another_authority(town: Town) -> None:
    """Serial numbers are one authority's own."""
    client = town.middle.client(POLICE)
    gone = town.root.client(POLICE)
    town.put("root.pem", town.root.crl(client[1], gone[1]))
    await town.until(gone, "CERTIFICATE_REVOKED")
    await town.until(client, "OK")


@in_module
async def test_an_authority_that_the_server_has_no_list_of_signs_for_nobody(town: Town) -> None:
    """The transport takes what a client shows between itself and an authority; nobody says whom that one took
    back."""
    between = Authority("between", parent=town.root)
    key, leaf = between.client(POLICE)
    async with over(town.city, (key, leaf + between.pem)) as channel:
        assert await town.reason(channel) == "CERTIFICATE_INVALID"


@in_module
async def test_lists_that_have_ended_let_nobody_in(town: Town) -> None:
    clock = town.city.clock
    client = town.middle.client(POLICE, ends=9 * DAY)
    async with over(town.city, client) as channel:
        assert await town.reason(channel) == "OK"
        clock.ahead = 2 * DAY
        try:
            assert await town.reason(channel) == "CERTIFICATE_INVALID"
            await town.until_health(NOT_SERVING)
            town.put("root.pem", town.root.crl(ends=4 * DAY))
            town.put("middle.pem", town.middle.crl(ends=4 * DAY))
            await town.until(client, "OK")
            await town.until_health(SERVING)
        finally:
            clock.ahead = 0 * DAY


def _unsound(town: Town) -> dict[str, bytes]:
    middle = town.middle
    partly = x509.IssuingDistributionPoint(
        full_name=None, relative_name=None, only_contains_user_certs=True, only_some_reasons=None,
        indirect_crl=False, only_contains_attribute_certs=False, only_contains_ca_certs=False,
    )  # fmt: skip
    others = x509.CertificateIssuer([x509.DirectoryName(town.root.certificate.subject)])
    whole = middle.crl()
    damaged = bytearray(x509.load_pem_x509_crl(whole).public_bytes(Encoding.DER))
    damaged[-1] ^= 1
    return {
        "nothing": b"",
        "no list": middle.pem,
        "cut": whole[: len(whole) // 2],
        "a changed signature": bytes(damaged),
        "another's key": middle.crl(key=Authority().key),
        "another authority": Authority("others").crl(),
        "the root's under this name": town.root.crl(),
        "one that has ended": middle.crl(begins=-HOUR, ends=-dt.timedelta(minutes=1)),
        "one that does not count yet": middle.crl(begins=HOUR),
        "an older one": middle.crl(begins=-5 * DAY),
        "one of a part of the certificates": middle.crl(extension=partly),
        "one of others' certificates": middle.crl(town.root.client(POLICE)[1], entry=others),
        "one of a version that there is not": third_version(whole),
        "one whose names cannot be read": middle.crl(extension=UNREADABLE, critical=False),
    }


UNSOUND: Final = (
    "nothing", "no list", "cut", "a changed signature", "another's key", "another authority",
    "the root's under this name", "one that has ended", "one that does not count yet", "an older one",
    "one of a part of the certificates", "one of others' certificates", "one of a version that there is not",
    "one whose names cannot be read",
)  # fmt: skip


@in_module
async def test_an_unsound_list_is_not_taken_and_the_one_before_stays(town: Town) -> None:
    taken, other = town.middle.client(POLICE), town.middle.client(POLICE)
    town.put("middle.pem", town.middle.crl(taken[1]))
    await town.until(taken, "CERTIFICATE_REVOKED")
    sound = (town.lists / "middle.pem").read_bytes()
    unsound = _unsound(town)
    assert tuple(unsound) == UNSOUND
    for octets in unsound.values():
        town.put("middle.pem", octets)
        await town.until_health(NOT_SERVING)
        await town.until(taken, "CERTIFICATE_REVOKED")
        await town.until(other, "OK")
        town.put("middle.pem", sound)
        await town.until_health(SERVING)
    (town.lists / "middle.pem").unlink()
    await town.until_health(NOT_SERVING)
    await town.until(taken, "CERTIFICATE_REVOKED")


@in_module
async def test_der_and_several_in_one_file_are_read(town: Town) -> None:
    taken, others = town.middle.client(POLICE), town.root.client(POLICE)
    lists = town.middle.crl(taken[1]) + town.root.crl()
    town.put("middle.pem", lists)
    await town.until(taken, "CERTIFICATE_REVOKED")
    der = x509.load_pem_x509_crl(town.root.crl(others[1])).public_bytes(Encoding.DER)
    town.put("root.pem", der)
    await town.until(others, "CERTIFICATE_REVOKED")


@pytest.mark.parametrize(
    "fault",
    ["no authorities", "no file", "no list of one", "a usage without lists", "another version", "names"],
)
async def test_a_server_without_sound_lists_does_not_start(tmp_path: Path, fault: str) -> None:
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    authority = Authority(usage=usage if fault == "a usage without lists" else None)
    ca, crl = tmp_path / "ca.pem", tmp_path / "crl.pem"
    ca.write_bytes(authority.pem + (Authority("others").pem if fault == "no list of one" else b""))
    if fault != "no file":
        whole = authority.crl()
        unread = authority.crl(extension=UNREADABLE, critical=False)
        crl.write_bytes({"another version": third_version(whole), "names": unread}.get(fault, whole))
    settings: dict[str, Any] = {"client_port": 0, "client_ca": ca, "client_crl": crl}
    if fault == "no authorities":
        settings = {"client_crl": crl}
    with pytest.raises(StartError, match=r"client_crl|client_ca|revocation list"):
        async with running(Settings(data=tmp_path / "data", dev=True, port=0, processes=0, **settings)):
            pass


async def test_a_server_that_starts_again_takes_no_older_list(tmp_path: Path) -> None:
    authority, lists = Authority(), tmp_path / "lists.pem"
    taken, other = authority.client(POLICE), authority.client(POLICE)
    older, newer = authority.crl(begins=-2 * HOUR), authority.crl(taken[1], begins=-HOUR)
    settings: Any = {"client_port": 0, "client_ca": authority.written(tmp_path), "client_crl": lists}
    lists.write_bytes(newer)
    async with city(tmp_path / "data", **settings):
        pass
    lists.write_bytes(older)
    with pytest.raises(StartError, match="older than one that was taken before"):
        async with reopened(tmp_path / "data", **settings):
            pass
    lists.write_bytes(newer)
    async with reopened(tmp_path / "data", **settings) as opened:
        town = Town(opened, authority, authority, tmp_path)
        for client, reason in ((taken, "CERTIFICATE_REVOKED"), (other, "OK")):
            async with over(opened, client) as channel:
                assert await town.reason(channel) == reason
