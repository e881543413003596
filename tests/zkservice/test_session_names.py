"""What has the form of a session, or asks for one, with a name that no party can have: on PostgreSQL, which
takes no zero octet in a text, and where no database is asked for it."""

import base64
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from tests import postgres
from tests.zkservice.sessions import opened, statement
from tests.zkservice.stores import Store
from tests.zkservice.support import City, city, refusal
from zkproto.v1 import delivery_pb2
from zkproto.v1.delivery_pb2_grpc import DeliveryServiceStub
from zkproto.v1.session_pb2_grpc import SessionServiceStub
from zkservice.moments import to_ms

in_module = pytest.mark.asyncio(loop_scope="module")
NAMES: Final = (
    "verifiers/bank\0", "verifiers/\0", "accounts/\0", "consents/x\0y", "verifiers/", "verifiers/Bank",
    "verifiers/bank\n", "accounts/a b", "accounts/" + "a" * 65, "verifiers/bank/policies/x", "accounts/é",
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(postgresql: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("named"), **Store.on(postgresql).settings) as made:
        yield made


@in_module
@pytest.mark.parametrize("name", NAMES, ids=ascii)
async def test_a_token_with_a_name_that_no_party_has_is_refused(town: City, name: str) -> None:
    ends = to_ms(town.clock() + dt.timedelta(minutes=10))
    token = base64.urlsafe_b64encode(f"{name}|{ends}|{'x' * 43}".encode()).rstrip(b"=").decode()
    stub: Any = DeliveryServiceStub(town.channel)
    call = stub.ListDeliveries(delivery_pb2.ListDeliveriesRequest(), metadata=town.bearer(token))
    assert (await refusal(call)).reason == "TOKEN_INVALID"


@in_module
@pytest.mark.parametrize("name", NAMES, ids=ascii)
async def test_a_statement_with_a_name_that_no_party_has_is_nobodys(town: City, name: str) -> None:
    stub: Any = SessionServiceStub(town.channel)
    call = stub.OpenSession(statement(town, name, town.verifier_keys["bank"]))
    assert (await refusal(call)).reason == "REQUEST_SIGNATURE_INVALID"
    assert await opened(town, "verifiers/bank", town.verifier_keys["bank"])
