"""The port for certificates of a real server: whom it lets in, and as whom."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.zkservice.certifying import DAY, Authority, over
from tests.zkservice.counting import access
from tests.zkservice.publishing import new_regulator, register
from tests.zkservice.stored import dump
from tests.zkservice.support import City, aio_error, city, reopened
from tests.zkservice.walking import token_of
from zkproto.v1 import catalog_pb2, catalog_pb2_grpc, delivery_pb2, delivery_pb2_grpc, token_pb2
from zkproto.v1.token_pb2_grpc import TokenServiceStub
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.server import running
from zkservice.tenants import proven

POLICE: Final = "zk:departments/police"
BLIND: Final = "regulators/blind"
"""Is registered, and was given no access."""
in_module = pytest.mark.asyncio(loop_scope="module")


class Town:
    def __init__(self, town: City, authority: Authority) -> None:
        self.city, self.authority = town, authority

    async def reason(
        self, client: tuple[bytes, bytes] | None, token: str = "", port: int | None = None
    ) -> str:
        """Call as a department over a connection of its own; return the reason, or OK."""
        bearer = self.city.bearer(token) if token else None
        async with over(self.city, client, port) as channel:
            catalog: Any = catalog_pb2_grpc.CatalogServiceStub(channel)
            asked = catalog_pb2.UpdateIssuerKeyStateRequest(name=f"departments/police/issuerKeys/{'0' * 32}")
            return await outcome(catalog.UpdateIssuerKeyState(asked, metadata=bearer, timeout=20))


async def outcome(call: Any) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        found = aio_error(error).reason
        return "OK" if found in {"NOT_FOUND", "FIELD_INVALID"} else found
    return "OK"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    authority = Authority()
    path = authority.written(tmp_path_factory.mktemp("authority"))
    async with city(tmp_path_factory.mktemp("town"), client_port=0, client_ca=path) as opened:
        await register(opened, BLIND.partition("/")[2], new_regulator())
        yield Town(opened, authority)


@in_module
async def test_a_department_by_its_certificate_is_that_department(town: Town) -> None:
    assert await town.reason(town.authority.client(POLICE)) == "OK"
    assert await town.reason(town.authority.client("zk:verifiers/bank")) == "TOKEN_INVALID"
    other = await town.city.add_department("health")
    assert await town.reason(town.authority.client("zk:departments/health")) == "TOKEN_INVALID"
    assert await town.reason(town.authority.client(POLICE), other) == "TOKEN_INVALID"


@in_module
async def test_certificate_and_token_of_the_same_go_together(town: Town) -> None:
    client, secret = town.authority.client(POLICE), town.city.department_token
    assert await town.reason(client, secret) == "OK"
    assert await town.reason(client, await token_of(town.city, secret)) == "OK"
    assert await town.reason(client, "x" * 43) == "TOKEN_INVALID"
    assert await town.reason(client, town.city.admin) == "TOKEN_INVALID"


@in_module
async def test_a_verifier_by_its_certificate_needs_no_session(town: Town) -> None:
    async with over(town.city, town.authority.client("zk:verifiers/bank")) as channel:
        deliveries: Any = delivery_pb2_grpc.DeliveryServiceStub(channel)
        assert not (await deliveries.ListDeliveries(delivery_pb2.ListDeliveriesRequest())).deliveries
        watching = deliveries.WatchDeliveries(delivery_pb2.WatchDeliveriesRequest())
        assert (await watching.read()).waiting == 0
        watching.cancel()


@in_module
async def test_operators_and_witnesses_are_whom_the_authority_names(town: Town) -> None:
    await access(town.city, "audit")
    rotate = token_pb2.RotateTokenKeysRequest()
    for uri, reason in {
        "zk:operators/night-shift": "OK",
        "zk:witnesses/first": "TOKEN_INVALID",
        "zk:regulators/audit": "TOKEN_INVALID",
    }.items():
        async with over(town.city, town.authority.client(uri)) as channel:
            stub: Any = TokenServiceStub(channel)
            assert await outcome(stub.RotateTokenKeys(rotate)) == reason, uri
            assert await outcome(stub.ListTokenKeys(token_pb2.ListTokenKeysRequest())) == "OK"


NAMELESS: Final[dict[str, tuple[str, ...]]] = {
    "no alternative names": (),
    "a URI of another kind": ("https://departments/police",),
    "two names": (POLICE, "zk:departments/health"),
    "the same name twice": (POLICE, POLICE),
    "two names, one in capitals": (POLICE, "ZK:departments/health"),
    "a scheme in capitals": ("ZK:departments/police",),
    "an unregistered department": ("zk:departments/nobody",),
    "an unregistered verifier": ("zk:verifiers/nobody",),
    "an unregistered regulator": ("zk:regulators/nobody",),
    "a regulator without access": (f"zk:{BLIND}",),
    "the administrator": ("zk:administrators/root",),
    "a holder": ("zk:accounts/x",),
    "a consent": ("zk:consents/x",),
    "another collection": ("zk:kings/police",),
    "no party": ("zk:departments/",),
    "a path below": ("zk:departments/police/x",),
    "a name in capitals": ("zk:departments/POLICE",),
    "a query": ("zk:departments/police?x",),
    "slashes before": ("zk://departments/police",),
    "nothing": ("zk:",),
}


@in_module
@pytest.mark.parametrize("name", NAMELESS)
async def test_a_certificate_that_names_no_one_party_is_refused(town: Town, name: str) -> None:
    client, before = town.authority.client(*NAMELESS[name]), dump(town.city.ready.data)
    assert await town.reason(client) == "CERTIFICATE_INVALID"
    assert await town.reason(client, town.city.department_token) == "CERTIFICATE_INVALID"
    assert dump(town.city.ready.data) == before


@in_module
async def test_names_of_other_kinds_say_nothing(town: Town) -> None:
    others = [x509.DNSName("departments.police"), x509.RFC822Name("departments@police.example")]
    assert await town.reason(town.authority.client(others=others)) == "CERTIFICATE_INVALID"
    assert await town.reason(town.authority.client(POLICE, others=others)) == "OK"


@in_module
@pytest.mark.parametrize("fault", ["none", "another authority", "ended", "not yet", "a server's"])
async def test_the_transport_lets_in_nobody_else(town: Town, fault: str) -> None:
    mine = town.authority
    client = {
        "none": None,
        "another authority": Authority().client(POLICE),
        "ended": mine.client(POLICE, begins=-2 * DAY, ends=-dt.timedelta(minutes=1)),
        "not yet": mine.client(POLICE, begins=dt.timedelta(hours=1)),
        "a server's": mine.client(POLICE, usage=ExtendedKeyUsageOID.SERVER_AUTH),
    }[fault]
    assert await town.reason(client, town.city.department_token) == "UNAVAILABLE"


@in_module
async def test_a_certificate_that_ends_is_no_good_on_a_connection_that_there_is(town: Town) -> None:
    """Nor over a resumed session: what the transport has looked at once is looked at for each call."""
    clock, before = town.city.clock, dump(town.city.ready.data)
    asked = catalog_pb2.UpdateIssuerKeyStateRequest(name=f"departments/police/issuerKeys/{'0' * 32}")
    bearer = town.city.bearer(town.city.department_token)
    async with over(town.city, town.authority.client(POLICE, ends=DAY)) as channel:
        catalog: Any = catalog_pb2_grpc.CatalogServiceStub(channel)
        try:
            for ahead, reason in (
                (0 * DAY, "OK"),
                (2 * DAY, "CERTIFICATE_INVALID"),
                (-40 * DAY, "CERTIFICATE_INVALID"),
            ):
                clock.ahead = ahead
                assert await outcome(catalog.UpdateIssuerKeyState(asked)) == reason
                assert await outcome(catalog.UpdateIssuerKeyState(asked, metadata=bearer)) == reason
        finally:
            clock.ahead = 0 * DAY
        assert await outcome(catalog.UpdateIssuerKeyState(asked)) == "OK"
    assert dump(town.city.ready.data) == before


@in_module
async def test_a_call_is_not_a_partys_before_its_token_agrees(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a call is refused for is not counted as the work of whoever the certificate names."""
    said: list[str] = []

    def noted(name: str) -> None:
        said.append(name)
        proven(name)

    monkeypatch.setattr("zkservice.callers.proven", noted)
    client = town.authority.client(POLICE)
    assert await town.reason(client, "x" * 43) == "TOKEN_INVALID"
    assert await town.reason(client, town.city.admin) == "TOKEN_INVALID"
    assert "departments/police" not in said
    assert await town.reason(client) == await town.reason(client, town.city.department_token) == "OK"
    assert "departments/police" in said


@in_module
async def test_the_ordinary_port_reads_no_certificate(town: Town) -> None:
    port = int(town.city.ready.address.rpartition(":")[2])
    assert await town.reason(town.authority.client(POLICE), port=port) == "TOKEN_MISSING"
    assert await town.reason(Authority().client(POLICE), town.city.department_token, port) == "OK"


@in_module
async def test_a_certificate_makes_no_token(town: Town) -> None:
    async with over(town.city, town.authority.client(POLICE)) as channel:
        stub: Any = TokenServiceStub(channel)
        asked = token_pb2.CreateTokenRequest()
        assert await outcome(stub.CreateToken(asked)) == "TOKEN_INVALID"
        bearer = town.city.bearer(town.city.department_token)
        assert await outcome(stub.CreateToken(asked, metadata=bearer)) == "OK"


@in_module
async def test_a_certificate_is_not_turned_into_a_secret(town: Town) -> None:
    secret = town.city.department_token
    token, before = await token_of(town.city, secret), dump(town.city.ready.data)
    async with over(town.city, town.authority.client(POLICE)) as channel:
        stub: Any = TokenServiceStub(channel)
        asked = token_pb2.ReplaceSecretRequest(name="departments/police")
        assert await outcome(stub.ReplaceSecret(asked)) == "TOKEN_INVALID"
        assert await outcome(stub.ReplaceSecret(asked, metadata=town.city.bearer(token))) == "TOKEN_INVALID"
        assert dump(town.city.ready.data) == before
        town.city.department_token = (
            await stub.ReplaceSecret(asked, metadata=town.city.bearer(secret))
        ).access_token
    assert await town.reason(None, secret, _ordinary(town)) == "TOKEN_INVALID"


def _ordinary(town: Town) -> int:
    return int(town.city.ready.address.rpartition(":")[2])


async def test_a_certificate_is_taken_where_no_secret_is(tmp_path: Path) -> None:
    authority = Authority()
    path = authority.written(tmp_path)
    async with city(tmp_path / "data") as opened:
        secret = opened.department_token
    async with reopened(tmp_path / "data", client_port=0, client_ca=path, accept_secrets=False) as opened:
        here = Town(opened, authority)
        assert await here.reason(authority.client(POLICE)) == "OK"
        assert await here.reason(authority.client(POLICE), secret) == "SECRET_NOT_ACCEPTED"


@pytest.mark.parametrize("fault", ["no authority", "no port", "no file", "no PEM", "a client's certificate"])
async def test_settings_that_do_not_go_together_are_told(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "ca.pem"
    settings: dict[str, Any] = {"client_port": 0, "client_ca": path}
    if fault == "no authority":
        del settings["client_ca"]
    elif fault == "no port":
        del settings["client_port"]
    elif fault == "no PEM":
        path.write_text("x")
    elif fault == "a client's certificate":
        path.write_bytes(Authority().client(POLICE)[1])
    with pytest.raises(StartError, match=r"client_ca|PEM|may sign"):
        async with running(Settings(data=tmp_path / "data", dev=True, port=0, processes=0, **settings)):
            pass
